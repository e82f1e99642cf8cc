"""Proofs of work for scripts."""

import json
import sys
from importlib import import_module
from typing import Any

import altcha as library
import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

import phonebind_sandbox
from phonebind_sandbox import altcha


def solve(client: Client, body: Any) -> Any:
    return client.post(reverse("phonebind_sandbox:altcha"), json.dumps(body), content_type="application/json")


def challenge(**more: Any) -> dict[str, Any]:
    made = library.create_challenge("PBKDF2/SHA-256", 1, **{"counter": 20, "hmac_secret": "secret", **more})
    return {"challenge": made.to_dict()}


def test_a_challenge_is_solved(client: Client) -> None:
    answer = solve(client, challenge()).json()
    assert library.verify_solution(answer["human_check"], "secret").verified


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"challenge": None},
        {"challenge": {"parameters": []}},
        {"challenge": {"parameters": {"algorithm": "x", "nonce": 1, "salt": 1, "cost": 1}}},
        {"challenge": {"parameters": {"algorithm": "x", "nonce": "00", "salt": "00", "cost": 0}}},
        {"challenge": {"parameters": {"algorithm": "x", "nonce": "zz", "salt": "00", "cost": 1}}},
    ],
    ids=str,
)
def test_what_is_none_is_told(client: Client, body: Any) -> None:
    answer = solve(client, body)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_one_that_cannot_be_solved_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(altcha, "SECONDS", 0.01)
    endless = challenge(counter=None, key_prefix="00" * 16)
    endless["challenge"]["parameters"]["cost"] = 10**30
    answer = solve(client, endless)
    assert (answer.status_code, answer.json()) == (400, {"error": "not solved in 0.01 s"})


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonebind_sandbox, "altcha", altcha)  # restore the module
    monkeypatch.delitem(sys.modules, "phonebind_sandbox.altcha")
    monkeypatch.setitem(sys.modules, "altcha", None)
    answer = import_module("phonebind_sandbox.altcha").solve(RequestFactory().post("/", "{}", "application/json"))
    assert answer.status_code == 501
    assert "phonebind-sandbox[altcha]" in json.loads(answer.content)["error"]
