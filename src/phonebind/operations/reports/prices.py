"""The price of an SMS from ``SMS_PRICES``, and the format of amounts."""

from decimal import Decimal

from django.utils import formats

from phonebind.conf import conf


def known() -> bool:
    """Whether the host has set prices."""
    return bool(conf.sms_prices)


def of(gateway: str) -> Decimal | None:
    """The price of one SMS; None if it is not set."""
    price = conf.sms_prices.get(gateway)
    return None if price is None else Decimal(str(price))


def money(amount: Decimal, places: int = 2) -> str:
    """The amount as text, after the currency."""
    return f"{conf.sms_currency}{formats.number_format(round(amount, places), places, force_grouping=True)}"
