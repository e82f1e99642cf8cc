"""``python -m bench.pending KIND FIRST LAST``: each of these people asks for a code, from their own address.

It calls the package's own functions. Two steps leave nothing in Valkey and are skipped: drawing the image, and sending
the SMS.
"""

import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING
from uuid import UUID

import django

if TYPE_CHECKING:
    from phonebind.sms.base import Message

#: So high that no counter reaches its limit before all keys exist.
LIMITS = {"sms_mobile_gap": [1, 3600], "sms_site_hour": [10**8, 3600], "sms_site_day": [10**8, 86400]}


class Nowhere:
    """An SMS gateway that sends nothing."""

    def __init__(self, url: str) -> None:
        """Takes the arguments of the bench's own gateway."""

    def check(self) -> list[str]:
        return []

    def send(self, message: "Message") -> None:
        pass


def image(number: int, address: str) -> None:
    from phonebind.human import image_codes  # noqa: PLC0415 - the settings must be set first

    image_codes.issue(str(UUID(int=number << 64 | 1 << 63)), address)


def sms(number: int, address: str) -> None:
    from phonebind import sms_codes  # noqa: PLC0415 - the settings must be set first

    sms_codes.issue(str(13_000_000_000 + number), address)


def main(kind: str, first: int, last: int) -> None:
    django.setup()
    from phonebind.human import image_drawing  # noqa: PLC0415 - the settings must be set first

    image_drawing.draw = lambda text, random: b""
    ask = {"image": image, "sms": sms}[kind]
    # The longest form of an address.
    address = int(ip_address("121.100.100.100"))
    for number in range(first, last + 1):
        ask(number, str(ip_address(address + number)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
