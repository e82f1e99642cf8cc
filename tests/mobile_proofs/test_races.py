"""One proof and many binds at the same time; and processes that die while they hold the proof."""

import signal
from typing import Any

import pytest
from django.db.models.signals import post_save

from phonebind import mobile_proofs, tickets
from phonebind.mobile_proofs import ByProof
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from server.users.models import User
from tests.mobile_proofs.conftest import MOBILE
from tests.support.edge import OPENID, Configure, Upstream
from tests.support.racers import crash, together
from tests.test_races import die, submit

pytestmark = pytest.mark.django_db(transaction=True)

ME = Identity("qq", "101000001", OPENID)
YOU = Identity("qq", "101000001", "F" * 32)


@pytest.fixture
def proof(aliyun: Upstream) -> str:
    return mobile_proofs.trade("aliyun", "TOKEN", ME, "192.0.2.1").token


def form_of(identity: Identity, proof: str) -> dict[str, str]:
    return {"access_token": tickets.issue_loose(identity, "/"), "mobile_proof": proof}


def clean() -> tuple[int, int]:
    return User.objects.count(), SocialAccount.objects.count()


def test_threat_57_one_proof_in_twenty_binds_at_once_makes_one(proof: str, phonebind: Configure) -> None:
    """Ten binds send the same form. The other ten have their own tickets."""
    form = form_of(ME, proof)
    answers = together(submit, [(form, {})] * 10 + [(form_of(ME, proof), {})] * 10)
    assert {status for status, _ in answers} == {201}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert clean() == (1, 1)


def test_threat_57_two_identities_at_once_never_share_it(proof: str) -> None:
    answers = together(submit, [(form_of(ME, proof), {}), (form_of(YOU, proof), {})] * 4)
    assert sorted({status for status, _ in answers}) == [201, 400]
    assert {answer["code"] for status, answer in answers if status == 400} == {"mobile_proof_invalid"}
    assert [account.openid for account in SocialAccount.objects.all()] == [ME.openid]


def test_threat_5_two_identities_with_proofs_of_one_mobile_make_one_account(proof: str, aliyun: Upstream) -> None:
    yours = mobile_proofs.trade("aliyun", "TOKEN", YOU, "192.0.2.1").token
    answers = together(submit, [(form_of(ME, proof), {}), (form_of(YOU, yours), {})])
    assert [status for status, _ in answers] == [201, 201]
    assert User.objects.get().mobile == MOBILE
    assert SocialAccount.objects.count() == 2


def dies_after_writing(form: dict[str, str]) -> None:
    post_save.connect(die, SocialAccount)
    submit(form, {})


def dies_after_the_claim(form: dict[str, str]) -> None:
    claim = ByProof.claim
    ByProof.claim = lambda mobile: die(claim(mobile))  # type: ignore[assignment, method-assign]
    submit(form, {})


def dies_after_the_commit(form: dict[str, str]) -> None:
    ByProof.settle = die  # type: ignore[method-assign]
    submit(form, {})


@pytest.mark.parametrize(
    ("crashing", "left"), [(dies_after_writing, 0), (dies_after_the_claim, 0), (dies_after_the_commit, 1)]
)
def test_threat_6_kill_9_leaves_both_or_neither_and_the_proof_can_be_sent_again(
    proof: str, crashing: Any, left: int
) -> None:
    form = form_of(ME, proof)
    assert crash(crashing, form) == -signal.SIGKILL
    assert clean() == (left, left)
    status, answer = submit(form, {})
    assert status == 201, answer
    assert clean() == (1, 1)
