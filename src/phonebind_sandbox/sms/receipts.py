"""Receipts: the delivery result of each message, as the vendor gets it from the carrier."""

import time
from dataclasses import asdict, dataclass

from phonebind_sandbox import state

#: Seconds until the carrier reports the result.
CARRIER_SECONDS = 1.0

KEPT = 200
KEPT_SECONDS = 86_400
#: A value of the switch ``sms_receipt``: there is never a receipt.
NEVER = "none"
DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Receipt:
    vendor: str
    mobile: str
    text: str
    #: The vendor's id of the message, and the customer's own id.
    vendor_id: str
    own_id: str
    template: str
    sent_at: float
    #: A value of the switch ``sms_receipt``.
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
    """The last two hundred receipts of a vendor, newest first; or only those of one number."""
    newest = state.counted(f"receipt:{vendor}")
    numbers = [str(number) for number in range(newest, max(newest - KEPT, 0), -1)]
    found = [Receipt(**kept) for kept in state.get_many(f"receipt:{vendor}", numbers).values()]
    return [receipt for receipt in found if not mobile or receipt.mobile == mobile]


def sent(vendor: str) -> int:
    """How many SMS the vendor has accepted."""
    return state.counted(f"receipt:{vendor}")


def hand_out(receipt: Receipt) -> bool:
    """True for the first caller only."""
    return state.put_once("receipt_handed_out", f"{receipt.vendor} {receipt.vendor_id}", KEPT_SECONDS)
