"""``python -m bench.enumeration [N]``: whether answers show if a number has an account.

It sends N requests (2,000) for known numbers and N for unknown ones, to each endpoint that takes a number from any
visitor. Status, shape of the body, headers, SMS, SQL statements and the store's commands must be the same for all. For
the time, and for the CPU time of this process, it computes the AUC: the probability that the answer for a known number
takes longer than the one for an unknown number. It gives the 95 % interval by DeLong, and the p-value of Mann and
Whitney's U. An AUC of 0.5 is a coin toss. Everything runs in this process, where no network adds noise. Requests come
in pairs in random order, so that a disturbance of the machine affects both kinds.
"""

import gc
import json
import logging
import math
import os
import random
import re
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean, median, variance
from typing import Any, ClassVar

from server.processes import Valkey

PASSWORD, WRONG = "correct-horse-8", "another-horse-9"
KNOWN, UNKNOWN = "139{:08}", "138{:08}"
#: A limit that refuses no request here.
WIDE = 10**9
WARM_UP = 50


class Outbox:
    """An SMS gateway that keeps its messages."""

    sent: ClassVar[list[Any]] = []

    def check(self) -> list[str]:
        return []

    def send(self, message: Any) -> None:
        Outbox.sent.append(message)


@dataclass(frozen=True)
class Seen:
    """One answer and its cost. ``facts`` must be the same for all answers."""

    facts: tuple[Any, ...]
    seconds: float
    cpu: float


class Visitor:
    """A visitor with their own number and browser."""

    def __init__(self, mobile: str) -> None:
        from django.test import Client  # noqa: PLC0415 - the settings must be set first

        self.mobile, self.client = mobile, Client(raise_request_exception=False)
        # Load this before the timing begins.
        self.client.handler.load_middleware()
        self._reset = ""
        self._code = ""

    def ask_for_reset(self) -> Any:
        return self.client.post("/password_resets/", {"mobile": self.mobile}, content_type="application/json")

    def ask_for_code(self) -> Any:
        return self.client.get(f"/sms_codes/{self.mobile}/", {"purpose": "sign_in"})

    def get_ready(self) -> None:
        """Ask for a reset, and prepare a wrong code for it."""
        self._reset = self.ask_for_reset().json()["id"]
        self._code = f"{(int(Outbox.sent[-1].code) + 1) % 10**6:06}"

    def put_wrong_code(self) -> Any:
        form = {"sms_code": self._code, "password": WRONG}
        return self.client.put(f"/password_resets/{self._reset}/", form, content_type="application/json")


DOORS: dict[str, tuple[Callable[[Visitor], None], Callable[[Visitor], Any]]] = {
    "POST /password_resets/": (lambda visitor: None, Visitor.ask_for_reset),
    "GET /sms_codes/{mobile}/?purpose=sign_in": (lambda visitor: None, Visitor.ask_for_code),
    "PUT /password_resets/{id}/, a wrong code": (Visitor.get_ready, Visitor.put_wrong_code),
}


def look(ask: Callable[[Visitor], Any], visitor: Visitor) -> Seen:
    from django.db import connection  # noqa: PLC0415 - the settings must be set first

    from phonebind import store  # noqa: PLC0415

    statements = 0

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*args)

    with store.connection() as server:
        before, sent = _commands(server), len(Outbox.sent)
        with connection.execute_wrapper(count):
            begun, computed = time.perf_counter(), time.thread_time()
            answer = ask(visitor)
            cpu, seconds = time.thread_time() - computed, time.perf_counter() - begun
        spent = _commands(server) - before
    facts = (
        answer.status_code,
        _shape(answer.json()),
        _headers(answer),
        len(Outbox.sent) - sent,
        statements,
        tuple(sorted(spent.items())),
    )
    return Seen(facts, seconds, cpu)


def _commands(server: Any) -> Counter[str]:
    """The counts of all commands, including those in scripts."""
    found = server.info("commandstats").items()
    return Counter({name: int(each["calls"]) for name, each in found if name != "cmdstat_info"})


def _shape(value: Any) -> Any:
    """Texts that differ each time are replaced by their lengths."""
    if isinstance(value, dict):
        return tuple((name, _shape(each)) for name, each in sorted(value.items()))
    if isinstance(value, list):
        return tuple(map(_shape, value))
    return len(value) if isinstance(value, str) and re.fullmatch(r"[\w:=-]{20,}", value) else value


def _headers(answer: Any) -> tuple[Any, ...]:
    """Values that differ each time, such as cookies, are replaced by their lengths."""
    cookies = sorted((len(name), len(each.OutputString())) for name, each in answer.cookies.items())
    drawn = ("Expires", "X-Request-ID")
    headers = {name: len(value) if name in drawn else value for name, value in answer.headers.items()}
    return (*sorted(headers.items()), *cookies)


# ---------------------------------------------------------------- the statistic


@dataclass(frozen=True)
class Auc:
    """The probability that a value of the first sample is greater than one of the second; its interval and p-value."""

    value: float
    low: float
    high: float
    p: float


def auc(first: Sequence[float], second: Sequence[float]) -> Auc:
    """Mann and Whitney's U over all pairs; ties count half. The interval is that of DeLong et al. (1988)."""
    placed = _placements(first, second)
    value = fmean(placed)
    spread = math.sqrt(variance(placed) / len(first) + variance(_placements(second, first)) / len(second))
    half = 1.959964 * spread
    # The null hypothesis is that both samples are the same. It has no term for ties: clocks with nanoseconds give few.
    null = math.sqrt((len(first) + len(second) + 1) / (12 * len(first) * len(second)))
    p = math.erfc(abs(value - 0.5) / null / math.sqrt(2))
    return Auc(value, max(0.0, value - half), min(1.0, value + half), p)


def _placements(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """For each value of ``ones``, the share of ``others`` that it exceeds."""
    ordered = sorted(others)
    return [(bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 / len(ordered) for one in ones]


# ---------------------------------------------------------------- the run


@contextmanager
def site() -> Iterator[None]:
    """The reference server's application in this process, with its own PostgreSQL and store."""
    with tempfile.TemporaryDirectory(prefix="phonebind-bench-") as directory:
        valkey = Valkey(Path(directory), "--appendfsync", "no")
        valkey.start()
        defaults = {"DATABASE_URL": f"sqlite:///{directory}/db.sqlite3", "DATA_DIR": directory}
        os.environ |= {"DEBUG": "1", "LIFECYCLE": "1", "REDIS_URL": valkey.url} | (defaults | dict(os.environ))
        os.environ["REDIS_URL"] = valkey.url
        os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
        try:
            with _started():
                yield
        finally:
            valkey.stop()


@contextmanager
def _started() -> Iterator[None]:
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import override_settings  # noqa: PLC0415

    from phonebind import limits  # noqa: PLC0415
    from phonebind.conf import settings  # noqa: PLC0415

    ours = settings.PHONEBIND | {
        "SMS": {"gateway": "bench.enumeration.Outbox"},
        "SMS_SIGN_IN": True,
        "SMS_SIGN_UP": True,
        "HUMAN_CHECK": "none",
        "LIMITS": dict.fromkeys(limits.RULES, (WIDE, 86_400)),
    }
    logging.disable(logging.WARNING)
    # With DEBUG on, Django keeps every statement in memory.
    plain = {"DEBUG": False, "ALLOWED_HOSTS": ["testserver"], "WHITENOISE_AUTOREFRESH": True}
    with override_settings(**plain, PHONEBIND=ours):
        call_command("migrate", verbosity=0)
        yield


def populate(count: int) -> None:
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415

    model: Any = get_user_model()
    password = make_password(PASSWORD)
    names = [KNOWN.format(number) for number in range(count)]
    model.objects.bulk_create([model(username=name, mobile=name, password=password) for name in names], 500)


def measure(door: str, count: int) -> tuple[list[Seen], list[Seen]]:
    """Answers for known numbers, and for unknown ones."""
    get_ready, ask = DOORS[door]
    seen: dict[str, list[Seen]] = {KNOWN: [], UNKNOWN: []}
    for number in range(WARM_UP + count):
        both = [(kind, Visitor(kind.format(number))) for kind in (KNOWN, UNKNOWN)]
        random.shuffle(both)
        for kind, visitor in both:
            get_ready(visitor)
            gc.collect(0)
            one = look(ask, visitor)
            if number >= WARM_UP:
                seen[kind].append(one)
    return seen[KNOWN], seen[UNKNOWN]


def main(count: int) -> None:
    with site():
        populate(WARM_UP + count)
        gc.freeze()
        for door in DOORS:
            known, unknown = measure(door, count)
            facts = Counter(each.facts for each in known), Counter(each.facts for each in unknown)
            if set(facts[0]) != set(facts[1]) or len(facts[0]) != 1:
                seen = "\n".join(str(side.most_common(2)) for side in facts)
                raise SystemExit(f"{door} tells them apart, or each from each:\n{seen}")
            status, _, _, sms, statements, commands = next(iter(facts[0]))
            same = {
                "status": status,
                "sms": sms,
                "statements": statements,
                "commands": sum(calls for _, calls in commands),
            }
            print(f"{door}: 2 × {count}, all with {json.dumps(same)}")
            for clock in ("seconds", "cpu"):
                times = [[getattr(each, clock) * 1000 for each in side] for side in (known, unknown)]
                told, middle = auc(*times), [median(side) for side in times]
                print(
                    f"  {clock}: median {middle[0]:.3f} ms known, {middle[1]:.3f} ms unknown; "
                    f"AUC {told.value:.4f} [{told.low:.4f}, {told.high:.4f}], p {told.p:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    # Import this module again by its name: Django loads the gateway from that copy.
    import_module("bench.enumeration").main(int(sys.argv[1]) if sys.argv[1:] else 2000)
