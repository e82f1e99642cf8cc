"""``manage.py phonebind_sms``: send a test message, show the balance, check the configuration.

See docs/en/how-to/sms/index.md#the-command.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from phonebind import checks, masking, migrated, mobiles
from phonebind.conf import SETTING, conf
from phonebind.sms import PURPOSES, Message, outcomes, reach, trial
from phonebind.sms.base import LANGUAGE
from phonebind.sms.inner import Leaf, label, leaves, problems
from phonebind.sms.registry import attempt, make
from phonebind.sms.vendor import NotTold

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send a test SMS, ask the vendors for the balance, or check the configuration of PHONEBIND['SMS']."
    #: No system checks: this command reports their errors, so it must run when they fail.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        send = actions.add_parser("send", help="send one SMS with a code that cannot be used; it costs money")
        send.add_argument("mobile", help="the number, as you would write it")
        send.add_argument("--gateway", default="", help="one of the configured gateways; default: all, as configured")
        send.add_argument("--purpose", default=PURPOSES[0], choices=PURPOSES)
        send.add_argument("--language", default=LANGUAGE, help=f"such as {LANGUAGE}, the default, or en")
        send.add_argument("--yes", action="store_true", help="do not ask before it costs money")
        actions.add_parser("balance", help="the balance, if the vendor has a call for it")
        check = actions.add_parser("check", help="the configuration and its errors; nothing is sent")
        check.add_argument("--online", action="store_true", help="connect to the vendors, too, and compare the clocks")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            configured = conf.sms
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        match action:
            case "send":
                message = _message(options["mobile"], options["purpose"], options["language"])
                self._send(message, *_chosen(configured, options["gateway"]), yes=options["yes"])
            case "balance":
                self._end(self._balance(leaf) for leaf in leaves(configured))
            case _:
                self._end(self._check(configured, online=options["online"]))

    # ---------------------------------------------------------------- send

    def _send(self, message: Message, name: str, chosen: Any, *, yes: bool) -> None:
        wrong = problems(chosen)
        if wrong:
            raise CommandError("\n".join(f"{name}: {problem}" for problem in wrong))
        # An attempt that is recorded nowhere would be missing in the report of the costs.
        migrated.check("phonebind_operations")
        ways = ", or else ".join(f"{leaf.name} ({trial.shape(make(leaf.options), message)})" for leaf in leaves(chosen))
        self.stdout.write(f"This sends one SMS to {message.mobile} by {ways}. It costs what the vendor takes for one.")
        if not yes and not self._agreed():
            raise CommandError("Nothing was sent.")
        gateway = make(chosen)
        try:
            vendors_id = attempt(gateway, message)
        except Exception as error:  # noqa: BLE001 - a host's gateway may raise anything, and its text may hold a secret
            self._log(name, message, type(error).__name__)
            raise CommandError(outcomes.words(error, message.id)) from None
        self._log(name, message, "done")
        done = getattr(gateway, "done", "Sent")
        self.stdout.write(self.style.SUCCESS(f"{done}. Our id: {message.id}. The vendor's: {vendors_id or 'none'}."))

    def _agreed(self) -> bool:
        # None if the descriptor is closed, as under some supervisors.
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError("There is no terminal for the question: add --yes.")
        self.stdout.write("Send it? [y/N] ", ending="")
        self.stdout.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _log(self, name: str, message: Message, outcome: str) -> None:
        logger.info("A test SMS to %s by %s: %s", masking.mobile(message.mobile), name, outcome)

    # ---------------------------------------------------------------- balance and check

    def _balance(self, leaf: Leaf) -> bool:
        wrong = problems(leaf.options)
        if wrong:
            return self._tell_wrong(leaf.name, wrong)
        gateway = make(leaf.options)
        ask, console = getattr(gateway, "balance", None), getattr(gateway, "console", "")
        try:
            left = ask() if ask else []
        except NotTold as error:
            return self._tell_wrong(leaf.name, [str(error)])
        for what, amount in left:
            self.stdout.write(f"{leaf.name}: {what}: {amount}")
        if not left:
            where = f"see {console}" if console else "see the vendor's console"
            self.stdout.write(f"{leaf.name}: names no balance; {where}.")
        return True

    def _check(self, configured: Any, *, online: bool) -> Iterable[bool]:
        for told in [told for check in checks.SMS_CHECKS for told in check()]:
            serious = told.is_serious() and not told.is_silenced()
            (self.stderr if serious else self.stdout).write(f"{told.id}: {told.msg}")
            yield not serious
        for name, purpose, languages, shape in trial.shapes(configured):
            self.stdout.write(f"{name}: {purpose} in {languages}: {shape}")
        if online:
            yield from (self._look(leaf) for leaf in leaves(configured) if not problems(leaf.options))

    def _look(self, leaf: Leaf) -> bool:
        gateway = make(leaf.options)
        url = getattr(gateway, "endpoint", "") or getattr(gateway, "url", "")
        if not isinstance(url, str) or not url:
            self.stdout.write(f"{leaf.name}: has no address to check.")
            return True
        found = reach.look(url)
        if found.is_problem:
            return self._tell_wrong(leaf.name, [found.text])
        self.stdout.write(f"{leaf.name}: {found.text}.")
        return True

    def _tell_wrong(self, name: str, wrong: list[str]) -> bool:
        for problem in wrong:
            self.stderr.write(f"{name}: {problem}")
        return False

    def _end(self, results: Iterable[bool]) -> None:
        """Exit status 1 if there is a problem."""
        failed = sum(not is_good for is_good in results)
        if failed:
            problems_found = "1 problem" if failed == 1 else f"{failed} problems"
            raise CommandError(f"{SETTING}['SMS']: {problems_found}, see above.")


def _message(mobile: str, purpose: str, language: str) -> Message:
    number = mobiles.clean(mobile)
    if not mobiles.is_mobile(number):
        raise CommandError(str(mobiles.what_is_wrong(number)))
    if not translation.check_for_language(language):
        raise CommandError(f"There is no language {language!r}: write it as in LANGUAGES, such as zh-hans or en.")
    return trial.message(number, purpose, language)


def _chosen(configured: Any, wanted: str) -> tuple[str, Any]:
    """The name and the options of that gateway; without a name, the whole configuration."""
    if not wanted:
        return label(configured) or "SMS", configured
    there = {leaf.name: leaf.options for leaf in leaves(configured)}
    if wanted not in there:
        raise CommandError(f"{wanted!r} is not configured; {SETTING}['SMS'] has {', '.join(there)}.")
    return wanted, there[wanted]
