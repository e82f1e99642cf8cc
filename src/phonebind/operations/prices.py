"""What an SMS costs, as ``SMS_PRICES`` says, and amounts of money as they are shown."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils import formats

from phonebind.conf import SETTING, conf

#: Plain digits: neither Decimal's "1e9" and "NaN", nor a price below zero.
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def known() -> bool:
    """Whether the host has said what SMS cost."""
    return bool(conf.sms_prices)


def of(gateway: str) -> Decimal | None:
    """The price of one SMS; None where nobody has told it."""
    price = conf.sms_prices.get(gateway)
    return None if price is None else Decimal(str(price))


def total(counts: Iterable[tuple[str, int]]) -> Decimal:
    """What so many SMS of these gateways cost; those without a price cost nothing here."""
    return sum(((of(gateway) or Decimal()) * count for gateway, count in counts), Decimal())


def money(amount: Decimal, places: int = 2) -> str:
    """With the currency before it."""
    return f"{conf.sms_currency}{formats.number_format(round(amount, places), places, force_grouping=True)}"


def check(**kwargs: Any) -> list[CheckMessage]:
    """The system check ``phonebind.E031``."""
    prices: Any = conf.sms_prices
    if not isinstance(prices, dict):
        return [_error("it must be a dict: the name of a gateway, and what one SMS costs")]
    return [
        _error(f"{gateway!r}: one SMS costs {price!r}, which is no amount such as '0.045'")
        for gateway, price in prices.items()
        if not isinstance(price, (str, int, Decimal)) or not _PRICE.fullmatch(str(price))
    ]


def _error(problem: str) -> CheckMessage:
    return Error(f"{SETTING}['SMS_PRICES']: {problem}", id="phonebind.E031")
