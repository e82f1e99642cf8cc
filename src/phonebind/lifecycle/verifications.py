"""The methods of step-up for a signed-in person: an SMS code, the password, or a provider.

Each method gives the proof of ``step_up``, and limits wrong attempts.
"""

from django.db import transaction
from django.http import HttpRequest

from phonebind import accounts, binding, databases, human, limits, sms_codes
from phonebind.audit import note
from phonebind.exceptions import SmsCodeInvalid
from phonebind.lifecycle import attempts, intents, people, proofs, step_up
from phonebind.lifecycle.models import MobileProof
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from phonebind.sms_codes import ByCode, Sent
from phonebind.states import State

#: "verify": the person's own number; "change_mobile": a new number.
PURPOSES = ("verify", "change_mobile")


def own_mobile(person: Person) -> str:
    """The person's number, to send a code to. Raises AuthenticationInsufficient if an SMS to it would prove nothing:
    there is no number, or it may have a new owner.
    """
    if "sms" not in step_up.available(person):
        raise step_up.insufficient(person)
    return accounts.mobile_of(person.user)


def send_code(request: HttpRequest, person: Person, purpose: str, mobile: str, answers: human.Answers) -> Sent:
    """Send an SMS code for this person in this session. Raises what ``human.verify`` and ``sms_codes.issue`` raise."""
    address = limits.client_address(request)
    shown = human.verify(mobile, address, answers)
    note(request, human=str(shown))
    claims = (*shown.claims, ("verify_user_hour", str(person.user.pk)))
    # The reserved part of a number's limit is for people who are known to have the number.
    reserved = purpose == "verify"
    sent = sms_codes.issue(mobile, address, *claims, holder=person.holder, purpose=purpose, reserved=reserved)
    note(request, outcome="sent")
    return sent


def new_mobile(request: HttpRequest, person: Person, mobile: str, code: str) -> ByCode:
    """The proof of the new number. Raises SmsCodeInvalid, SmsCodeGone, TooManyAttempts."""
    address = limits.client_address(request)
    return sms_codes.check(mobile, code, claimant=person.holder, address=address, purpose="change_mobile")


def by_sms(request: HttpRequest, person: Person, code: str) -> str:
    """Raises SmsCodeInvalid, SmsCodeGone, TooManyAttempts, AuthenticationInsufficient, StorageUnavailable."""
    mobile, address = own_mobile(person), limits.client_address(request)
    note(request, mobile=mobile)
    proof = sms_codes.check(mobile, code, claimant=person.holder, address=address, purpose="verify")
    attempts.at_last(lambda: _use_up(person, proof))
    proof.settle()
    return step_up.issue(person, "sms")


def by_password(request: HttpRequest, person: Person, password: str) -> str:
    """Raises PasswordWrong, TooManyAttempts, ServerBusy."""
    accounts.check_password(person.user, password, limits.client_address(request), counted="password_verify")
    return step_up.issue(person, "password")


def by_provider(request: HttpRequest, person: Person, *, provider: str, code: str, state: str) -> tuple[str, State]:
    """By an identity that is bound to this account. Raises AuthenticationInsufficient for any other identity,
    StateInvalid, CodeInvalid, ProviderUnavailable.
    """
    identity, account, used = intents.redeem(request, person, intents.VERIFY, provider=provider, code=code, state=state)
    if account is None:
        account = _elsewhere(identity)
    if account is None or account.user_id != person.user.pk:
        raise step_up.insufficient(person)
    return step_up.issue(person, "provider", account.pk), used


def _elsewhere(identity: Identity) -> SocialAccount | None:
    """The row of this person in another of our apps, if all rows of the person belong to one account."""
    if len(set(binding.owners(identity))) != 1:
        return None
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return rows.filter(provider=identity.provider, unionid=identity.unionid).order_by("pk").first()


def _use_up(person: Person, proof: ByCode) -> None:
    with transaction.atomic(using=databases.primary(MobileProof), durable=True):
        people.hold(person.user, proof.number)
        proofs.record(person.user, proof.number, proof.proved_by)
        if not proof.claim():
            # A code is good once. Anyone who reads it later from a screen cannot use it.
            raise SmsCodeInvalid
