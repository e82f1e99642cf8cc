"""One's own password: the first one, or another."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from phonebind import accounts, databases
from phonebind.exceptions import Invalid, PasswordWrong, TokenInvalid
from phonebind.lifecycle import numbers, people
from phonebind.lifecycle.people import Person


def check(person: Person, password: str, address: str) -> None:
    """The old one. Raises PasswordWrong, which blames that field, and what accounts.check_password() does."""
    try:
        accounts.check_password(person.user, password, address, counted="password_verify")
    except PasswordWrong as error:
        error.field = "old_password"
        raise


def change(person: Person, password: str) -> None:
    """Every session ends with the old password, this one too: the answer brings another.

    So do the proofs of step-up, which are a session's; a change of mobile that waits; and the codes of the mobile.
    Raises Invalid, ServerBusy, TokenInvalid (it was ended meanwhile, or the password changed), AccountDisabled.
    """
    user: Any = person.user
    before = user.password
    accounts.set_password(user, password)
    using = databases.primary(type(user))
    try:
        with transaction.atomic(using=using, durable=True):
            now: Any = people.lock(person)
            if now.password != before:
                # By somebody who was faster, perhaps since this one is known to another.
                raise TokenInvalid
            user.save(update_fields=["password"])
            numbers.void_codes(accounts.mobile_of(now), using)
    except ValidationError as error:
        raise Invalid({"password": error.messages}) from None
