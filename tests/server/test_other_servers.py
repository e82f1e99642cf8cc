"""The contract under other web servers, with their default settings. A server that is not installed is skipped with a
message.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.heads import BROWSER, LONGEST
from tests.support.racers import together
from tests.support.servers import COMMANDS, serving, serving_uwsgi
from tests.support.site import ROOT
from tests.support.visitor import Visitor

MOBILE, PASSWORD = "13900000001", "horse-staple-9"
#: Headers that the visitor's own client writes, or that belong to one kind of request.
OWN = {"Host", "Connection", "Origin", "Accept-Encoding", "Sec-Fetch-Site"}


@pytest.fixture(params=[*COMMANDS, "uwsgi"])
def visitor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visitor]:
    name = request.param
    with serving_uwsgi(tmp_path) if name == "uwsgi" else serving(name, tmp_path) as port:
        yield Visitor(f"http://127.0.0.1:{port}")


def test_from_nothing_to_a_bound_account(visitor: Visitor) -> None:
    ticket = visitor.arrive("xiaolan").data["access_token"]
    code = visitor.sms_code(MOBILE)
    answers = [visitor.bind(MOBILE, PASSWORD, ticket=ticket, sms_code=code) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert len({answer.data["id"] for answer in answers}) == 1
    assert visitor.arrive("xiaolan").data["id"] == answers[0].data["id"]
    refresh = answers[0].data["refresh"]
    assert [visitor.post("/authorizations/refresh/", refresh=refresh).status for _ in range(2)] == [200, 401]
    assert visitor.post("/authorizations/", username=MOBILE, password=PASSWORD).status == 200
    # Many clients at once: the wait for the provider has a limit, and a client without a place to hash gets an error.
    assert together(lambda: Visitor(visitor.site).arrive("xiaolan").status, [()] * 8) == [200] * 8

    def sign_in() -> int:
        return Visitor(visitor.site).post("/authorizations/", username=MOBILE, password=PASSWORD).status

    statuses = set(together(sign_in, [()] * 8))
    assert {200} <= statuses <= {200, 429, 503}


def test_our_configuration_of_gunicorn_refuses_another_worker(tmp_path: Path) -> None:
    environ = {**os.environ, "DEBUG": "1", "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf", "-k", "gthread"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("server.gunicorn_conf needs its own worker, not gthread.")


@pytest.fixture(scope="module")
def uwsgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_uwsgi(tmp_path_factory.mktemp("uwsgi")) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("target", LONGEST, ids=["letters", "chinese", "escaped"])
def test_the_longest_next_fits_into_uwsgis_buffer(uwsgi: str, target: str) -> None:
    """By the pages and by the API, with the browser that sends the longest headers."""
    browser = {name: value for name, value in BROWSER.items() if name not in OWN}
    visitor = Visitor(uwsgi, headers=browser | {"Sec-Fetch-Site": "same-origin"})
    assert visitor.arrive("fox", next=target).data["next"] == target
    query = urlencode({"next": target})
    visitor = Visitor(uwsgi, headers=browser | {"Sec-Fetch-Site": "same-origin"})
    for _ in range(3):  # back from the form to the shop, and to the form again
        assert visitor.get(f"/login/?{query}").status == 200
        visitor = _at(visitor, f"{uwsgi}/login/?{query}")
        provider = visitor.get(f"/login/qq/?{query}").location
        form = visitor.get(visitor.click(provider, "fox")).location
        visitor = _at(visitor, f"{uwsgi}{form}")
        assert visitor.get(form).status == 200
        assert visitor.submit(form, action="bind").status == 400


def _at(visitor: Visitor, page: str) -> Visitor:
    """The same browser, on this page."""
    visitor._headers["Referer"] = page
    return visitor
