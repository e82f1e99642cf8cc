"""``manage.py phonebind_sms_report --month 2026-08``: what the SMS of a month cost.

See docs/en/how-to/operations/index.md#the-sms-report.
"""

import csv
import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser
from django.utils import translation

from phonebind.migrated import MigratedCommand
from phonebind.operations.reports import sms_report
from phonebind.operations.reports.charts import percent
from phonebind.operations.reports.prices import money
from phonebind.operations.reports.sms_report import Report

HEADINGS = ("purpose", "gateway", "outcome", "count", "price", "cost")


def _month(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    if not found or not 1 <= int(found[2]) <= 12 or not 2000 <= int(found[1]) <= 9000:
        raise ArgumentTypeError(f"{text!r} is not a month such as 2026-08")
    return int(found[1]), int(found[2])


class Command(MigratedCommand):
    help = "Show how many SMS were sent in a month, and with SMS_PRICES what they cost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--month", type=_month, help="such as 2026-08, in the site's TIME_ZONE (default: this month)"
        )
        parser.add_argument("--format", choices=tuple(FORMATS), default="table")

    @translation.override("en")
    def handle(self, *args: Any, **options: Any) -> None:
        FORMATS[options["format"]](self, sms_report.of_month(*(options["month"] or sms_report.this_month())))

    def table(self, report: Report) -> None:
        rows = [list(HEADINGS), *([_text(value) for value in values] for values in _values(report))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        self.stdout.write(f"SMS of {report.month}\n\n")
        for row in rows if report.lines else []:
            cells = zip(row, widths, strict=True)
            self.stdout.write("  ".join(f"{text:<{width}}" for text, width in cells).rstrip())
        for told in _totals(report):
            self.stdout.write(told)
        for group in report.networks:
            told = f"{group.sent} SMS to {group.numbers} numbers, {group.used} used the code ({group.share})"
            self.stdout.write(f"  {group.network}: {told}")

    def csv(self, report: Report) -> None:
        lines = csv.writer(self.stdout, lineterminator="\n")
        lines.writerow(("month", *HEADINGS))
        lines.writerows((report.month, *map(_text, values)) for values in _values(report))

    def json(self, report: Report) -> None:
        self.stdout.write(
            json.dumps(
                {
                    "month": report.month,
                    "lines": [dict(zip(HEADINGS, values, strict=True)) for values in _values(report)],
                    "paid": report.paid,
                    "cost": report.cost,
                    "without_price": report.unpriced,
                    "bound": report.bound,
                    "cost_of_a_bound_account": report.cost_of_one(report.bound),
                    "signed_in": report.signed_in,
                    "cost_of_a_sign_in": report.cost_of_one(report.signed_in),
                    "numbers": report.asked,
                    "numbers_that_used_a_code": report.used,
                    "networks": [
                        {"network": each.network, "sms": each.sent, "numbers": each.numbers, "used": each.used}
                        for each in report.networks
                    ],
                },
                default=str,
                indent=2,
            )
        )


#: The method that writes each format.
FORMATS: dict[str, Callable[[Command, Report], None]] = {
    "table": Command.table,
    "csv": Command.csv,
    "json": Command.json,
}


def _values(report: Report) -> list[tuple[Any, ...]]:
    return [(line.purpose, line.gateway, line.outcome, line.count, line.price, line.cost) for line in report.lines]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _totals(report: Report) -> list[str]:
    def of_one(count: int) -> str:
        cost = report.cost_of_one(count)
        return "" if cost is None else f", {money(cost, 3)} each"

    share = percent(report.used / report.asked) if report.asked else "none"
    told = [
        "" if report.lines else "No SMS was given to a gateway.\n",
        f"SMS that were sent, or may have been: {report.paid}{_cost(report.cost)}",
        f"New binds: {report.bound}{of_one(report.bound)}",
        f"Sign-ins, new binds among them: {report.signed_in}{of_one(report.signed_in)}",
        f"Numbers that were sent an SMS: {report.asked}; that used the code: {report.used} ({share})",
    ]
    if report.cost is None:
        told.append("These are only counts: SMS_PRICES in the settings is not set, so the cost is unknown.")
    elif report.unpriced:
        told.append(f"Not in the cost, because SMS_PRICES has no price for them: {', '.join(report.unpriced)}")
    return [*told, *(["Most SMS were asked for from:"] if report.networks else [])]


def _cost(cost: Decimal | None) -> str:
    return "" if cost is None else f", which cost {money(cost)}"
