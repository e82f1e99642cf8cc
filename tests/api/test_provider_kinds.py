"""Providers that differ from QQ: another name for the code, a secret, a state of letters and digits. Names of
entries.
"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.test import Client

from phonebind import checks, oauth, tickets
from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Configure

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ENTRY = {"client_id": "1", "client_secret": "s", "redirect_uri": "https://shop.example/cb/"}
SECRETIVE = {**ENTRY, "provider": "tests.support.providers.Secretive"}
LETTERED = {**ENTRY, "provider": "tests.support.providers.Lettered"}
CARRIER = {"client_id": "1", "provider": "tests.support.providers.Carrier"}


@pytest.fixture
def use(phonebind: Configure) -> Any:
    def use(providers: dict[str, Any], **changes: Any) -> None:
        settings = phonebind.settings
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": providers, **changes}

    return use


def state_of(client: Client, name: str, next_url: str = "/cart.html") -> str:
    url = client.get(f"/oauth/{name}/authorization/", {"next": next_url}).json()["login_url"]
    return str(parse_qs(urlsplit(url).query)["state"][0])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/oauth/secretive/user/", "auth_code"),
        ("/oauth/secretive/user/", "code"),  # the name in the contract
        ("/login/secretive/callback/", "auth_code"),
    ],
)
def test_the_code_comes_under_the_providers_own_name_and_the_secret_out_of_the_cookie(
    client: Client, use: Any, path: str, field: str
) -> None:
    use({"secretive": SECRETIVE})
    seen = set()
    for _ in range(2):
        state = state_of(client, "secretive")
        answer = client.get(path, {field: "C", "state": state})
        assert answer.status_code in (200, 303)
        ticket = answer.json()["access_token"] if answer.status_code == 200 else _kept(client)
        seen.add(signing.loads(ticket, salt=tickets.SALT)["identity"]["openid"])
    assert len(seen) == 2
    assert all(re.fullmatch("C-[A-Za-z0-9_-]{43}", openid) for openid in seen)


def test_a_code_may_be_as_long_as_those_of_openid_connect(client: Client, use: Any) -> None:
    use({"secretive": {**SECRETIVE, "provider": "tests.support.providers.LongWinded"}})
    for length, status in ((2_048, 200), (2_049, 400)):
        answer = client.get("/oauth/secretive/user/", {"code": "C" * length, "state": state_of(client, "secretive")})
        assert answer.status_code == status


def _kept(client: Client) -> str:
    return [morsel.value for name, morsel in client.cookies.items() if "_kept_" in name][-1]


def test_a_secret_without_a_cookie_starts_no_sign_in(client: Client, use: Any) -> None:
    use({"secretive": SECRETIVE}, LEGACY_STATE=True)
    answer = client.get("/oauth/secretive/authorization/", {"next": "/cart.html"})
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


def test_threat_16_letters_and_digits_bring_no_next_back_to_a_front_end_of_old(client: Client, use: Any) -> None:
    use({"lettered": LETTERED}, LEGACY_STATE=True)
    assert state_of(client, "lettered") == "0"
    for state in ("0", "/cart.html", "https://evil.example/", ""):
        assert client.get("/oauth/lettered/user/", {"code": "C", "state": state}).json()["next"] == "/"


def test_they_bring_ours_back(client: Client, use: Any) -> None:
    use({"lettered": LETTERED})
    state = state_of(client, "lettered")
    assert client.get("/oauth/lettered/user/", {"code": "C", "state": state}).json()["next"] == "/cart.html"


# ---------------------------------------------------------------- what an entry is called


def test_an_entry_has_a_name_a_kind_and_a_family(use: Any) -> None:
    use({"qq_shop": {**ENTRY, "provider": "qq"}, "qq": ENTRY})
    shop = oauth.web("qq_shop")
    assert (shop.name, shop.kind, shop.family) == ("qq_shop", "qq", "qq")
    assert oauth.web("qq").name == "qq"


def test_one_family_is_one_person_under_each_name(client: Client, use: Any) -> None:
    """The same app under two names: an identity that is bound under one name is known under the other."""
    use({"one": LETTERED, "two": LETTERED})
    user = User.objects.create_user("ming", mobile="13900000001")
    SocialAccount.objects.create(user=user, provider="lettered", app_id="1", openid="C")
    for name in ("one", "two"):
        state = state_of(client, name)
        assert client.get(f"/oauth/{name}/user/", {"code": "C", "state": state}).json()["user_id"] == user.pk


def test_threat_1_a_state_is_of_one_entry(client: Client, use: Any) -> None:
    use({"one": LETTERED, "two": LETTERED})
    state = state_of(client, "one")
    assert client.get("/oauth/two/user/", {"code": "C", "state": state}).json()["code"] == "state_invalid"


def test_the_sign_in_page_shows_those_that_a_browser_goes_to_in_their_order(client: Client, use: Any) -> None:
    use({"lettered": LETTERED, "carrier": CARRIER, "secretive": SECRETIVE})
    page = client.get("/login/").content.decode()
    assert re.findall(r'href="/login/(\w+)/', page) == ["lettered", "secretive"]
    assert [way.name for way in oauth.ways("Mozilla/5.0")] == ["lettered", "secretive"]


def test_a_family_is_called_what_people_call_it_and_its_name_where_its_code_is_gone(use: Any) -> None:
    use({"shop": {**ENTRY, "provider": "qq"}, "lettered": LETTERED})
    assert [str(oauth.label(family)) for family in ("qq", "lettered", "gone")] == ["QQ", "Lettered", "gone"]


def test_a_provider_for_both_takes_no_address_where_only_the_app_signs_in(client: Client, use: Any) -> None:
    both = {"provider": "tests.support.providers.Both", "client_id": "1"}
    use({"both": both})
    assert checks.check_providers() == []
    assert oauth.ways("Mozilla/5.0") == []
    assert client.get("/oauth/both/authorization/").json()["code"] == "provider_unknown"
    assert oauth.native("both").name == "both"
    use({"both": {**both, "redirect_uri": "shop.example"}})
    assert len(checks.check_providers()) == 1
    use({"both": {**both, "redirect_uri": "https://shop.example/cb/"}})
    assert [way.name for way in oauth.ways("Mozilla/5.0")] == ["both"]


def test_threat_2_two_identities_never_have_one_key() -> None:
    """The URL of an issuer contains colons too."""
    assert oauth.Identity("oidc", "https://a", "1:u").key != oauth.Identity("oidc", "https://a:1", "u").key
    assert oauth.Identity("qq", "101000001", "ABC").key == "qq:101000001:ABC"
