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
    """One person, as one provider names them to one of our apps. It never holds the provider's token.

    ``provider`` is the family, such as "wechat". ``openid`` is the person's id, unique in ``app_id``: an app, a team or
    an issuer. ``unionid`` is the person's id in all apps of one developer, or None. ``nickname`` may be "". ``avatar``
    is an https address for the bind form, or ""; it is not stored. Ids have 1 to 255 printable ASCII characters
    without space, or ProviderUnavailable is raised.
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
        """A text that names this identity and no other: ``wechat:wx1111111111111111:oABC…``."""
        # An issuer contains colons.
        return f"{self.provider}:{quote(self.app_id, safe='')}:{self.openid}"


@dataclass(frozen=True, slots=True)
class Profile:
    """The person's name and picture at the provider. Each may be empty."""

    nickname: str = ""
    avatar: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What a provider answered for a code or token. It lives as long as one request, and is not stored.

    ``openid`` is required. ``access_token`` is the provider's, for more questions. ``unionid`` and ``profile`` are None
    if the provider has not given them yet. ``mobile`` is a number of 11 digits that the provider has verified, or "";
    ``strength`` says how strong that is. ``virtual`` is True if the provider says that no person has really signed in.
    """

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
    """A part of the provider's page that our page shows, so that the person does not have to leave it.

    ``script`` is the provider's script, ``options`` are for its widget, and ``frame`` is the origin, or an address,
    whose pages the widget shows.
    """

    script: str
    frame: str
    options: Mapping[str, str | bool]


class Provider(ABC):
    """One provider, for one request: all its calls share one deadline (``TOTAL_TIMEOUT``).

    ``kind`` is its word in ``KINDS``. ``family`` is what bindings are stored under; all kinds of a family share the
    unionid. ``label`` is what people call it. ``settings_class`` and ``required`` say which settings it has and needs.

    Every method that asks the provider raises ProviderUnavailable if there is no usable answer in time.
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
        """The app, team or issuer in which its openids are unique."""
        return self.settings.client_id

    @property
    def asks_unionid(self) -> bool:
        """Whether to ask for the unionid if the grant has none."""
        return False

    @property
    def asks_profile_first(self) -> bool:
        """Whether only the profile shows that a person really signed in. Then it is read before the unionid is used."""
        return False

    def check(self) -> list[str]:
        """A list of problems with its settings, except settings that are missing or have the wrong type."""
        return []

    def unionid(self, grant: Grant) -> str | None:
        """The person's id in the whole family, or None."""
        return grant.unionid

    def profile(self, grant: Grant) -> Profile:
        """The person's name and picture."""
        return grant.profile or Profile()

    def misconfigured(self, path: str, error: object, *, certain: bool = True) -> ProviderUnavailable:
        """An error to raise if only the operator can repair it. The log says so, once a minute for each ``error``.

        ``certain`` is False if the reason may be what a client sent, such as a token of another app. Then the line is
        no ERROR, or any client could raise the operator's alarms.
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
        """Put this around a call to the provider. ``where`` is a word for what is asked.

        Raises ProviderUnavailable if no whole answer comes in time.
        """
        try:
            with calls.observed(self.name, where):
                yield
        except UpstreamError as failure:
            raise self.unavailable(f"{where}: {failure}") from None

    def unavailable(self, reason: str) -> ProviderUnavailable:
        """An error to raise if an answer is missing or cannot be used. ``reason`` must hold nothing from outside."""
        logger.warning("%s unavailable: %s", self.label, reason)
        return ProviderUnavailable()


class WebProvider(Provider):
    """A provider to which a browser goes, and from which it comes back with a code.

    A class may also be a NativeProvider. Then it sends no browser anywhere unless ``redirect_uri`` is set.
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
        """The text of its button. Apple prescribes one."""
        return _("Sign in with %(provider)s") % {"provider": self.label}

    @property
    def hint(self) -> str:
        """What a person does in a browser where it does not work."""
        if self.home:
            return _("To sign in with %(provider)s, open this page in the %(provider)s app.") % {"provider": self.label}
        return _("To sign in with %(provider)s, open this page on a computer.") % {"provider": self.label}

    @abstractmethod
    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        """The address for the browser. ``secret`` is that of the sign-in, and ``user_agent`` that of the browser."""

    @abstractmethod
    def exchange(self, code: str, *, secret: str = "") -> Grant:
        """Exchange the code for a grant, once. Raises CodeInvalid if a new sign-in helps."""

    def widget(self, state: str) -> Widget | None:
        """What our pages show in place of a redirect to ``login_url``. Most have None."""
        return None

    def works_in(self, user_agent: str) -> bool:
        """Whether a person can sign in with it in this browser."""
        return True

    def is_home(self, user_agent: str) -> bool:
        """Whether this is the browser of the provider's own app."""
        return bool(self.home) and self.home in user_agent

    def refusal(self, error: str) -> PhonebindError:
        """The error of ours for an ``error`` that came back in place of a code.

        Returns SignInCancelled for "" or a cancel, CodeInvalid if the person may try again, and ProviderUnavailable
        (with a line in the log) if the operator must repair it.
        """
        return self.refused(error) if error else SignInCancelled()

    @abstractmethod
    def refused(self, error: str) -> PhonebindError:
        """The same for an error that is not empty. Remember that any client can write it into an address."""


class NativeProvider(Provider):
    """A provider to which an app or a mini program brings a proof. The proof is never an id: the provider is asked.

    ``proof`` is the name of the field in the request: "code" or "token", as the SDK calls it.
    """

    #: The name of the proof in the request, as the SDK calls it.
    proof: ClassVar[Literal["code", "token"]] = "code"

    @abstractmethod
    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        """Who the person is, if the proof was given to our own app. ``nonce`` is what the app made, or "".

        Raises CodeInvalid if a new sign-in helps.
        """
