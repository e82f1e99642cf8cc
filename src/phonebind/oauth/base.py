"""The base classes of providers, and the identity that a provider's answers result in.

A provider is a class for one *kind* of sign-in ("wechat_oa"). It belongs to a *family* of kinds in which one person has
one unionid ("wechat"), and it uses one app of ours. Kinds that a browser goes to are :class:`WebProvider`. Kinds whose
proof an app or a mini program sends are :class:`NativeProvider`. Some are both.
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

#: Ids are compared byte by byte, and some databases pad with spaces. Printable ASCII without spaces is unambiguous.
_ID = re.compile(r"[!-~]{1,255}\Z")

logger = logging.getLogger(__name__)


def checked_id(value: str) -> str:
    """An openid or unionid that is safe to compare and store. Raises ProviderUnavailable for any other."""
    if not _ID.match(value):
        raise ProviderUnavailable
    return value


@dataclass(frozen=True, slots=True)
class Identity:
    """One person, as one provider identifies them to one of our apps. It never contains the provider's token.

    ``provider`` is the family. ``app_id`` is the id of the app, or of the team or issuer if the openid is unique in
    that. ``avatar`` is an https URL or "". It is for the bind form and is not stored.
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
        """The unique name of this identity in stores and claims."""
        # An issuer contains colons.
        return f"{self.provider}:{quote(self.app_id, safe='')}:{self.openid}"


@dataclass(frozen=True, slots=True)
class Profile:
    """What the bind form shows of a person. Both fields may be empty."""

    nickname: str = ""
    avatar: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """The result of exchanging a code or token. It lives for one request and is not stored anywhere."""

    openid: str
    #: The provider's access token, for further requests to it.
    access_token: str = ""
    #: The person's id across the family, if the provider has already given it.
    unionid: str | None = None
    #: The profile, if the provider has already given it. None if that needs another request.
    profile: Profile | None = None
    #: 11 digits that the provider has verified for this person, and how strong that is:
    #: ``phonebind.verified.STRENGTHS``.
    mobile: str = ""
    strength: str = "quick"
    #: Not a real person: a provider returns such a user if the visitor has not signed in at all.
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget of the provider that our page shows, so that the person does not have to leave the page.

    ``script`` is an address at the provider. ``options`` are the arguments of its widget. ``frame`` is the origin of
    the pages that it shows, or an address there.
    """

    script: str
    frame: str
    options: Mapping[str, str | bool]


class Provider(ABC):
    """One provider, for the time of one request: all its calls share one deadline.

    Every method that sends a request to the provider raises ProviderUnavailable if no usable answer comes in time.
    """

    #: Its word in ``phonebind.oauth.KINDS``. It is also its name in ``PROVIDERS``, unless the host gives it another
    #: name.
    kind: ClassVar[str]
    #: The name under which bindings are stored. All kinds of a family share the unionid, and no other kind does.
    family: ClassVar[str]
    #: The name that people use for it.
    label: ClassVar[Text]
    settings_class: ClassVar[type[ProviderSettings]] = ProviderSettings
    #: The settings that it requires.
    required: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, settings: ProviderSettings, name: str = "") -> None:
        self.settings = settings
        self.name = name or self.kind
        self.deadline = Deadline()

    @property
    def app_id(self) -> str:
        """The scope in which its openids are unique."""
        return self.settings.client_id

    @property
    def asks_unionid(self) -> bool:
        """Whether to send a request for the unionid if the grant has none."""
        return False

    @property
    def asks_profile_first(self) -> bool:
        """Whether only the profile shows that a person is real.

        Then the profile is read before a unionid is trusted.
        """
        return False

    def check(self) -> list[str]:
        """Errors in its settings, except those that are missing or of the wrong type."""
        return []

    def unionid(self, grant: Grant) -> str | None:
        """The person's id across the family, or None if the provider gives none."""
        return grant.unionid

    def profile(self, grant: Grant) -> Profile:
        """The nickname and the avatar of the person."""
        return grant.profile or Profile()

    def misconfigured(self, path: str, error: object, *, certain: bool = True) -> ProviderUnavailable:
        """The error to raise if only the operator can fix it. It is logged, once a minute for each ``error``.

        ``certain`` is False if a client's input may be the cause, such as a token of another app. Then it is not logged
        as an ERROR: otherwise, any client could raise the operator's alarms.
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
        """A context for one call to the provider. ``where`` names the call in a word of ours.

        Raises ProviderUnavailable if no complete answer comes in time.
        """
        try:
            with calls.observed(self.name, where):
                yield
        except UpstreamError as failure:
            raise self.unavailable(f"{where}: {failure}") from None

    def unavailable(self, reason: str) -> ProviderUnavailable:
        """The error to raise if an answer is missing or unusable.

        ``reason`` contains nothing that came from outside.
        """
        logger.warning("%s unavailable: %s", self.label, reason)
        return ProviderUnavailable()


class WebProvider(Provider):
    """A provider that a browser goes to. The browser comes back with a code.

    If it also accepts an app's proof and ``redirect_uri`` is not set, no browser is sent there.
    """

    required: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "redirect_uri")
    #: The name of the code in the callback.
    code_field: ClassVar[str] = "code"
    #: Whether it accepts any text as the state. Front ends that put ``next`` there need that. Our state is
    #: [0-9a-f]{32}.
    takes_any_state: ClassVar[bool] = True
    #: Whether a sign-in has a secret: a nonce, or a PKCE verifier. Only a cookie can keep it.
    uses_secret: ClassVar[bool] = False
    #: Part of the user agent of the provider's own app, such as "MicroMessenger"; "" if there is none. People in that
    #: app have an account with the provider, so this way comes first there.
    home: ClassVar[str] = ""

    @property
    def button(self) -> str:
        """The text of the button that leads to it. Apple prescribes its own text."""
        return _("Sign in with %(provider)s") % {"provider": self.label}

    @property
    def hint(self) -> str:
        """What the person can do where it does not work.

        Without ``home``, it is a QR code on a computer, for a phone to scan.
        """
        if self.home:
            return _("To sign in with %(provider)s, open this page in the %(provider)s app.") % {"provider": self.label}
        return _("To sign in with %(provider)s, open this page on a computer.") % {"provider": self.label}

    @abstractmethod
    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        """The address for the browser. ``secret`` is that of the sign-in. ``user_agent`` is that of the browser."""

    @abstractmethod
    def exchange(self, code: str, *, secret: str = "") -> Grant:
        """Exchange the code. This works once. Raises CodeInvalid if a new sign-in can solve it."""

    def widget(self, state: str) -> Widget | None:
        """The widget that our pages show in place of a redirect to :meth:`login_url`. Most providers have none."""
        return None

    def works_in(self, user_agent: str) -> bool:
        """Whether a person can sign in with it in that browser."""
        return True

    def is_home(self, user_agent: str) -> bool:
        """Whether it is the browser of the provider's own app."""
        return bool(self.home) and self.home in user_agent

    def refusal(self, error: str) -> PhonebindError:
        """The error of ours for the ``error`` that came back in place of a code.

        It is SignInCancelled if ``error`` is "" or means that, CodeInvalid if the person may try again, and
        ProviderUnavailable (with a line in the log) if the operator must fix something.
        """
        return self.refused(error) if error else SignInCancelled()

    @abstractmethod
    def refused(self, error: str) -> PhonebindError:
        """As :meth:`refusal`, for an error that is not empty. Any client can write one into an address."""


class NativeProvider(Provider):
    """A provider whose proof an app or a mini program sends. The proof is never an id: the provider must confirm it."""

    #: The name of the proof in the request, as the SDK calls it.
    proof: ClassVar[Literal["code", "token"]] = "code"

    @abstractmethod
    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        """The grant of the person that the proof stands for, if the proof was given to our own app.

        ``nonce`` is the one that the app made, or "". Raises CodeInvalid if a new sign-in can solve it.
        """
