"""A mobile whose owner has just been proved, whatever proved it: an SMS code, the carrier, WeChat.

A proof is not deleted by use but *claimed* for one identity, inside the transaction that binds it, and *settled* after
the commit. So two binds never share a proof; a process that dies between claim and commit leaves a person who can send
the same form again; and a double click after the commit is recognised, but can no longer change anything.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from phonebind.exceptions import PhonebindError, StorageUnavailable

#: How strongly a mobile is proved: "carrier", the SIM card is in the phone now; "realtime", a code was read from the
#: phone now, elsewhere; "quick", somebody proved it once.
STRENGTHS = ("sms", "carrier", "realtime", "quick")
PROVED_BY_LENGTH = 32

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VerifiedMobile(ABC):
    """A mobile that is proved for ``claimant``: the key of an identity."""

    #: What to raise where the proof is used up, or another's.
    invalid: ClassVar[type[PhonebindError]]

    number: str
    claimant: str
    #: One of ``STRENGTHS``.
    strength: str = field(default="sms", kw_only=True)
    #: The name in ``MOBILE_PROOFS`` of who proved it; "" for an SMS of ours.
    source: str = field(default="", kw_only=True)

    @property
    def proved_by(self) -> str:
        """As bindings and the audit trail keep it: "sms", "carrier:aliyun", "quick:wechat"."""
        return f"{self.strength}:{self.source}"[:PROVED_BY_LENGTH] if self.source else self.strength

    @abstractmethod
    def claim(self) -> bool:
        """Take the proof for its claimant, as the last act before a commit. True the first time, False on a repeat of a
        bind that was committed already. Raises what ``invalid`` names where another was faster, StorageUnavailable.
        """

    @abstractmethod
    def settle(self) -> None:
        """What the proof was claimed for is committed; from now on it creates nothing. Raises StorageUnavailable."""


def settle(mobile: VerifiedMobile) -> None:
    """After the commit of what ``mobile`` was claimed for. Where the store is away that is committed all the same, and
    until the proof expires it can only repeat this very act.
    """
    try:
        mobile.settle()
    except StorageUnavailable:
        logger.warning("The proof of a committed act could not be settled")
