"""The way to the emulated QQ and back, for a signed-in person."""

from urllib.parse import parse_qs, urlsplit

from tests.lifecycle.conftest import Account


def go(account: Account, intent: str) -> str:
    """The state in the request to QQ."""
    answer = account.ask("get", "/oauth/qq/authorization/", {"next": "/account.html", "intent": intent})
    assert answer.status_code == 200, answer.content
    return str(parse_qs(urlsplit(answer.json()["login_url"]).query)["state"][0])


def come_back(state: str, code: str = "CODE") -> dict[str, str]:
    """The parameters that the front end's page reads from its address."""
    return {"provider": "qq", "code": code, "state": state}
