"""docs/en/how-to/existing-project.md is followed by a shop that has users, by one with Django's own users, and back
again.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.ports import free_port
from tests.support.runserver import served
from tests.support.startproject import EXISTING, ROOT, Block, add, append, blocks, blocks_of, manage, paste, run, write
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

PASSWORD = "horse-staple-9"

#: What a shop had before it installed phonebind: Django REST framework, and users without a mobile.
SHOP = """
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    pass
"""
SETTINGS = "INSTALLED_APPS += ['rest_framework', 'shop']\nAUTH_USER_MODEL = 'shop.User'\n"

#: What another shop had: Django's own users, with all that points to them, and the library that many use for sign-in.
ORDERS = """
from django.conf import settings

class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
"""
ALLAUTH = """
INSTALLED_APPS += ["shop", "allauth", "allauth.account", "allauth.socialaccount"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends.AuthenticationBackend",
]
"""
PEOPLE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from shop.models import Order
user = get_user_model().objects.create_user("old", password="correct-horse-8")
user.groups.add(Group.objects.create(name="staff"))
user.user_permissions.add(Permission.objects.get(codename="change_user"))
Order.objects.create(user=user)
"""
LOOK = """
from django.contrib.auth import get_user_model
from shop.models import Order
user = get_user_model().objects.get(username="old")
facts = user.check_password("correct-horse-8"), *user.groups.all(), Order.objects.get().user == user
print(*facts, *user.get_all_permissions())
"""


def begin(project: Path, models: str, settings: str) -> None:
    for arguments in (["startproject", "config", "."], ["startapp", "shop"]):
        subprocess.run([sys.executable, "-m", "django", *arguments], cwd=project, check=True)
    append(project / "shop/models.py", models)
    append(project / "config/settings.py", settings)
    manage(project, "makemigrations", "shop")
    manage(project, "migrate")


def shell(project: Path, script: str) -> str:
    return manage(project, "shell", "-v0", "-c", script)


def field() -> str:
    """The line that is the same in the guide and on the page about user models."""
    [line] = re.findall(r"^mobile = models\..*$", documents.read("how-to/user-models"), re.MULTILINE)
    [block] = [block for block in blocks(EXISTING) if block.file == "shop/models.py"]
    assert block.text.splitlines()[1:] == [f"    {line}"]
    return f"    {line}\n"


def binds(url: str, mobile: str, person: str = "sam") -> None:
    visitor = Visitor(url)
    ticket = visitor.arrive(person).data["access_token"]
    assert visitor.bind(mobile, PASSWORD, ticket=ticket).status == 201


def test_a_project_that_has_rest_framework_and_users_takes_the_same_lines_and_gives_them_back(tmp_path: Path) -> None:
    port, project = free_port(), tmp_path
    begin(project, SHOP, SETTINGS)
    shell(project, "from shop.models import User; [User.objects.create_user(name) for name in ('old', 'older')]")
    append(project / "shop/models.py", field())
    before = {name: (project / name).read_text() for name in ("config/settings.py", "config/urls.py")}
    add(project, port=port)
    told = manage(project, "makemigrations", "shop")  # it cannot ask a question: there is no terminal
    told += manage(project, "migrate") + manage(project, "check")
    [[_, seen]] = documents.blocks(documents.read("how-to/existing-project"), "text")
    assert [line for line in seen.splitlines() if line not in told.splitlines()] == []
    with served(project, port) as url:
        binds(url, "13900000003")
        [tried] = [block for block in blocks(EXISTING) if "pk=1" in block.text]
        paste(project, tried)
        binds(url, "13900000009", "fox")
    assert looked_for(project) == "<QuerySet []>\n"
    back, after = (block for block in blocks(EXISTING) if "zero" in block.text or "stale" in block.text)
    paste(project, back)
    write(project, before)
    paste(project, after)
    manage(project, "makemigrations", "--check")
    names = "from shop.models import User; print(*User.objects.values_list('username', 'mobile'))"
    assert shell(project, names) == "('old', '13900000009') ('older', None) ('13900000003', '13900000003')\n"


def looked_for(project: Path) -> str:
    """The output of the second command of the guide: numbers that several users have."""
    [block] = [block for block in blocks(EXISTING) if "annotate" in block.text]
    paste(project, Block("", "sh", block.text))
    [script] = re.findall(r'-c "(.*annotate.*)"', block.text)
    return shell(project, script)


def test_djangos_own_users_become_those_of_a_model_and_no_row_moves(tmp_path: Path) -> None:
    port, project = free_port(), tmp_path
    begin(project, ORDERS, ALLAUTH)
    shell(project, PEOPLE)
    before = shell(project, LOOK)
    assert before == "True staff True auth.change_user\n"
    model, settings, make, adopt, commands = of_the_last_section()
    manage(project, "startapp", "users")
    write(project, {model.file: model.text})
    append(project / settings.file, settings.text)
    paste(project, make)
    write(project, {adopt.file: adopt.text})
    assert "InconsistentMigrationHistory" in run(project, "migrate").stderr, "as the guide says"
    paste(project, commands)
    assert "No migrations to apply." in manage(project, "migrate")
    assert shell(project, LOOK) == before.replace("auth.", "users.")
    append(project / model.file, "\n" + field())
    manage(project, "makemigrations", "users")
    add(project, port=port)
    manage(project, "migrate")
    assert "no issues" in manage(project, "check")
    with served(project, port) as url:
        binds(url, "13900000006")
    assert shell(project, LOOK) == before.replace("auth.", "users.")


def of_the_last_section() -> list[Block]:
    """The blocks of the last section: the code to write, and the commands to type."""
    _, _, text = (ROOT / EXISTING).read_text().partition("{#auth-user}")
    return blocks_of(text)
