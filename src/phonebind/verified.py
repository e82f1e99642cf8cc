"""A mobile whose owner was just proved, by an SMS code, the carrier or WeChat.

Use does not delete a proof. The proof is *claimed* for one identity inside the transaction that binds it, and *settled*
after the commit. So two binds never share a proof. If the process dies between claim and commit, the person can send
the same form again. A double click after the commit gets the same answer, but can no longer change anything.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from phonebind.exceptions import PhonebindError, StorageUnavailable

#: How strong a proof of a mobile is. "carrier": the SIM card is in the phone now. "realtime": another service has just
#: checked a code on the phone. "quick": another service checked the number at some time.
STRENGTHS = ("sms", "carrier", "realtime", "quick")
PROVED_BY_LENGTH = 32

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VerifiedMobile(ABC):
    """A mobile that is proved for ``claimant``: the key of an identity."""

    #: The error to raise if the proof is used up, or belongs to another identity.
    invalid: ClassVar[type[PhonebindError]]

    number: str
    claimant: str
    #: One of ``STRENGTHS``.
    strength: str = field(default="sms", kw_only=True)
    #: The name of the proof's source in ``MOBILE_PROOFS``; "" for our own SMS.
    source: str = field(default="", kw_only=True)

    @property
    def proved_by(self) -> str:
        """The form in bindings and in the audit trail: "sms", "carrier:aliyun", "quick:wechat"."""
        return f"{self.strength}:{self.source}"[:PROVED_BY_LENGTH] if self.source else self.strength

    @abstractmethod
    def claim(self) -> bool:
        """Take the proof for its claimant, as the last step before a commit.

        Returns True the first time, False if the same bind was committed before. Raises the class in ``invalid`` if
        another bind was faster, and StorageUnavailable.
        """

    @abstractmethod
    def settle(self) -> None:
        """Runs after the commit of the act: the proof can create nothing more. Raises StorageUnavailable."""


def settle(mobile: VerifiedMobile) -> None:
    """Runs after the commit. An unavailable store changes nothing about the committed act. Until the proof expires, it
    can only repeat that same act.
    """
    try:
        mobile.settle()
    except StorageUnavailable:
        logger.warning("The proof of a committed act could not be settled")
