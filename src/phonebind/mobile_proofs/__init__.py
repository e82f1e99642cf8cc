"""Mobile proofs: a mobile number verified without an SMS, by a carrier's one-tap sign-in or WeChat's phone button.

    proof = trade("aliyun", token, identity, address)     # asks the vendor once: the vendor's token works once
    mobile = read(proof.token, identity)                  # at the bind, again after each wrong password

A proof is signed. It is valid for 10 minutes, for one identity and one bind (``phonebind.verified``). A new source
needs one file and its line in ``SOURCES``.
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

#: The sources by their words in ``MOBILE_PROOFS``. Any other source is named by its dotted path.
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
    """A mobile number that a source has verified. Only :func:`issue` and :func:`read` create it."""

    invalid: ClassVar[type[PhonebindError]] = MobileProofInvalid

    #: The unique name of this proof.
    once: str

    def claim(self) -> bool:
        # There is no other claimant: the signature covers the identity.
        return not store.exists(self._key)

    def settle(self) -> None:
        store.first(self._key, MAX_AGE)

    @property
    def _key(self) -> str:
        return store.key("mobile_proof", self.once)


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """The token for the client, and the verified mobile number that it stands for."""

    token: str
    mobile: ByProof

    @property
    def body(self) -> dict[str, Any]:
        """The fields in which every JSON response shows the proof."""
        return {
            "mobile_proof": self.token,
            "mobile": masking.mobile(self.mobile.number),
            "strength": self.mobile.strength,
        }


def get(name: str) -> Source:
    """The source with that name in ``MOBILE_PROOFS``, for one request to the vendor.

    Raises Invalid if there is none, and what :func:`options.build` raises.
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
    """Exchange the vendor's token for a proof of ours. The token is used up in every case.

    Raises Invalid (no such source), MobileProofInvalid, MobileProofUnavailable, TooManyRequests, StorageUnavailable.
    """
    source = get(name)
    call = calls.observed(name, "mobile_proof", {MobileProofInvalid: "answered"})
    with slots.PROOF.take(max(1, conf.sms_slots // 2)), _taken(identity, address), call:
        number = source.verify(token, identity, carrier=carrier)
    return issue(number, identity, strength=source.strength, source=name)


def of(ticket: Ticket) -> Proof | None:
    """A proof of the mobile number that an SMS verified before the form of this binding token, if there is one.

    It is valid for the one bind of the binding token, and for as long as the token.
    """
    if ticket.proved is None:
        return None
    number, once = ticket.proved
    return issue(number, ticket.identity, strength="sms", source="", once=once)


def issue(number: str, identity: Identity, *, strength: str, source: str, once: str = "") -> Proof:
    """A proof of a mobile number that ``source`` has just verified. ``source`` may be a provider that also gave the
    number.

    ``once`` is the name of the proof, if it already has one.
    """
    mobile = ByProof(number, identity.key, once or secrets.token_urlsafe(12), strength=strength, source=source)
    said = [number, identity.key, mobile.once, strength, source]
    return Proof(signing.dumps(said, salt=SALT, compress=True), mobile)


def read(token: str, identity: Identity) -> ByProof:
    """The mobile number, verified for ``identity``. The proof stays valid until ``settle`` is called.

    Raises MobileProofInvalid if the proof is expired, forged, or for another identity.
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
    """Counts one request to the vendor against the limits.

    The site pays for answers that contain a number. Other answers are given back to the site's budget. A request
    without an answer is not given back.
    """
    site: limits.Claim = ("proof_site_day", limits.SITE)
    at = limits.take(("proof_identity_hour", identity.key), ("proof_address_hour", address), site)
    try:
        yield
    except (MobileProofInvalid, MobileProofUnavailable) as error:
        if error.answered:
            limits.give_back(site, at=at)
        raise
