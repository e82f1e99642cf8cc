"""With DEBUG off, no value of the demo is accepted."""

import json
import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from phonebind import tokens
from phonebind.exceptions import TokenInvalid
from phonebind_sandbox.conf import DEFAULT_APPS
from server import demo

ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "SECRET_KEY": "3n7-a-key-that-nobody-else-has-of-more-than-fifty-characters-51",
    "QQ_CLIENT_ID": "101999999",
    "QQ_CLIENT_SECRET": "not-the-sandbox",
    "QQ_REDIRECT_URI": "https://shop.example.com/login/qq/callback/",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "shop.example.com",
    "SMS_GATEWAY": "shop.sms.Example",
}


def load(**environ: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process that has only these environment variables."""
    return run(
        "from server import settings as s; print(s.DEBUG, s.SESSION_COOKIE_SECURE, *s.INSTALLED_APPS)", **environ
    )


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return start("-c", code, **environ)


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start Python with only these environment variables."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_threat_22_production_starts_without_the_sandbox() -> None:
    answer = load(**PRODUCTION)
    assert answer.stdout.startswith("False True "), answer.stderr
    assert "phonebind_sandbox" not in answer.stdout


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_threat_22_nothing_that_matters_has_a_default(name: str) -> None:
    answer = load(**PRODUCTION | {name: ""})
    assert f"{name} is not set" in answer.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", demo.SECRET_KEY),
        ("SECRET_KEY_FALLBACKS", f"{PRODUCTION['SECRET_KEY']}-but-older,{demo.SECRET_KEY}"),
        ("METRICS_TOKEN", demo.METRICS_TOKEN),
        ("QQ_CLIENT_ID", demo.QQ_CLIENT_ID),
        ("QQ_CLIENT_SECRET", demo.QQ_CLIENT_SECRET),
        ("SMS_OPTIONS", json.dumps({"endpoint": "https://sms.shop.example/", "secret": demo.HTTP_SECRET})),
        ("WEBHOOKS", json.dumps({"crm": {"url": "https://crm.example/", "secret": demo.HTTP_SECRET}})),
        ("PROVIDERS", json.dumps({"alipay": {"private_key": demo.ALIPAY_PRIVATE_KEY}})),
        ("PROVIDERS", json.dumps({"pay": {"private_key": "\n".join(textwrap.wrap(demo.ALIPAY_PRIVATE_KEY, 64))}})),
        ("PROVIDERS", json.dumps({"pay": {"private_key": demo.ALIPAY_PRIVATE_KEY}}).replace("/", "\\/")),
    ],
)
def test_threat_22_the_demos_values_are_refused(name: str, value: str) -> None:
    answer = load(**PRODUCTION | {name: value})
    assert "has the demo's value" in answer.stderr


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("of-forty-nine-characters-0123456789-0123456789-49", "is too short: 50 characters are the least"),
        ("abcd" * 20, "has fewer than 5 different characters"),
        ("django-insecure-" + "0123456789" * 5, "begins with django-insecure-"),
    ],
)
def test_threat_22_a_weak_key_is_refused_and_not_repeated(key: str, fault: str) -> None:
    good = PRODUCTION["SECRET_KEY"]
    for name, value in (("SECRET_KEY", key), ("SECRET_KEY_FALLBACKS", f"{good},{key}")):
        said = load(**PRODUCTION | {name: value}).stderr
        first, *_ = said.splitlines()
        assert first.startswith(f"phonebind: {name} {fault}")
        assert key not in said
        [command] = re.findall(r"Make one: python3 -c '(.*)'", first)
        assert load(**PRODUCTION | {name: run(command).stdout.strip()}).returncode == 0
    assert load(DEBUG="1", SECRET_KEY=key).returncode == 0


def test_threat_22_the_least_that_django_asks_of_a_key_is_enough() -> None:
    key = "abcde" * 10
    assert load(**PRODUCTION | {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": f"{key},{key[::-1]}"}).returncode == 0


#: Every program that starts the reference server or reads its settings; and its exit code.
ENTRIES = {
    "manage": (["-m", "server.manage", "migrate"], 1),
    "gunicorn": (["-m", "gunicorn", "-c", "python:server.gunicorn_conf"], 1),
    "uvicorn": (["-m", "uvicorn", "server.asgi:application"], 3),
    "wsgi": (["-c", "import server.wsgi"], 3),
}


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_all_that_is_missing_or_wrong_is_told_at_once(entry: str, tmp_path: Path) -> None:
    wrong = {
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": PRODUCTION["SECRET_KEY"],
        "QQ_CLIENT_ID": demo.QQ_CLIENT_ID,
        "CONNECTIONS": "1",
        "THREADS": "x",
        "DATABASE_URL": "shop:s3cret@host",
        "SMS_OPTIONS": "secret",
        "LOG_LEVEL": "loud",
    }
    command, code = ENTRIES[entry]
    answer = start(*command, **wrong)
    assert (answer.returncode, answer.stdout) == (code, "")
    *faults, hint = answer.stderr.splitlines()
    assert [fault.split()[1] for fault in faults] == [
        *("THREADS", "CONNECTIONS", "QQ_CLIENT_ID", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"),
        *("SMS_GATEWAY", "SMS_OPTIONS", "QQ_CLIENT_SECRET", "QQ_REDIRECT_URI", "LOG_LEVEL"),
    ]
    assert all(fault.startswith("phonebind: ") for fault in faults)
    assert "docs/en/reference/variables.md" in hint
    assert "s3cret" not in answer.stderr


def test_gunicorn_as_it_comes_starts_no_worker_after_the_other(tmp_path: Path) -> None:
    answer = start("-m", "gunicorn", "server.wsgi", "--bind=127.0.0.1:0", DATA_DIR=str(tmp_path))
    assert answer.returncode == 3
    assert answer.stderr.count("phonebind: SECRET_KEY is not set.") == 1
    assert "Traceback (most" not in answer.stderr


def test_make_run_tells_them_too(tmp_path: Path) -> None:
    wrong = {"DATA_DIR": str(tmp_path), "PORT": "0", "THREADS": "x", "WORKERS": "0"}
    answer = start("-m", "server.run", **wrong)
    assert answer.returncode == 1
    first, second, *_ = answer.stderr.splitlines()
    assert first == "phonebind: WORKERS must be 1 or more."
    assert second == "phonebind: THREADS is not a whole number: 'x'"
    assert "Traceback" not in answer.stderr


def test_what_the_checks_find_is_no_traceback_either(tmp_path: Path) -> None:
    answer = start(*ENTRIES["gunicorn"][0], **PRODUCTION, DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "phonebind.E005" in answer.stderr  # shop.sms.Example is not there
    assert "Traceback" not in answer.stderr


def test_threat_22_the_sandbox_is_refused() -> None:
    answer = load(**PRODUCTION | {"SANDBOX": "1"})
    assert "SANDBOX=1" in answer.stderr


def test_hsts_binds_other_hosts_only_where_it_is_said() -> None:
    code = "from server import settings as s; print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)"
    assert run(code, **PRODUCTION).stdout.split() == ["False", "False"]
    chosen = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "1", "SECURE_HSTS_PRELOAD": "1"}
    assert run(code, **PRODUCTION | chosen).stdout.split() == ["True", "True"]


def test_threat_48_nothing_that_django_calls_suspicious_is_an_error_in_the_log() -> None:
    for name in ("DisallowedHost", "RequestDataTooBig", "SuspiciousSession", "csrf", "OfTheNextVersion"):
        assert not logging.getLogger(f"django.security.{name}").isEnabledFor(logging.ERROR)


def test_the_demo_needs_nothing_but_debug() -> None:
    assert "phonebind_sandbox" in load(DEBUG="1").stdout


def test_the_processes_share_the_cores_for_hashing() -> None:
    code = "import os; os.cpu_count = lambda: {}; from server.settings import PHONEBIND; print(PHONEBIND['HASH_SLOTS'])"
    for cores, workers, slots in ((8, "3", "2"), (8, "", "4"), (2, "4", "1"), (None, "2", "1")):
        answer = run(code.format(cores), DEBUG="1", WORKERS=workers)
        assert answer.stdout.strip() == slots, answer.stderr


def test_a_number_that_is_none_is_said() -> None:
    assert "TRUSTED_PROXIES is not a whole number: 'two'" in load(DEBUG="1", TRUSTED_PROXIES="two").stderr
    for name in ("WORKERS", "THREADS"):
        assert f"{name} must be 1 or more.\n" in load(DEBUG="1", **{name: "0"}).stderr
        assert f"{name} is not a whole number" in run("import server.gunicorn_conf", **{name: "many"}).stderr


@pytest.mark.parametrize("value", ["key=1", '["key"]', "1"])
def test_sms_options_that_are_none_are_said_and_not_repeated(value: str) -> None:
    answer = load(DEBUG="1", SANDBOX="0", QQ_CLIENT_ID="1", QQ_CLIENT_SECRET="2", SMS_OPTIONS=value)
    assert answer.returncode == 1
    assert "SMS_OPTIONS is not a JSON object.\n" in answer.stderr


def providers(**environ: str) -> Any:
    code = "import json; from server.settings import PHONEBIND; print(json.dumps(PHONEBIND['PROVIDERS']))"
    answer = run(code, **PRODUCTION | environ)
    assert answer.stdout, answer.stderr
    return json.loads(answer.stdout)


def test_more_providers_come_in_json() -> None:
    assert set(providers()) == {"qq"}
    entry = {"client_id": "1", "client_secret": "2", "redirect_uri": "https://shop.example.com/login/weibo/callback/"}
    found = providers(PROVIDERS=json.dumps({"weibo": entry}))
    assert (set(found), found["weibo"]) == ({"qq", "weibo"}, entry)
    assert found["qq"]["client_id"] == PRODUCTION["QQ_CLIENT_ID"]
    assert providers(PROVIDERS=json.dumps({"qq": entry}))["qq"] == entry


def test_a_site_of_other_providers_needs_no_variable_of_qq() -> None:
    """With one of them it needs all: a misspelled name is no wish to be without QQ."""
    names = ("QQ_CLIENT_ID", "QQ_CLIENT_SECRET", "QQ_REDIRECT_URI")
    entry = {"client_id": "1", "client_secret": "2", "redirect_uri": "https://shop.example.com/login/weibo/callback/"}
    for provider in ("qq", "weibo"):
        told = json.dumps({provider: entry})
        assert providers(PROVIDERS=told, **dict.fromkeys(names, "")) == {provider: entry}
        half = load(**PRODUCTION | {"QQ_CLIENT_SECRET": "", "PROVIDERS": told})
        assert "QQ_CLIENT_SECRET is not set.\n" in half.stderr
    answer = load(**PRODUCTION | dict.fromkeys(names, ""))
    assert answer.returncode == 1
    assert all(f"{name} is not set.\n" in answer.stderr for name in names)


@pytest.mark.parametrize("value", ["weibo", '["weibo"]', "1"])
def test_providers_that_are_none_are_said_and_not_repeated(value: str) -> None:
    answer = load(**PRODUCTION, PROVIDERS=value)
    assert answer.returncode == 1
    assert "PROVIDERS is not a JSON object.\n" in answer.stderr


def human_check(**environ: str) -> Any:
    code = "import json; from server.settings import PHONEBIND; print(json.dumps(PHONEBIND['HUMAN_CHECK']))"
    answer = run(code, DEBUG="1", **environ)
    assert answer.stdout, answer.stderr
    return json.loads(answer.stdout)


def test_a_human_check_is_a_word_or_an_object() -> None:
    assert human_check() == "image"
    assert human_check(HUMAN_CHECK="adaptive") == "adaptive"
    named = {"check": "shop.checks.Riddle", "image": True}
    assert human_check(HUMAN_CHECK=json.dumps(named)) == named
    assert human_check(HUMAN_CHECK=f"\n  {json.dumps(named)}\n") == named
    assert human_check(HUMAN_CHECK="image ") == "image"
    assert "HUMAN_CHECK is not a JSON object.\n" in load(DEBUG="1", HUMAN_CHECK='{"key": secret').stderr


def test_tencent_is_the_sandboxs_where_there_is_one() -> None:
    here = "http://127.0.0.1:8123/sandbox/tencent/"
    found = human_check(HUMAN_CHECK="tencent", PORT="8123")
    assert found == {**demo.TENCENT, "endpoint": here, "script": f"{here}TJCaptcha.js"}
    without = {"SANDBOX": "0", "QQ_CLIENT_ID": "1", "QQ_CLIENT_SECRET": "2"}
    assert human_check(HUMAN_CHECK="tencent", **without) == "tencent"


@pytest.mark.parametrize(
    ("environ", "has_them"),
    [({}, True), ({"FRONT_END": "session"}, True), ({"FRONT_END": "tutorial"}, False), ({"LEGACY_STATE": "1"}, False)],
)
def test_what_needs_a_cookie_is_shown_where_front_ends_keep_one(environ: dict[str, str], has_them: bool) -> None:
    code = "import json; from server import settings as s; print(json.dumps(list(s.PHONEBIND['PROVIDERS'])))"
    found = json.loads(run(code, DEBUG="1", **environ).stdout)
    assert (found[0], {"apple", "oidc"} <= set(found)) == ("qq", has_them)


def test_a_shop_under_names_of_the_hosts_file_needs_variables_alone() -> None:
    """The sandbox is still at 127.0.0.1, and the registered callbacks are the callbacks of its app."""
    code = "import json; from server import settings as s; print(json.dumps([s.ALLOWED_HOSTS, s.PHONEBIND_SANDBOX]))"
    callbacks = ["http://www.meiduo.site:8080/oauth_callback.html", "http://127.0.0.1:8000/login/qq/callback/"]
    names = {"ALLOWED_HOSTS": "api.meiduo.site", "SANDBOX_REDIRECT_URIS": ", ".join(callbacks)}
    hosts, sandbox = json.loads(run(code, DEBUG="1", **names).stdout)
    assert hosts == ["api.meiduo.site", "127.0.0.1"]
    [(client_id, app)] = sandbox["APPS"].items()
    assert app == {**DEFAULT_APPS[client_id], "redirect_uris": callbacks}
    assert json.loads(run(code, **PRODUCTION | names).stdout) == [["api.meiduo.site"], {}]


@pytest.mark.django_db
def test_a_changed_password_ends_the_tokens_that_the_old_one_began() -> None:
    user = get_user_model()._default_manager.create_user(username="xiaolan", password=demo.PASSWORD)
    pair = tokens.issue(user)
    assert tokens.refresh(pair["refresh"])
    user.set_password("another-horse-9")
    user.save()
    with pytest.raises(TokenInvalid):
        tokens.refresh(pair["refresh"])
