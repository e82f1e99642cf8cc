"""A host's own providers, named by their dotted paths."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from phonebind import upstream
from phonebind.conf import ProviderSettings
from phonebind.exceptions import CodeInvalid, PhonebindError
from phonebind.oauth import Grant, NativeProvider, WebProvider, answers
from phonebind.oauth.base import Profile

WHO = "/who"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSettings(ProviderSettings):
    #: The regions that it can be called from.
    regions: tuple[str, ...] = ()


class Carrier(NativeProvider):
    """The carrier of a phone: an app sends a token, and the carrier says who the person is."""

    kind = family = "carrier"
    label = "Carrier"
    proof = "token"
    settings_class = CarrierSettings
    required: ClassVar[tuple[str, ...]] = ("client_id",)

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        query = {"app": self.app_id, "token": proof, "nonce": nonce}
        try:
            answer = answers.read(upstream.get(self.settings.base_url + WHO, query, self.deadline))
        except upstream.UpstreamError as failure:
            raise self.unavailable(str(failure)) from None
        if answers.text(answer, "error"):
            raise CodeInvalid
        return Grant(
            openid=answers.text(answer, "openid"),
            unionid=answers.text(answer, "unionid") or None,
            profile=Profile(answers.text(answer, "nickname"), answers.text(answer, "avatar")),
            virtual=answers.text(answer, "virtual") == "1",
            mobile=answers.text(answer, "mobile"),
            strength="carrier",
        )


class Lettered(WebProvider):
    """It accepts only letters and digits in a state."""

    kind = family = "lettered"
    label = "Lettered"
    takes_any_state = False

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        return f"https://lettered.example/?{urlencode({'state': state})}"

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        return Grant(code)

    def refused(self, error: str) -> PhonebindError:
        return CodeInvalid()


class Secretive(Lettered):
    """It is asked with a secret, and it has another name for the code."""

    kind = family = "secretive"
    code_field = "auth_code"
    takes_any_state = True
    uses_secret = True

    def check(self) -> list[str]:
        return ["scope is not theirs."] if self.settings.scope == "wrong" else []

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        return Grant(f"{code}-{secret}")


class LongWinded(Secretive):
    """Its codes are longer than an openid may be."""

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        return Grant(code[:32])


class Both(Lettered, Carrier):
    """The same carrier, for browsers too."""

    kind = family = "carrier"
    takes_any_state = True
    required = ("client_id", "redirect_uri")
