"""What every provider is: three questions to ask it, and the identity that comes of the answers."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from phonebind.conf import ProviderSettings
from phonebind.exceptions import PhonebindError, ProviderUnavailable
from phonebind.upstream import Deadline

#: Ids are compared byte for byte, and some databases pad with spaces: printable ASCII without space leaves no doubt.
_ID = re.compile(r"[!-~]{1,128}\Z")


def checked_id(value: str) -> str:
    """An openid or unionid that is fit to be compared and kept. Raises ProviderUnavailable for any other."""
    if not _ID.match(value):
        raise ProviderUnavailable
    return value


@dataclass(frozen=True, slots=True)
class Identity:
    """One person as one provider names them to one of our apps. It never holds the provider's token."""

    provider: str
    app_id: str
    openid: str
    unionid: str | None = None
    nickname: str = ""

    def __post_init__(self) -> None:
        checked_id(self.openid)
        checked_id(self.unionid or self.openid)

    @property
    def key(self) -> str:
        """Names this identity, and no other, in stores and claims."""
        return f"{self.provider}:{self.app_id}:{self.openid}"


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What the authorization code was traded for; lives as long as one request and is stored nowhere."""

    access_token: str
    openid: str


class Provider(ABC):
    """One provider, for the length of one request: all its calls share one deadline.

    Every method that asks the provider raises ProviderUnavailable when there is no usable answer in time.
    """

    name: ClassVar[str]
    #: What people call it.
    label: ClassVar[str]

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self.deadline = Deadline()

    @property
    def app_id(self) -> str:
        return self.settings.client_id

    @abstractmethod
    def login_url(self, state: str, *, user_agent: str = "") -> str:
        """Where the browser goes to sign in; ``user_agent`` tells whether that is a phone."""

    @abstractmethod
    def refusal(self, error: str) -> PhonebindError:
        """What the ``error`` means that came back in place of a code: SignInCancelled where there is none ("") or it
        says so, CodeInvalid where the person may try again, ProviderUnavailable (and a line in the log) where the
        operator has something to repair.
        """

    @abstractmethod
    def exchange(self, code: str) -> Grant:
        """Trade the code, once. Raises CodeInvalid where signing in anew repairs it."""

    @abstractmethod
    def unionid(self, grant: Grant) -> str | None:
        """The person's id across our apps, or None where the provider tells none."""

    @abstractmethod
    def nickname(self, grant: Grant) -> str:
        """What to greet the person with; may be empty."""
