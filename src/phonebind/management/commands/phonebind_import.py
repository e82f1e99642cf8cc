"""``manage.py phonebind_import``: import the bindings of an older sign-in. See docs/en/how-to/importing.md."""

import errno
import os
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections
from django.utils.translation import gettext as _

from phonebind import databases, oauth
from phonebind.conf import conf
from phonebind.exceptions import ProviderUnknown
from phonebind.importing import source
from phonebind.importing.base import ImportRefused, as_text
from phonebind.importing.findings import KINDS
from phonebind.importing.progress import Progress
from phonebind.importing.report import Report
from phonebind.importing.run import Job, bring, take_back
from phonebind.models import SocialAccount

#: Exit status if something is unresolved. 1: it could not run. 2: wrong arguments.
UNRESOLVED = 3


class Command(BaseCommand):
    help = "Import the bindings of an older sign-in. Without --commit it writes nothing, and only reports."
    #: No system checks: the mobiles of a shop that moves over may not be unique yet, and this command reports that.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form

    def add_arguments(self, parser: CommandParser) -> None:
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--table", default="", help="the table of the old bindings, such as tb_oauth_qq")
        place.add_argument("--model", default="", help="or its model, such as oauth.OAuthQQUser")
        parser.add_argument("--database", default="", choices=["", *connections], help="where the table is (DATABASES)")
        parser.add_argument("--openid-column", default="openid", metavar="NAME")
        parser.add_argument("--user-column", default="user_id", metavar="NAME")
        parser.add_argument("--created-column", default="create_time", metavar="NAME", help='"" if there is none')
        parser.add_argument("--unionid-column", default="", metavar="NAME")
        parser.add_argument("--provider", default="qq", help="a name in PHONEBIND['PROVIDERS'], default qq")
        parser.add_argument("--app-id", required=True, help="the client_id of the app that the openids belong to")
        parser.add_argument("--commit", action="store_true", help="write, and not only report")
        parser.add_argument(
            "--prefer", default="", metavar="newest|oldest|FILE", help="the user who keeps a shared openid"
        )
        parser.add_argument("--accept", action="append", default=[], choices=[kind.name for kind in KINDS])
        parser.add_argument("--report", type=Path, metavar="FILE", help="where the report is written as JSON")
        parser.add_argument("--batch", type=_batch, default=2000, help="rows in one transaction, default 2000")
        parser.add_argument("--reverse", action="store_true", help="remove what an import has made")
        parser.add_argument(
            "--made-at", action="append", type=_moment, default=[], help="see docs/en/how-to/importing.md"
        )
        parser.add_argument("--no-progress", action="store_true", help="show no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = self._job(options)
            _check_reverse(job, options)
            with _written(options["report"]) as file:
                report = Report(self.stdout.write, file, options["accept"])
                unresolved = self._run(job, report, options)
        except ImportRefused as error:
            raise CommandError(str(error.message)) from None
        except DatabaseError as error:
            raise CommandError(str(error)) from error
        if unresolved:
            message = _(
                "Unresolved: %(count)s, see above. Mend them and run this again: rows that they bear on are left out. "
                "Or --accept what may stay."
            )
            raise CommandError(message % {"count": unresolved}, returncode=UNRESOLVED)

    def _run(self, job: Job, report: Report, options: dict[str, Any]) -> int:
        if options["reverse"]:
            take_back(job, report, options["made_at"])
            unresolved = 0
        else:
            unresolved = bring(job, report, options["prefer"])
        if not job.commit:
            self.stdout.write(_("Nothing was written: that takes --commit."))
        return unresolved

    def _job(self, options: dict[str, Any]) -> Job:
        family = _family(options["provider"], options["app_id"])
        _check_migrated()
        table = _table(options["model"]) if options["model"] else options["table"]
        columns = source.Columns(
            openid=options["openid_column"],
            user=options["user_column"],
            created=options["created_column"],
            unionid=options["unionid_column"],
        )
        return Job(
            source=source.find(options["database"] or databases.primary(SocialAccount), table, columns),
            provider=family,
            app_id=options["app_id"],
            commit=options["commit"],
            batch=options["batch"],
            progress=Progress(sys.stderr, wanted=not options["no_progress"]),
        )


def _batch(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 5_000:
        raise ArgumentTypeError("a number from 1 to 5000")
    return int(text)


def _moment(text: str) -> str:
    try:
        return as_text(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ArgumentTypeError("write it as in the report, such as 2026-11-27T10:00:00.123456+00:00") from None


def _family(provider: str, app_id: str) -> str:
    """The provider's family, under which its bindings are stored."""
    try:
        found = oauth.get(provider)
    except (ImproperlyConfigured, TypeError) as error:
        raise ImportRefused(str(error)) from None
    except ProviderUnknown:
        message = _("There is no provider %(name)s in PHONEBIND['PROVIDERS']. There are: %(known)s.")
        raise ImportRefused(message % {"name": provider, "known": ", ".join(conf.providers)}) from None
    if app_id != found.app_id:
        message = _("The client_id of %(provider)s is %(configured)s, not %(app_id)s, and openids are an app's own.")
        raise ImportRefused(message % {"provider": provider, "configured": found.app_id, "app_id": app_id})
    return found.family


def _check_migrated() -> None:
    if SocialAccount._meta.db_table not in source.tables(databases.primary(SocialAccount)):
        raise ImportRefused(_("phonebind has no tables yet: run manage.py migrate."))


def _check_reverse(job: Job, options: dict[str, Any]) -> None:
    if not options["reverse"]:
        wrong = _("--made-at belongs to --reverse.") if options["made_at"] else ""
    elif options["prefer"] or options["accept"]:
        wrong = _("--prefer and --accept say nothing to --reverse.")
    elif not job.source.columns.created and not options["made_at"]:
        wrong = _("The table does not say when: give --made-at what the import's report has as made_at.")
    else:
        wrong = ""
    if wrong:
        raise ImportRefused(wrong)


def _table(label: str) -> str:
    try:
        model: Any = apps.get_model(label)
    except (LookupError, ValueError):
        raise ImportRefused(_("There is no model %(label)s.") % {"label": label}) from None
    return str(model._meta.db_table)


@contextmanager
def _written(path: Path | None) -> Iterator[TextIO | None]:
    """The file appears when it is complete. It contains openids, so only its owner may read it."""
    if path is None:
        yield None
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        # A random name: a file that another user has made in advance would stay readable for that user.
        descriptor, part = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise ImportRefused(_("--report: %(error)s") % {"error": error}) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
