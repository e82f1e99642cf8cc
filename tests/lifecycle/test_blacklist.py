"""simplejwt's blacklist is installed too. Everything that ends sessions still ends them, and a host can end them with
that list too.
"""

import os
import subprocess
import sys

import coverage
import pytest

from tests.support.site import ROOT

pytestmark = pytest.mark.once

LIFE = """
import coverage
coverage.process_startup()
import django
django.setup()
from datetime import timedelta
from unittest import mock
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from phonebind import revocation, tokens
from phonebind.exceptions import PhonebindError
from phonebind.lifecycle import endings
from phonebind.lifecycle.models import Session

call_command("migrate", verbosity=0)
user = get_user_model().objects.create_user(username="li", password="correct-horse-8")

def refresh(token):
    try:
        return tokens.refresh(token)["refresh"]
    except PhonebindError as error:
        return error.code

def begin():
    return tokens.issue(user, method="password")["refresh"]

first = begin()
second = refresh(first)
assert refresh(first) == second != first, "the same successor again"
third = refresh(second)
assert Session.objects.get().seq == 2
assert set(OutstandingToken.objects.values_list("token", flat=True)) == {first, second, third}
later = timezone.now() + timedelta(seconds=21)
with mock.patch.object(endings, "now", lambda: later):
    print("reuse", refresh(first), refresh(third))

with mock.patch.object(api_settings, "USER_ID_FIELD", "uuid"):
    begin()  # which simplejwt cannot list

token = begin()
revocation.revoke(user.pk)
print("revoke", refresh(token))

token = begin()
user.is_active = False
user.save()
print("disable", refresh(token))
user.is_active = True
user.save()
print("enable", refresh(token))

token = begin()
user.set_password("another-horse-9")
user.save()
print("password", refresh(token))

token = refresh(begin())
for listed in OutstandingToken.objects.filter(user=user):
    BlacklistedToken.objects.get_or_create(token=listed)
print("blacklist", refresh(token))
"""


def test_threat_29_what_ends_sessions_ends_them_beside_the_blacklist() -> None:
    """Runs in a separate process: simplejwt looks for that app once, when it is imported."""
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.support.blacklist_settings"}
    if measuring := coverage.Coverage.current():
        environ["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
        environ["COVERAGE_FILE"] = str(measuring.get_option("run:data_file"))
    done = subprocess.run(
        [sys.executable, "-c", LIFE], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "reuse session_ended session_ended",
        "revoke session_ended",
        "disable account_disabled",
        "enable session_ended",
        "password session_ended",
        "blacklist token_invalid",
    ], done.stderr[-3000:]
