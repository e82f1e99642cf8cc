"""Keys are replaced while people sign in: one node for each phase, on one database and one Valkey.

What one node has begun, the other node continues. A node that has skipped the first phase cannot.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt
import pytest

from server import demo, keys
from tests.support import documents
from tests.support.key_pairs import key_pair
from tests.support.services import valkey_server
from tests.support.site import serving
from tests.support.visitor import Answer, Visitor

pytestmark = pytest.mark.once

OLD, NEW = "the-old-key-" + "0123456789" * 5, "the-new-key-" + "9876543210" * 5
PAIR, NEXT = key_pair("ES256", 1), key_pair("EdDSA", 2)
CALLBACK = "http://127.0.0.1:8000/login/qq/callback/"
#: The nodes, by the keys that each knows. In each couple, the second node is one phase further.
NODES = {
    "without the first phase": {"SECRET_KEY": OLD},
    "secret, phase 1": {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": NEW},
    "secret, phase 2": {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD},
    "pair, phase 1": {"SECRET_KEY": OLD, "JWT_PRIVATE_KEY": PAIR.private, "JWT_PUBLIC_KEYS": NEXT.public},
    "pair, phase 2": {"SECRET_KEY": OLD, "JWT_PRIVATE_KEY": NEXT.private, "JWT_PUBLIC_KEYS": PAIR.public},
}


class Couple(NamedTuple):
    """The node where a sign-in begins, and the node where it continues."""

    first: str
    then: str


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The running nodes by their names."""
    data = tmp_path_factory.mktemp("nodes")
    shared = {
        "DATABASE_URL": f"sqlite:///{data / 'db.sqlite3'}",
        "REDIS_URL": valkey_server().url.replace("db=0", "db=5"),
        "QQ_REDIRECT_URI": CALLBACK,
        "SANDBOX_REDIRECT_URIS": CALLBACK,
        "LIFECYCLE": "1",
        "LIMITS": '{"image_address_hour": [9999, 3600], "sms_address_hour": [9999, 3600]}',
        "WORKERS": "1",
        "THREADS": "2",
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(serving(data / str(number), **shared, **keys)).url
            for number, (name, keys) in enumerate(NODES.items())
        }


COUPLES = [
    *(("secret, phase 1", "secret, phase 2"), ("secret, phase 2", "secret, phase 1")),
    *(("pair, phase 1", "pair, phase 2"), ("pair, phase 2", "pair, phase 1")),
]


@pytest.fixture(params=COUPLES, ids=" then ".join)
def couple(request: pytest.FixtureRequest, urls: dict[str, str]) -> Couple:
    first, then = request.param
    return Couple(urls[first], urls[then])


@pytest.fixture
def skipped(urls: dict[str, str]) -> Couple:
    """A node signs with a key that the other node does not know."""
    return Couple(urls["secret, phase 2"], urls["without the first phase"])


def sign_in(visitor: Visitor) -> Answer:
    answer = visitor.post("/authorizations/", username=demo.MOBILE, password=demo.PASSWORD)
    assert answer.status == 200, answer
    return answer


def shows(site: str, token: str) -> int:
    """The status of an address that needs the token's user."""
    return Visitor(site, headers={"Authorization": f"Bearer {token}"}).get("/account/").status


def refresh(site: str, token: str) -> Answer:
    return Visitor(site).post("/authorizations/refresh/", refresh=token)


@pytest.mark.parametrize(
    ("first", "then", "person", "mobile"),
    [(*COUPLES[0], "liming", "13900000077"), (*COUPLES[1], "fox", "13900000078")],
    ids=["on the old one", "on the new one"],
)
def test_a_first_sign_in_changes_the_node_at_each_step(
    urls: dict[str, str], first: str, then: str, person: str, mobile: str
) -> None:
    visitor = Visitor(urls[first])
    callback = visitor.click(visitor.authorize("/cart"), person)
    visitor.site = urls[then]
    ticket = visitor.call_back(callback).data["access_token"]
    visitor.site = urls[first]
    code = visitor.sms_code(mobile)
    visitor.site = urls[then]
    bound = visitor.bind(mobile, "correct-horse-8", ticket=ticket, sms_code=code)
    assert bound.status == 201, bound
    assert bound.data["next"] == "/cart"


def test_without_the_first_phase_state_and_ticket_are_refused(skipped: Couple) -> None:
    visitor = Visitor(skipped.first)
    callback = visitor.click(visitor.authorize("/"), "sam")
    visitor.site = skipped.then
    assert visitor.call_back(callback).data["code"] == "state_invalid"
    visitor.site = skipped.first
    ticket = visitor.arrive("sam").data["access_token"]
    visitor.site = skipped.then
    answer = visitor.bind("13900000079", "correct-horse-8", ticket=ticket, sms_code="123456")
    assert answer.data["code"] == "ticket_invalid"


def test_tokens(couple: Couple) -> None:
    pair = sign_in(Visitor(couple.first)).data
    assert shows(couple.then, pair["token"]) == 200
    second = refresh(couple.then, pair["refresh"])
    assert second.status == 200
    # Both nodes know the new pair. Within the grace period the old token has the same successor.
    assert shows(couple.first, second.data["token"]) == 200
    assert refresh(couple.first, pair["refresh"]).status == 200
    third = refresh(couple.first, second.data["refresh"])
    assert third.status == 200
    ended = Visitor(couple.then).post("/authorizations/revoke/", refresh=third.data["refresh"])
    assert ended.status in (200, 204), ended
    assert shows(couple.first, third.data["token"]) == 401
    assert refresh(couple.first, third.data["refresh"]).status == 401


def test_without_the_first_phase_tokens_are_refused(skipped: Couple) -> None:
    pair = sign_in(Visitor(skipped.first)).data
    assert shows(skipped.then, pair["token"]) == 401
    assert refresh(skipped.then, pair["refresh"]).status == 401
    assert refresh(skipped.first, pair["refresh"]).status == 200


def enter(visitor: Visitor, then: str) -> Visitor:
    """Sign in by the pages. The callback goes to another node."""
    button = visitor.get("/login/qq/", next="/")
    callback = visitor.click(button.location, "xiaolan")
    visitor.site = then
    answer = visitor.get("/login/qq/callback/?" + urlsplit(callback).query)
    assert answer.status == 303, answer
    return visitor


@pytest.fixture(scope="module")
def bound(urls: dict[str, str]) -> None:
    """A person whose QQ is bound."""
    visitor = Visitor(urls["secret, phase 1"])
    ticket = visitor.arrive("xiaolan").data["access_token"]
    assert visitor.bind(demo.MOBILE, demo.PASSWORD, ticket=ticket).status == 201


def test_sessions_of_the_pages(couple: Couple, bound: None) -> None:
    visitor = enter(Visitor(couple.first), couple.then)
    for site in (couple.first, couple.then) * 3:
        visitor.site = site
        assert visitor.get("/my/").status == 200


def test_without_the_first_phase_the_session_is_over(skipped: Couple, bound: None) -> None:
    visitor = enter(Visitor(skipped.first), skipped.first)
    assert visitor.get("/my/").status == 200
    visitor.site = skipped.then
    assert "/login/" in visitor.get("/my/").location


def test_the_set_is_published_by_both_phases_alike(urls: dict[str, str]) -> None:
    def published(name: str) -> list[tuple[str, str]]:
        keys = Visitor(urls[name]).get("/.well-known/jwks.json").data["keys"]
        return [(key["alg"], key["kid"]) for key in keys]

    assert published("secret, phase 1") == []
    first, second = published("pair, phase 1"), published("pair, phase 2")
    assert [algorithm for algorithm, _ in first] == ["ES256", "EdDSA"]
    assert first[::-1] == second


# ---------------------------------------------------------------- what docs/en/how-to/keys.md says


def block(containing: str) -> str:
    [found] = [code for _, code in documents.blocks(documents.read("how-to/keys")) if containing in code]
    return found


def test_another_service_verifies_a_token_as_the_docs_have_it(urls: dict[str, str]) -> None:
    service: dict[str, Any] = {}
    exec(block("PyJWKClient").replace("https://shop.example.com", urls["pair, phase 1"]), service)  # noqa: S102
    user_id = service["user_id"]
    pair = sign_in(Visitor(urls["pair, phase 1"])).data
    assert user_id(pair["token"]) == str(pair["user_id"])
    # The next key was published before it was used. So the cached set has it.
    other = sign_in(Visitor(urls["pair, phase 2"])).data
    assert user_id(other["token"]) == str(pair["user_id"])
    of_the_secret = sign_in(Visitor(urls["secret, phase 1"])).data["token"]
    for bad in (pair["refresh"], of_the_secret, pair["token"][:-4] + "AAAA"):
        with pytest.raises(jwt.PyJWTError):
            user_id(bad)
    # A local check cannot know that the session has ended.
    Visitor(urls["pair, phase 1"]).post("/authorizations/revoke/", refresh=pair["refresh"])
    assert shows(urls["pair, phase 1"], pair["token"]) == 401
    assert user_id(pair["token"]) == str(pair["user_id"])


def test_the_keys_of_the_docs_are_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = block("openssl genpkey").replace("/etc/phonebind", str(tmp_path))
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("JWT_PRIVATE_KEY_FILE", str(tmp_path / "private.pem"))
    monkeypatch.setenv("JWT_PUBLIC_KEYS_FILE", str(tmp_path / "public.pem"))
    signs = keys.signing()
    assert signs["ALGORITHM"] == "ES256"
    assert keys.others() == [("ES256", signs["VERIFYING_KEY"])]
