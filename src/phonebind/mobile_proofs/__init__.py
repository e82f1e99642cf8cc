"""What proves a mobile without an SMS: the carrier's one tap, and the phone button of WeChat.

    proof = trade("aliyun", token, identity, address)     # asks the vendor, once: its token serves once
    mobile = read(proof.token, identity)                  # at the bind, as often as a password is typed wrong

The proof is signed, 10 minutes long, for one identity, and serves for one bind (``phonebind.verified``). Adding a
source is one file and its line in ``SOURCES``.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.core import signing
from django.utils.translation import gettext_lazy as _

from phonebind import calls, limits, masking, slots, store
from phonebind.conf import conf
from phonebind.exceptions import (
    Invalid,
    MobileProofInvalid,
    MobileProofUnavailable,
    PhonebindError,
)
from phonebind.mobile_proofs.base import Source
from phonebind.oauth import Identity
from phonebind.options import WrongOptions, build
from phonebind.tickets import Ticket
from phonebind.verified import VerifiedMobile

__all__ = ["MAX_AGE", "SOURCES", "ByProof", "Proof", "Source", "get", "issue", "of", "read", "trade"]

#: By their words in ``MOBILE_PROOFS``; any other source has a dotted path.
SOURCES: Mapping[str, str] = {
    "aliyun": "phonebind.mobile_proofs.aliyun.Aliyun",
    "tencent": "phonebind.mobile_proofs.tencent.Tencent",
    "wechat": "phonebind.mobile_proofs.wechat.WeChat",
}

#: Seconds.
MAX_AGE = 600
SALT = "phonebind.mobile_proof.v1"


@dataclass(frozen=True, slots=True)
class ByProof(VerifiedMobile):
    """A mobile that a source has proved. Made by :func:`issue` and :func:`read` alone."""

    invalid: ClassVar[type[PhonebindError]] = MobileProofInvalid

    #: Names this proof, and no other.
    once: str

    def claim(self) -> bool:
        # Nobody else can: the identity is inside the signature.
        return not store.exists(self._key)

    def settle(self) -> None:
        store.first(self._key, MAX_AGE)

    @property
    def _key(self) -> str:
        return store.key("mobile_proof", self.once)


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """What the client is given, and the mobile that it stands for."""

    token: str
    mobile: ByProof

    @property
    def body(self) -> dict[str, Any]:
        """As every JSON answer says it."""
        return {
            "mobile_proof": self.token,
            "mobile": masking.mobile(self.mobile.number),
            "strength": self.mobile.strength,
        }


def get(name: str) -> Source:
    """The source of that name in ``MOBILE_PROOFS``, ready for one question.

    Raises Invalid where there is none, and what :func:`options.build` raises.
    """
    entry = conf.mobile_proofs.get(name)
    if entry is None:
        raise Invalid({"source": [_("This way to confirm a number does not exist.")]})
    rest = dict(entry)
    path = rest.pop("source", SOURCES.get(name, ""))
    path = SOURCES.get(path, path)
    if "." not in path:
        raise WrongOptions(f"source must be one of {', '.join(SOURCES)}, or the dotted path of a class")
    return cast("Source", build(path, rest))


def trade(name: str, token: str, identity: Identity, address: str, *, carrier: str = "") -> Proof:
    """The vendor's token for a proof of ours. Once: it is used up, whatever becomes of the answer.

    Raises Invalid (no such source), MobileProofInvalid, MobileProofUnavailable, TooManyRequests, StorageUnavailable.
    """
    source = get(name)
    call = calls.observed(name, "mobile_proof", {MobileProofInvalid: "answered"})
    with slots.PROOF.take(max(1, conf.sms_slots // 2)), _taken(identity, address), call:
        number = source.verify(token, identity, carrier=carrier)
    return issue(number, identity, strength=source.strength, source=name)


def of(ticket: Ticket) -> Proof | None:
    """Of the mobile that an SMS of ours has proved on the way to this ticket's form, if one has: it serves for the one
    bind, and as long as the ticket.
    """
    if ticket.proved is None:
        return None
    number, once = ticket.proved
    return issue(number, ticket.identity, strength="sms", source="", once=once)


def issue(number: str, identity: Identity, *, strength: str, source: str, once: str = "") -> Proof:
    """A proof of a mobile that ``source`` has just proved: one of ours, or a provider that told it too. ``once`` names
    it where it has a name already.
    """
    mobile = ByProof(number, identity.key, once or secrets.token_urlsafe(12), strength=strength, source=source)
    said = [number, identity.key, mobile.once, strength, source]
    return Proof(signing.dumps(said, salt=SALT, compress=True), mobile)


def read(token: str, identity: Identity) -> ByProof:
    """The mobile, verified for ``identity``; the proof stays usable until it is settled.

    Raises MobileProofInvalid: expired, forged, or for another identity.
    """
    if not token.isascii():
        raise MobileProofInvalid
    try:
        number, claimant, once, strength, source = signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise MobileProofInvalid from None
    if claimant != identity.key:
        raise MobileProofInvalid
    return ByProof(number, claimant, once, strength=strength, source=source)


@contextmanager
def _taken(identity: Identity, address: str) -> Iterator[None]:
    """The limits of one question. The site pays for the answers that have a number in them: the others give its budget
    back, but for those that nobody has heard.
    """
    site: limits.Claim = ("proof_site_day", limits.SITE)
    at = limits.take(("proof_identity_hour", identity.key), ("proof_address_hour", address), site)
    try:
        yield
    except (MobileProofInvalid, MobileProofUnavailable) as error:
        if error.answered:
            limits.give_back(site, at=at)
        raise
