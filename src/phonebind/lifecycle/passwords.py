"""The person's own password: set the first one, or change it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from phonebind import accounts, databases
from phonebind.exceptions import Invalid, PasswordWrong, TokenInvalid
from phonebind.lifecycle import numbers, people
from phonebind.lifecycle.people import Person


def check(person: Person, password: str, address: str) -> None:
    """Check the old password. Raises PasswordWrong for that field, and what accounts.check_password() raises."""
    try:
        accounts.check_password(person.user, password, address, counted="password_verify")
    except PasswordWrong as error:
        error.field = "old_password"
        raise


def change(person: Person, password: str) -> None:
    """Every session ends with the old password, the current one too. The answer brings a new session.

    Three more things end: the proofs of step-up, which belong to a session; a waiting change of mobile; the codes of
    the mobile. Raises Invalid, ServerBusy, TokenInvalid (the session was ended in the meantime, or the password
    changed), AccountDisabled.
    """
    user: Any = person.user
    before = user.password
    accounts.set_password(user, password)
    using = databases.primary(type(user))
    try:
        with transaction.atomic(using=using, durable=True):
            now: Any = people.lock(person)
            if now.password != before:
                # Another request changed it first. Perhaps an attacker knows the old password, and the owner was
                # faster.
                raise TokenInvalid
            user.save(update_fields=["password"])
            numbers.void_codes(accounts.mobile_of(now), using)
    except ValidationError as error:
        raise Invalid({"password": error.messages}) from None
