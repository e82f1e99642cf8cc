"""``python -m bench.pending KIND FIRST LAST``: each of these people asks for a code, from an address of their own.

With the package's own functions, but for what leaves nothing in Valkey: no image is drawn, and no SMS is sent.
"""

import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING
from uuid import UUID

import django

if TYPE_CHECKING:
    from phonebind.sms.base import Message

#: So that none of what is counted runs out before all of it is there.
LIMITS = {"sms_mobile_gap": [1, 3600], "sms_site_hour": [10**8, 3600], "sms_site_day": [10**8, 86400]}


class Nowhere:
    """An SMS gateway."""

    def __init__(self, url: str) -> None:
        """Takes what the bench's own one takes."""

    def check(self) -> list[str]:
        return []

    def send(self, message: "Message") -> None:
        pass


def image(number: int, address: str) -> None:
    from phonebind.human import image_codes  # noqa: PLC0415 - settings come first

    image_codes.issue(str(UUID(int=number << 64 | 1 << 63)), address)


def sms(number: int, address: str) -> None:
    from phonebind import sms_codes  # noqa: PLC0415 - settings come first

    sms_codes.issue(str(13_000_000_000 + number), address)


def main(kind: str, first: int, last: int) -> None:
    django.setup()
    from phonebind.human import image_drawing  # noqa: PLC0415 - settings come first

    image_drawing.draw = lambda text, random: b""
    ask = {"image": image, "sms": sms}[kind]
    # As long as addresses get.
    address = int(ip_address("121.100.100.100"))
    for number in range(first, last + 1):
        ask(number, str(ip_address(address + number)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
