"""What every provider is: how it is asked who somebody is, and the identity that comes of the answers.

A provider is a class for one *kind* of sign-in ("wechat_oa"), a *family* of kinds in which one person has one unionid
("wechat"), and one app of ours. Kinds that a browser goes to are :class:`WebProvider`, those whose proof an app or a
mini program brings are :class:`NativeProvider`, and some are both.
"""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import quote

from django.utils.translation import gettext as _

from phonebind import alarms, calls
from phonebind.conf import ProviderSettings
from phonebind.exceptions import PhonebindError, ProviderUnavailable, SignInCancelled, Text
from phonebind.upstream import Deadline, UpstreamError

#: Ids are compared byte for byte, and some databases pad with spaces: printable ASCII without space leaves no doubt.
_ID = re.compile(r"[!-~]{1,255}\Z")

logger = logging.getLogger(__name__)


def checked_id(value: str) -> str:
    """An openid or unionid that is fit to be compared and kept. Raises ProviderUnavailable for any other."""
    if not _ID.match(value):
        raise ProviderUnavailable
    return value


@dataclass(frozen=True, slots=True)
class Identity:
    """One person as one provider names them to one of our apps. It never holds the provider's token.

    ``provider`` is the family, and ``app_id`` that of the app, or whatever else the openid is unique in: a team, an
    issuer. ``avatar`` is an https URL or "", for the bind form: it is not stored.
    """

    provider: str
    app_id: str
    openid: str
    unionid: str | None = None
    nickname: str = ""
    avatar: str = ""

    def __post_init__(self) -> None:
        checked_id(self.openid)
        checked_id(self.unionid or self.openid)

    @property
    def key(self) -> str:
        """Names this identity, and no other, in stores and claims."""
        # An issuer has colons of its own.
        return f"{self.provider}:{quote(self.app_id, safe='')}:{self.openid}"


@dataclass(frozen=True, slots=True)
class Profile:
    """What to greet a person with; either may be empty."""

    nickname: str = ""
    avatar: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What a code or token was traded for; lives as long as one request and is stored nowhere."""

    openid: str
    #: The provider's, to ask more with.
    access_token: str = ""
    #: The person's id across the family, where the provider has told it already.
    unionid: str | None = None
    #: Likewise; None where it takes a question.
    profile: Profile | None = None
    #: 11 digits that the provider has proved to be this person's, and how strongly: ``phonebind.verified.STRENGTHS``.
    mobile: str = ""
    strength: str = "quick"
    #: Nobody: the provider answers so where somebody has not signed in at all.
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """What a page of ours shows of the provider's, so that nobody has to leave it.

    ``script`` is an address of the provider's, ``options`` what its widget is made with, and ``frame`` whose pages it
    shows: an origin, or an address of it.
    """

    script: str
    frame: str
    options: Mapping[str, str | bool]


class Provider(ABC):
    """One provider, for the length of one request: all its calls share one deadline.

    Every method that asks the provider raises ProviderUnavailable when there is no usable answer in time.
    """

    #: Its word in ``phonebind.oauth.KINDS``, and its name in ``PROVIDERS`` where the host gives it no other.
    kind: ClassVar[str]
    #: What bindings are stored under. All kinds of a family share the unionid, and none other does.
    family: ClassVar[str]
    #: What people call it.
    label: ClassVar[Text]
    settings_class: ClassVar[type[ProviderSettings]] = ProviderSettings
    #: The settings that it cannot do without.
    required: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, settings: ProviderSettings, name: str = "") -> None:
        self.settings = settings
        self.name = name or self.kind
        self.deadline = Deadline()

    @property
    def app_id(self) -> str:
        """What its openids are unique in."""
        return self.settings.client_id

    @property
    def asks_unionid(self) -> bool:
        """Whether it is worth a question where the grant does not tell one."""
        return False

    @property
    def asks_profile_first(self) -> bool:
        """Whether only the profile tells that somebody is real: then it is asked for before a unionid is believed."""
        return False

    def check(self) -> list[str]:
        """What is wrong with its settings, besides those that are missing or of the wrong type."""
        return []

    def unionid(self, grant: Grant) -> str | None:
        """The person's id across the family, or None where the provider tells none."""
        return grant.unionid

    def profile(self, grant: Grant) -> Profile:
        """What to greet the person with."""
        return grant.profile or Profile()

    def misconfigured(self, path: str, error: object, *, certain: bool = True) -> ProviderUnavailable:
        """To raise where only the operator can repair it: the log says so, once a minute for each ``error``.

        ``certain``: not where what somebody has brought may be the reason, such as a token of another app. Then it is
        no ERROR, or anybody could raise the operator's alarms.
        """
        if alarms.is_due(f"{self.name} {path} {error}"):
            setting = f"PHONEBIND['PROVIDERS']['{self.name}']"
            logger.log(
                logging.ERROR if certain else logging.WARNING,
                "%s refuses our configuration: error %s at %s. See %s.",
                self.label,
                error,
                path,
                setting,
            )
        return ProviderUnavailable()

    @contextmanager
    def asking(self, where: str) -> Iterator[None]:
        """For a call to the provider. ``where``: what it is asked for, in a word of ours.

        Raises ProviderUnavailable where no whole answer comes in time.
        """
        try:
            with calls.observed(self.name, where):
                yield
        except UpstreamError as failure:
            raise self.unavailable(f"{where}: {failure}") from None

    def unavailable(self, reason: str) -> ProviderUnavailable:
        """To raise where an answer is missing or cannot be used. ``reason`` holds nothing that came from outside."""
        logger.warning("%s unavailable: %s", self.label, reason)
        return ProviderUnavailable()


class WebProvider(Provider):
    """A provider that a browser goes to, and comes back from with a code. Where an app's proof will do too, and no
    ``redirect_uri`` is set, no browser is sent there.
    """

    required: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "redirect_uri")
    #: What the code is called in the callback.
    code_field: ClassVar[str] = "code"
    #: Whether it takes any text for a state, as front ends that put ``next`` there need it. Ours is [0-9a-f]{32}.
    takes_any_state: ClassVar[bool] = True
    #: Whether it is asked with a secret: a nonce, a PKCE verifier. Only a cookie can keep one.
    uses_secret: ClassVar[bool] = False
    #: What the user agent of the provider's own app has in it, such as "MicroMessenger"; "" where there is none. People
    #: there have an account with the provider: this way comes first.
    home: ClassVar[str] = ""

    @property
    def button(self) -> str:
        """What the button that leads to it says. Apple prescribes a text of its own."""
        return _("Sign in with %(provider)s") % {"provider": self.label}

    @property
    def hint(self) -> str:
        """What to do where it does not work: whatever has no app of its own is a QR code there, for a phone to scan."""
        if self.home:
            return _("To sign in with %(provider)s, open this page in the %(provider)s app.") % {"provider": self.label}
        return _("To sign in with %(provider)s, open this page on a computer.") % {"provider": self.label}

    @abstractmethod
    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        """Where the browser goes to sign in. ``secret`` is that of the sign-in; ``user_agent`` tells the device."""

    @abstractmethod
    def exchange(self, code: str, *, secret: str = "") -> Grant:
        """Trade the code, once. Raises CodeInvalid where signing in anew repairs it."""

    def widget(self, state: str) -> Widget | None:
        """What our pages show in place of a redirect to :meth:`login_url`; None for nothing, as with most."""
        return None

    def works_in(self, user_agent: str) -> bool:
        """Whether somebody can sign in with it there."""
        return True

    def is_home(self, user_agent: str) -> bool:
        """Whether that is the browser of the provider's own app."""
        return bool(self.home) and self.home in user_agent

    def refusal(self, error: str) -> PhonebindError:
        """What the ``error`` means that came back in place of a code: SignInCancelled where there is none ("") or it
        says so, CodeInvalid where the person may try again, ProviderUnavailable (and a line in the log) where the
        operator has something to repair.
        """
        return self.refused(error) if error else SignInCancelled()

    @abstractmethod
    def refused(self, error: str) -> PhonebindError:
        """As :meth:`refusal`, for an error that is not empty. Anybody can write it into an address."""


class NativeProvider(Provider):
    """A provider whose proof an app or a mini program brings: never an id, always something to ask it about."""

    #: What the proof is called in the request, by what the SDK calls it.
    proof: ClassVar[Literal["code", "token"]] = "code"

    @abstractmethod
    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        """Whom the proof stands for, where it was given to our own app. ``nonce`` as the app made it, "" without.

        Raises CodeInvalid where signing in anew repairs it.
        """
