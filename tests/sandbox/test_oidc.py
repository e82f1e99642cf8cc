import base64
import warnings
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
import requests
import time_machine
from authlib.integrations.requests_client import OAuth2Session

from phonebind_sandbox import grants, oidc
from phonebind_sandbox.codes import ID_TOKEN_FAULTS
from phonebind_sandbox.people import PEOPLE, Person
from tests.sandbox.openid import CHALLENGE, VERIFIER, OpenID

with warnings.catch_warnings(action="ignore"):  # deprecated in favour of another package by its author
    from authlib.jose import JsonWebKey, JsonWebToken
    from authlib.oidc.core import CodeIDToken

CALLBACK = "http://127.0.0.1:8000/login/oidc/callback/"
CLIENT_ID, SECRET, APP = "sandbox-oidc", "sandbox-oidc-secret", "sandbox-oidc-app"


@pytest.fixture
def asked(form: str) -> OpenID:
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    query = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": CALLBACK, "scope": "openid", **pkce}
    secret = {"client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return OpenID("oidc", {**query, "state": "s", "nonce": "n"}, {**secret, "grant_type": "authorization_code"})


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def test_the_whole_way(asked: OpenID) -> None:
    document = asked.get("discovery").json()
    assert document["token_endpoint"] == f"{document['issuer']}/token"
    assert "xiaolan" in asked.authorize().content.decode()
    back = asked.callback({"person": "xiaolan"})
    assert (sorted(back), back["state"]) == (["code", "state"], "s")
    answer = asked.token(back["code"]).json()
    claims = asked.claims(answer["id_token"], audience=CLIENT_ID, issuer=document["issuer"])
    assert (claims["sub"], claims["nonce"]) == (oidc.sub(PEOPLE["xiaolan"]), "n")
    assert "nickname" not in claims
    userinfo = asked.get("userinfo", Authorization=f"Bearer {answer['access_token']}").json()
    assert userinfo == {"sub": claims["sub"]}


def test_a_profile_where_it_was_asked_for(asked: OpenID) -> None:
    claims = asked.claims(asked.id_token(scope="openid profile"), audience=CLIENT_ID)
    assert claims["nickname"] == "小兰"


def test_without_pkce_and_without_nonce_and_state(asked: OpenID) -> None:
    back = asked.callback({"person": "fox"}, code_challenge="", code_challenge_method="", nonce="", state="")
    assert back.keys() == {"code"}
    answer = asked.token(back["code"], code_verifier="").json()
    assert "nonce" not in asked.claims(answer["id_token"], audience=CLIENT_ID)


@pytest.mark.parametrize("params", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}])
def test_whose_callback_is_unknown_sees_a_page(asked: OpenID, params: dict[str, Any]) -> None:
    assert asked.authorize(**params).status_code == 400


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_refusals_at_the_callback(asked: OpenID, params: dict[str, str], error: str) -> None:
    assert asked.callback({"person": "xiaolan"}, **params) == {"error": error, "state": "s"}


def test_the_person_cancels(asked: OpenID) -> None:
    assert asked.callback({"deny": "1"}) == {"error": "access_denied", "state": "s"}


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({"client_secret": "wrong"}, "invalid_client", 401),
        ({"client_secret": "错"}, "invalid_client", 401),
        ({"client_id": "other"}, "invalid_client", 401),
        ({"authorization": "Basic a"}, "invalid_client", 401),
        ({"authorization": basic(CLIENT_ID, "wrong")}, "invalid_client", 401),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"code": "other"}, "invalid_grant", 400),
        ({"redirect_uri": "http://127.0.0.1:8000/other/"}, "invalid_grant", 400),
        ({"code_verifier": "w" * 43}, "invalid_grant", 400),
        ({"code_verifier": ""}, "invalid_grant", 400),
    ],
)
def test_refusals_at_the_token_endpoint(asked: OpenID, form: dict[str, str], error: str, status: int) -> None:
    answer = asked.token(**{"code": asked.code(), **form})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_pkce_cannot_be_left_out_later(asked: OpenID) -> None:
    code = asked.code(code_challenge="", code_challenge_method="")
    assert asked.token(code, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
    code = asked.code(code_challenge="中文")
    assert asked.token(code).json()["error"] == "invalid_grant"


def test_a_code_is_good_once(asked: OpenID) -> None:
    code = asked.code()
    assert "id_token" in asked.token(code).json()
    assert "used" in asked.token(code).json()["error_description"]


@pytest.mark.parametrize(("position", "right"), [("both", "basic post"), ("basic", "basic"), ("post", "post")])
def test_switch_oidc_auth(asked: OpenID, position: str, right: str) -> None:
    asked.turn(oidc_auth=position)
    methods = asked.get("discovery").json()["token_endpoint_auth_methods_supported"]
    assert methods == [f"client_secret_{method}" for method in right.split()]
    by_header = asked.token(authorization=basic(CLIENT_ID, SECRET), client_id="", client_secret="")
    assert ("id_token" in by_header.json()) == ("basic" in right)
    assert ("id_token" in asked.token().json()) == ("post" in right)


def test_who_has_no_token_is_nobody(asked: OpenID) -> None:
    for authorization in ("", "Bearer", "Bearer other", "Basic other"):
        assert asked.get("userinfo", Authorization=authorization).status_code == 401
    with time_machine.travel(0, tick=False) as clock:
        token = asked.token().json()["access_token"]
        clock.shift(grants.TOKEN_SECONDS)
        assert asked.get("userinfo", Authorization=f"Bearer {token}").status_code == 401


def test_what_an_app_is_given(asked: OpenID) -> None:
    for params in ({"client_id": APP}, {}):
        token = asked.get("sdk_id_token", {"person": "xiaolan", "nonce": "hashed", **params}).json()["id_token"]
        assert asked.claims(token, audience=APP)["nonce"] == "hashed"
    assert asked.get("sdk_id_token", {"person": "xiaolan", "client_id": CLIENT_ID}).status_code == 400


# ---------------------------------------------------------------- switches


def test_switch_oidc_callback(asked: OpenID) -> None:
    asked.turn(oidc_callback="interaction_required")
    assert asked.callback({"person": "xiaolan"})["error"] == "interaction_required"


def test_switch_oidc_error(asked: OpenID) -> None:
    asked.turn(oidc_error="temporarily_unavailable")
    assert asked.token().json()["error"] == "temporarily_unavailable"


def test_switch_oidc_issuer(asked: OpenID) -> None:
    asked.turn(oidc_issuer="wrong")
    assert asked.get("discovery").json()["issuer"] == "https://issuer.invalid"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_switch_oidc_alg(asked: OpenID, algorithm: str) -> None:
    asked.turn(oidc_alg=algorithm)
    token = asked.id_token()
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert asked.claims(token, audience=CLIENT_ID)


def test_switch_oidc_keys(asked: OpenID) -> None:
    kids = asked.keys().keys()
    asked.turn(oidc_keys="rotated")
    assert not kids & asked.keys().keys()
    assert asked.claims(asked.id_token(), audience=CLIENT_ID)
    asked.turn(oidc_keys="none")
    assert asked.keys() == {}


@pytest.mark.parametrize("name", ["discovery", "keys"])
def test_switches_of_the_network(asked: OpenID, name: str) -> None:
    asked.turn(**{f"oidc_{name}_network": "down"})
    assert asked.get(name).status_code == 503
    asked.turn(oidc_network="down")
    assert asked.token().status_code == 503


@pytest.mark.parametrize("fault", ID_TOKEN_FAULTS)
def test_switch_oidc_id_token(asked: OpenID, fault: str) -> None:
    """PyJWT's verdict about each token."""
    asked.turn(oidc_id_token=fault)
    issuer = asked.get("discovery").json()["issuer"]
    answer = asked.token().json()
    if fault == "no_token":
        assert "id_token" not in answer
        return
    token = answer["id_token"]
    if fault in ("wrong_nonce", "no_nonce"):
        assert asked.claims(token, audience=CLIENT_ID).get("nonce") in ("another-nonce", None)
        return
    header = jwt.get_unverified_header(token)
    if fault in ("alg_none", "alg_hs256"):
        assert (header["alg"], "kid" in header) == {"alg_none": ("none", False), "alg_hs256": ("HS256", True)}[fault]
        return
    refusals: dict[str, type[Exception]] = {
        "wrong_iss": jwt.InvalidIssuerError,
        "wrong_aud": jwt.InvalidAudienceError,
        "expired": jwt.ExpiredSignatureError,
        "future": jwt.ImmatureSignatureError,
        "wrong_key": jwt.InvalidSignatureError,
        "unknown_kid": KeyError,
        "no_kid": KeyError,
    }
    with pytest.raises(refusals[fault]):
        asked.claims(token, audience=CLIENT_ID, issuer=issuer)


# ---------------------------------------------------------------- another client


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib(served: str, person: Person, method: str) -> None:
    document: dict[str, Any] = requests.get(f"{served}oidc/.well-known/openid-configuration", timeout=5).json()
    assert document["issuer"] == f"{served}oidc"
    with OAuth2Session(
        CLIENT_ID,
        SECRET,
        scope="openid profile",
        redirect_uri=CALLBACK,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    ) as session:
        url, state = session.create_authorization_url(
            document["authorization_endpoint"], code_verifier=VERIFIER, nonce="n0nce"
        )
        with requests.Session() as browser:
            assert browser.get(url, timeout=5).status_code == 200
            back = browser.post(url, {"person": person.id}, allow_redirects=False, timeout=5).headers["Location"]
        token = session.fetch_token(
            document["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER
        )
        keys = JsonWebKey.import_key_set(requests.get(document["jwks_uri"], timeout=5).json())
        claims = JsonWebToken(["RS256"]).decode(
            token["id_token"],
            keys,
            claims_cls=CodeIDToken,
            claims_options={"iss": {"value": document["issuer"]}, "aud": {"value": CLIENT_ID}},
            claims_params={"nonce": "n0nce", "client_id": CLIENT_ID},
        )
        claims.validate()
        assert (claims["sub"], claims["nickname"]) == (oidc.sub(person), person.nickname)
        assert session.get(document["userinfo_endpoint"]).json()["sub"] == claims["sub"]
