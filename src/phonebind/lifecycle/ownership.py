"""The gate at every door that an SMS alone opens: is who just proved this number the owner of the account that has it?

A number that was given up is another person's after 90 days. Whoever holds only the number, and was not seen with it
for as long, is asked, and shown no more of the account than a masked name and a month.
"""

from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

#: No carrier gives a number to somebody else before it has rested for as long.
FROZEN = timedelta(days=90)


def decide(request: HttpRequest, user: AbstractBaseUser, mobile: str, *, second_way: bool = False) -> bool:
    """Whether ``user`` comes in on probation: the proof of the mobile is doubtful then (``proofs.record``).

    ``second_way``: a password or an identity of the account was proved in this flow too. Raises OwnerUnclear.
    """
    raise NotImplementedError
