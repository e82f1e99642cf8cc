"""What a client needs for an SMS, in each mode: what is asked for, what is enough, and what is used up."""

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import time_machine

from phonebind import human, limits, slots, sms_codes, store
from phonebind.exceptions import (
    HumanCheckInvalid,
    HumanCheckUnavailable,
    ImageCodeInvalid,
    PhonebindError,
    SmsNotSent,
    SmsQuota,
    TooManyRequests,
)
from phonebind.human import Answers
from phonebind.human.altcha import Altcha, WithoutImage
from phonebind.human.base import Check, asking
from phonebind.slots import Slots
from tests.support.altcha import decode, solve
from tests.support.edge import Configure, Outbox

MOBILE = "13900000001"
ADDRESS = "192.0.2.1"
ID = "0f6a5c1e-6b1d-4b60-9f3b-2f0c7a1d3e55"
#: The lowest possible cost.
CHEAP = {"check": "phonebind.human.altcha.Altcha", "cost": 1_000}
MODES: dict[str, Any] = {
    "image": "image",
    "altcha": CHEAP,
    "image+altcha": {**CHEAP, "image": True},
    "adaptive": {**CHEAP, "image": True, "adaptive": True},
}


class Riddle:
    """A host's own check that shows something to look at."""

    name: ClassVar[str] = "riddle"
    visual: ClassVar[bool] = True
    origins: Sequence[str] = ("https://riddles.example",)

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def check(self) -> list[str]:
        return [] if self.answer else ["answer is empty"]

    def issue(self, mobile: str) -> Mapping[str, Any]:
        return {"question": f"What is {mobile}?", "name": "its own name says what it is"}

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        return (mobile, address, answer) == (MOBILE, ADDRESS, self.answer)


RIDDLE = {"check": f"{__name__}.Riddle", "answer": "a number"}


def see() -> Answers:
    """An image code that was read correctly."""
    with store.connection() as client:
        client.set(store.key("image", ID), "AAAA")
    return Answers(image_code_id=ID, text="AAAA")


def asked(**how: bool) -> Any:
    return human.issue(MOBILE, ADDRESS, **{"without_image": False, **how})


def proof(**how: bool) -> str:
    return solve(asked(**how)["human_check"])


def is_enough(answers: Answers) -> human.Needs:
    return human.verify(MOBILE, ADDRESS, answers)


def is_refused(answers: Answers, error: type[Exception] = HumanCheckInvalid) -> None:
    with pytest.raises(error):
        human.verify(MOBILE, ADDRESS, answers)


def burn(number: int) -> None:
    """Send that many SMS now."""
    limits.take(*[("sms_site_hour", limits.SITE)] * number)


# ---------------------------------------------------------------- the modes


def test_the_words_are_short_for_these() -> None:
    assert set(human.MODES) == {*MODES, "none"}


@pytest.mark.parametrize(
    ("mode", "image", "check"),
    [("image", True, ""), ("altcha", False, "altcha"), ("image+altcha", True, "altcha"), ("adaptive", True, "")],
)
def test_what_each_word_asks_for(phonebind: Configure, mode: str, image: bool, check: str) -> None:
    phonebind(human_check=mode)
    told = asked()
    assert told["image"] is image is human.needs_image(without_image=False)
    assert (told["human_check"] or {"name": ""})["name"] == check


def test_the_default_is_the_contracts_image() -> None:
    assert asked() == {"image": True, "human_check": None}
    assert str(is_enough(see())) == "image"
    see()
    is_refused(Answers(ID, "BBBB"), ImageCodeInvalid)


def test_a_proof_alone(phonebind: Configure) -> None:
    phonebind(human_check=MODES["altcha"])
    answer = proof()
    assert str(is_enough(Answers(human_check=answer))) == "altcha"
    is_refused(Answers(human_check=answer))
    is_refused(see())


def test_both(phonebind: Configure) -> None:
    phonebind(human_check=MODES["image+altcha"])
    image, answer = see(), proof()
    is_refused(image)
    assert str(is_enough(Answers(ID, "AAAA", answer))) == "image+altcha"


def test_threat_13_a_proof_is_good_for_one_look_at_an_image(phonebind: Configure) -> None:
    phonebind(human_check=MODES["image+altcha"])
    see()
    answer = proof()
    is_refused(Answers(ID, "BBBB", answer), ImageCodeInvalid)
    see()
    is_refused(Answers(ID, "AAAA", answer))


def test_an_image_is_as_good_as_before_where_the_check_failed(phonebind: Configure) -> None:
    phonebind(human_check=MODES["image+altcha"])
    see()
    is_refused(Answers(ID, "AAAA", "garbage"))
    is_enough(Answers(ID, "AAAA", proof()))


def test_a_hosts_own_check(phonebind: Configure) -> None:
    phonebind(human_check=RIDDLE)
    assert asked() == {"image": False, "human_check": {"name": "riddle", "question": f"What is {MOBILE}?"}}
    assert str(is_enough(Answers(human_check="a number"))) == "riddle"
    is_refused(Answers(human_check="what?"))


def test_what_is_asked_for_is_bounded_for_each_address(phonebind: Configure) -> None:
    phonebind(human_check=MODES["altcha"], limits={"human_address_hour": (1, 60)})
    asked()
    with pytest.raises(TooManyRequests):
        asked()
    human.issue(MOBILE, "192.0.2.2", without_image=False)
    phonebind(human_check="image")
    asked()  # costs nothing, and counts nothing


# ---------------------------------------------------------------- the mode "none"

#: Limits that the host has set.
FEW = {"sms_address_hour": (3, 3_600), "sms_site_hour": (5, 3_600), "sms_site_day": (7, 86_400)}


@pytest.mark.parametrize("without_image", [False, True])
def test_none_asks_for_nothing_and_looks_at_nothing(phonebind: Configure, without_image: bool) -> None:
    phonebind(human_check="none", limits=FEW)
    assert asked(without_image=without_image) == {"image": False, "human_check": None}
    assert not human.needs_image(without_image=without_image)
    passed = is_enough(Answers(ID, "BBBB", "x", without_image))
    assert (str(passed), passed.claims) == ("none", ())


@pytest.mark.parametrize("name", FEW)
def test_threat_13_none_serves_nobody_where_the_host_has_not_set_what_bounds_the_bill(
    phonebind: Configure, name: str
) -> None:
    """Also if no system check was run, and if checks were silenced."""
    phonebind(human_check="none", limits={other: bound for other, bound in FEW.items() if other != name})
    with pytest.raises(ValueError, match=name):
        is_enough(Answers())


# ---------------------------------------------------------------- people who cannot see


@pytest.mark.parametrize("mode", [*set(MODES) - {"altcha"}, "riddle"])
def test_who_cannot_see_is_asked_for_a_dearer_proof_alone(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The proof costs more because it takes more tries. Here the right number is among the first, to save time."""
    bounds: list[int] = []

    def among_the_first(bound: int) -> int:
        bounds.append(bound)
        return 9

    monkeypatch.setattr(secrets, "randbelow", among_the_first)
    phonebind(human_check={**MODES, "riddle": RIDDLE}[mode])
    told = asked(without_image=True)
    assert bounds == [WithoutImage.tries]
    assert WithoutImage.tries > Altcha.tries
    assert not told["image"]
    assert told["human_check"]["name"] == "altcha"
    assert not human.needs_image(without_image=True)
    passed = is_enough(Answers(human_check=solve(told["human_check"]), without_image=True))
    assert dict(passed.claims) == {
        "no_image_address_hour": ADDRESS,
        "no_image_site_hour": limits.SITE,
        "no_image_site_day": limits.SITE,
    }


@pytest.mark.parametrize(
    ("setting", "cost"),
    [
        ("image", 5_000),
        ("image+altcha", 5_000),
        ({**CHEAP, "image": True, "cost": 20_000}, 20_000),
        (RIDDLE, 5_000),
    ],
)
def test_it_is_as_much_dearer_as_the_sites_own_is_dear(phonebind: Configure, setting: Any, cost: int) -> None:
    phonebind(human_check=setting)
    told = human.needs(ADDRESS, without_image=True).check
    assert isinstance(told, WithoutImage)
    assert told.cost == cost


def test_where_nothing_is_to_be_seen_nobody_needs_another_way(phonebind: Configure) -> None:
    phonebind(human_check=MODES["altcha"])
    assert is_enough(Answers(human_check=proof(without_image=True), without_image=True)).claims == ()


@pytest.mark.parametrize("mode", ["image+altcha", "altcha"])
def test_threat_13_the_cheaper_proof_is_not_the_dearer_one(phonebind: Configure, mode: str) -> None:
    phonebind(human_check=MODES["image+altcha"])
    cheaper, dearer = proof(), proof(without_image=True)
    is_refused(Answers(human_check=cheaper, without_image=True))
    see()
    is_refused(Answers(ID, "AAAA", dearer))
    phonebind(human_check=MODES[mode])
    is_refused(Answers(human_check=dearer))


def test_threat_13_who_does_not_look_is_not_believed() -> None:
    is_refused(Answers(without_image=True))
    is_refused(Answers(ID, see().text, without_image=True))


# ---------------------------------------------------------------- adaptive


@pytest.fixture
def adaptive(phonebind: Configure) -> Configure:
    """A day allows 936 SMS. So an hour allows 39, and four within minutes are too many."""
    phonebind(human_check=MODES["adaptive"], limits={"sms_site_hour": (400, 3600), "sms_site_day": (936, 86_400)})
    return phonebind


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at the beginning of a counter's window."""
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


def is_hot() -> bool:
    return asked()["human_check"] is not None


def test_while_the_site_is_quiet_the_image_is_enough(adaptive: Configure) -> None:
    assert not is_hot()
    assert str(is_enough(see())) == "image"


@pytest.mark.parametrize(("number", "hot"), [(1, False), (3, False), (4, True), (40, True)])
def test_it_is_hot_when_minutes_spend_a_tenth_of_an_hour(
    adaptive: Configure, clock: time_machine.Traveller, number: int, hot: bool
) -> None:
    burn(number)
    assert is_hot() is hot
    clock.shift(299)
    assert is_hot() is hot
    clock.shift(1)
    assert is_hot() is (number == 40)


@pytest.mark.parametrize(("last", "hot"), [(0, False), (2, False), (3, True)])
def test_it_is_hot_when_an_hour_spends_more_than_a_day_would_bear(
    adaptive: Configure, clock: time_machine.Traveller, last: int, hot: bool
) -> None:
    """Without a burst in any five minutes of the hour."""
    clock.shift(-3600)
    for number in [3] * 13:
        burn(number)
        clock.shift(300)
    assert not is_hot()
    burn(last)
    assert is_hot() is hot


def test_threat_13_it_is_hot_over_the_end_of_an_hour_too(adaptive: Configure, clock: time_machine.Traveller) -> None:
    """Half of an hour's SMS at the end of one hour, and half at the beginning of the next."""
    burn(1)
    clock.shift(3590)
    for _ in range(2):
        burn(20)
        clock.shift(20)
    clock.shift(600)
    assert is_hot()


def test_the_hours_own_budget_counts_where_it_is_the_smaller(
    adaptive: Configure, clock: time_machine.Traveller
) -> None:
    adaptive(limits={"sms_site_hour": (20, 3600), "sms_site_day": (9600, 86_400)})
    burn(1)
    assert not is_hot()
    burn(1)
    assert is_hot()


def test_while_it_is_hot_both_are_asked_for(adaptive: Configure) -> None:
    burn(50)
    is_refused(see())
    is_enough(Answers(ID, "AAAA", proof()))


def test_it_cools_down_by_itself(adaptive: Configure, clock: time_machine.Traveller) -> None:
    burn(40)
    clock.shift(3600 + 299)
    assert is_hot()
    clock.shift(1)
    assert not is_hot()


def test_the_operator_hears_of_it_once_a_minute(adaptive: Configure, caplog: pytest.LogCaptureFixture) -> None:
    burn(50)
    for _ in range(3):
        assert is_hot()
    [line] = caplog.records
    assert line.levelno == logging.WARNING
    assert line.message == "50 SMS in an hour whose budget is 39: each SMS needs a human check more"


def test_a_proof_that_nobody_asked_for_is_not_looked_at(adaptive: Configure) -> None:
    """A client that was asked for a proof while the mode was hot is accepted after it has cooled down."""
    see()
    is_enough(Answers(ID, "AAAA", "whatever"))


# ---------------------------------------------------------------- the check and the SMS


def test_threat_13_an_sms_without_image_counts_against_its_own_limits_and_only_if_it_is_sent(
    phonebind: Configure,
) -> None:
    phonebind(limits={"no_image_address_hour": (1, 3600)})
    claims = human.needs(ADDRESS, without_image=True).claims
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        sms_codes.issue(MOBILE, ADDRESS, *claims)
    Outbox.refuse = False
    sms_codes.issue(MOBILE, ADDRESS, *claims)
    with pytest.raises(SmsQuota) as refused:
        sms_codes.issue("13900000002", ADDRESS, *claims)
    assert refused.value.limit == "no_image_address_hour"
    sms_codes.issue("13900000003", ADDRESS)  # the same as for everybody


@pytest.mark.parametrize("limit", ["no_image_address_hour", "no_image_site_hour", "no_image_site_day"])
def test_nobody_computes_for_an_sms_that_there_will_not_be(phonebind: Configure, limit: str) -> None:
    phonebind(limits={limit: (1, 3600)})
    claims = human.needs(ADDRESS, without_image=True).claims
    asked(without_image=True)
    asked(without_image=True)  # a request for a challenge uses none of them
    sms_codes.issue(MOBILE, ADDRESS, *claims)
    with pytest.raises(SmsQuota) as refused:
        asked(without_image=True)
    assert refused.value.limit == limit
    assert refused.value.retry_after in range(3600, 3601 + 300)
    asked()  # the same as for everybody


# ---------------------------------------------------------------- a host's own checks


class Careless(Riddle):
    """A check whose author returns nothing, or the vendor's answer without a change."""

    told: ClassVar[Any] = None

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        return self.told  # type: ignore[no-any-return]


class Empty(Riddle):
    """An object that is False by itself, as an empty collection is."""

    def __len__(self) -> int:
        return 0


class Half(Check):
    """Inherits the methods that it should define."""

    name: ClassVar[str] = "half"
    visual: ClassVar[bool] = False
    origins: Sequence[str] = ()

    def check(self) -> list[str]:
        return []

    def issue(self, mobile: str) -> Mapping[str, Any]:
        return {}


@pytest.mark.parametrize("told", [None, False, 0, 1, "yes", {"success": False}, Careless], ids=repr)
def test_what_is_not_true_lets_nobody_in(phonebind: Configure, monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
    monkeypatch.setattr(Careless, "told", told)
    phonebind(human_check={**RIDDLE, "check": f"{__name__}.Careless"})
    is_refused(Answers(human_check="a number"))


def test_a_check_that_is_false_by_itself_is_asked_all_the_same(phonebind: Configure) -> None:
    phonebind(human_check={**RIDDLE, "check": f"{__name__}.Empty"})
    assert asked()["human_check"]["name"] == "riddle"
    is_refused(Answers(human_check="what?"))


def test_a_check_that_does_not_look_is_none(phonebind: Configure) -> None:
    phonebind(human_check={"check": f"{__name__}.Half"})
    with pytest.raises(TypeError, match="verify"):
        human.mode()


def ask_elsewhere(error: type[PhonebindError] | None = None) -> str:
    """A request to another server, and its result."""
    try:
        with asking(ADDRESS):
            if error:
                raise error
    except PhonebindError as refusal:
        return refusal.code
    return "answered"


def test_only_what_was_answered_counts(phonebind: Configure) -> None:
    phonebind(limits={"human_answer_address_hour": (1, 3600)})
    assert ask_elsewhere(HumanCheckUnavailable) == "human_check_unavailable"
    assert [ask_elsewhere(), ask_elsewhere()] == ["answered", "too_many_requests"]


def test_threat_19_few_wait_for_somebody_elses_server(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    phonebind(sms_slots=2)
    monkeypatch.setattr(slots, "HUMAN", Slots(HumanCheckUnavailable, patience=0, longest=0))
    with asking("192.0.2.2"):
        assert ask_elsewhere() == "human_check_unavailable"
    assert ask_elsewhere() == "answered"


def test_each_is_asked_something_else(phonebind: Configure) -> None:
    phonebind(human_check=MODES["altcha"])
    first, second = (decode(proof())["challenge"] for _ in range(2))
    assert first["parameters"]["nonce"] != second["parameters"]["nonce"]
