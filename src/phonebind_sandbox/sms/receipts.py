"""What became of a message, as its vendor learns from the carrier and tells whoever asks."""

import time
from dataclasses import asdict, dataclass

from phonebind_sandbox import state

#: How long a carrier takes to say it.
CARRIER_SECONDS = 1.0

KEPT = 200
KEPT_SECONDS = 86_400
#: A position of the switch ``sms_receipt``: nobody ever says.
NEVER = "none"
DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Receipt:
    vendor: str
    mobile: str
    text: str
    #: The vendor's id of the message, and the one that its customer gave.
    vendor_id: str
    own_id: str
    template: str
    sent_at: float
    #: A position of the switch ``sms_receipt``.
    result: str

    @property
    def known_at(self) -> float:
        return self.sent_at + CARRIER_SECONDS

    @property
    def known(self) -> bool:
        return self.result != NEVER and time.time() >= self.known_at


def keep(receipt: Receipt) -> None:
    number = state.count(f"receipt:{receipt.vendor}")
    state.put(f"receipt:{receipt.vendor}", str(number), asdict(receipt), KEPT_SECONDS)
    state.forget(f"receipt:{receipt.vendor}", str(number - KEPT))


def of(vendor: str, mobile: str = "") -> list[Receipt]:
    """The last two hundred of a vendor, newest first, or those of one phone."""
    newest = state.counted(f"receipt:{vendor}")
    numbers = [str(number) for number in range(newest, max(newest - KEPT, 0), -1)]
    found = [Receipt(**kept) for kept in state.get_many(f"receipt:{vendor}", numbers).values()]
    return [receipt for receipt in found if not mobile or receipt.mobile == mobile]


def sent(vendor: str) -> int:
    """How many SMS it has taken."""
    return state.counted(f"receipt:{vendor}")


def hand_out(receipt: Receipt) -> bool:
    """True for the first who asks for it."""
    return state.put_once("receipt_handed_out", f"{receipt.vendor} {receipt.vendor_id}", KEPT_SECONDS)
