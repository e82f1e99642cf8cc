"""The limits that count one person: by mobile number, by name, by account and by identity."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from phonebind import accounts, limits, mobiles
from phonebind.exceptions import Text
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from phonebind.operations.events import mobile_hashes

BY_MOBILE = (
    *("sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day", "sms_mobile_open_hour", "sms_mobile_open_day"),
    *("reset_mobile_day", "notice_mobile_day", "sign_up_mobile_hour"),
)
BY_NAME = ("password_name",)
BY_ACCOUNT = ("password_account", "password_bind", "password_verify", "verify_user_hour")
BY_IDENTITY = (
    *("sms_identity_hour", "sms_identity_day", "sms_identity_month"),
    *("proof_identity_hour", "sms_code_identity_hour"),
)
#: How many identities are looked up. Each one costs one query to the store per limit.
_IDENTITIES = 5


class Counted(NamedTuple):
    """A limit that has counted something. ``key`` names it in a form, and does not reveal the person that it counts."""

    key: str
    name: str
    subject: str
    whom: Text
    used: int
    limit: int
    #: Seconds until the count goes down.
    wait: int

    @property
    def refuses(self) -> bool:
        """Whether the limit refuses the next request."""
        return self.used >= self.limit


def of(user: AbstractBaseUser, identities: Sequence[SocialAccount]) -> list[Counted]:
    """The limits that have counted something. Raises StorageUnavailable."""
    found = (_counted(name, subject, whom) for name, subject, whom in _claims(user, identities))
    return [each for each in found if each.used]


def _counted(name: str, subject: str, whom: Text) -> Counted:
    used, wait = limits.state(name, subject)
    key = f"{name}-{mobile_hashes.current(subject)[:16]}"
    return Counted(key, name, subject, whom, used, limits.rule(name).limit, wait)


def _claims(user: AbstractBaseUser, identities: Sequence[SocialAccount]) -> Iterator[tuple[str, str, Text]]:
    mobile = accounts.mobile_of(user)
    if mobile:
        yield from ((name, mobile, _("mobile")) for name in BY_MOBILE)
    names = {mobiles.clean(name) for name in (str(user.get_username() or ""), mobile) if name}
    yield from ((name, each, _("Username")) for name in BY_NAME for each in sorted(names))
    yield from ((name, str(user.pk), _("account")) for name in BY_ACCOUNT)
    for row in identities[:_IDENTITIES]:
        key = Identity(row.provider, row.app_id, row.openid).key
        yield from ((name, key, row.provider) for name in BY_IDENTITY)
