"""What an SMS costs, as ``SMS_PRICES`` says, and amounts of money as they are shown."""

from decimal import Decimal

from django.utils import formats

from phonebind.conf import conf


def known() -> bool:
    """Whether the host has said what SMS cost."""
    return bool(conf.sms_prices)


def of(gateway: str) -> Decimal | None:
    """The price of one SMS; None where nobody has told it."""
    price = conf.sms_prices.get(gateway)
    return None if price is None else Decimal(str(price))


def money(amount: Decimal, places: int = 2) -> str:
    """With the currency before it."""
    return f"{conf.sms_currency}{formats.number_format(round(amount, places), places, force_grouping=True)}"
