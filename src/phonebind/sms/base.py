"""What every SMS gateway is."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One SMS code on its way. Gateways that send free text take ``text``; those with templates fill in the parts."""

    mobile: str
    code: str
    minutes: int
    text: str


class Gateway(Protocol):
    """Constructed with the options of ``PHONEBIND["SMS"]`` as keyword arguments."""

    def check(self) -> list[str]:
        """What is wrong with the options, for the system checks; nothing is sent."""

    def send(self, message: Message) -> None:
        """Hand the message over.

        Raises SmsNotSent when the gateway was not reached or refuses: the person asks again at once, and it costs no
        quota. Raises SmsUnconfirmed when it was reached and nobody knows: that costs quota, or a slow gateway is a way
        to unlimited SMS.
        """
