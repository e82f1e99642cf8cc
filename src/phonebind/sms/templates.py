"""A vendor's templates: which one is for which message, and what is filled into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from phonebind.sms.base import LANGUAGE, NO_ACCOUNT, NOTICES, Message, purposes
from phonebind.sms.vendor import Vendor

#: One template id for all purposes and languages, or ids by purpose, or ids by purpose and language.
Ids: TypeAlias = str | Mapping[str, str | Mapping[str, str]]
#: The fields of a message that a template may show.
FIELDS = ("code", "minutes")
#: Purposes for which a template is optional and has no parameters.
_WITHOUT_PARAMS = (NO_ACCOUNT, *NOTICES)


@dataclass(frozen=True, slots=True)
class Templates:
    """``{"bind": {"zh-hans": "SMS_1", "en": "SMS_2"}}``. A str in place of a dict stands for all of its keys.

    ``params``: the names in the template, each with the field that it shows (``{"code": "code", "min": "minutes"}``),
    or the fields in the order of the template (``["code", "minutes"]``).
    """

    ids: Ids
    params: Mapping[str, str] | Sequence[str]

    def id(self, message: Message) -> str:
        """The id for the person's language, otherwise for Chinese.

        Raises KeyError for ids that ``problems`` would report.
        """
        ids = self.ids if isinstance(self.ids, str) else self.ids[self._purpose(message)]
        if isinstance(ids, str):
            return ids
        wanted = (message.language, message.language.partition("-")[0], LANGUAGE)
        return ids[next(language for language in wanted if language in ids)]

    def named(self, message: Message) -> dict[str, str]:
        """The values by the template's names. All are str: as a number, ``012345`` would lose its zero."""
        assert isinstance(self.params, Mapping)
        if self._purpose(message) in _WITHOUT_PARAMS:
            return {}
        return {name: str(getattr(message, field)) for name, field in self.params.items()}

    def in_order(self, message: Message) -> list[str]:
        if self._purpose(message) in _WITHOUT_PARAMS:
            return []
        return [str(getattr(message, field)) for field in self.params]

    @property
    def notices(self) -> list[str]:
        """Those of ``NOTICES`` that have a template. A str for all purposes does not count."""
        return [name for name in NOTICES if self._has(name)]

    def _has(self, purpose: str) -> bool:
        return isinstance(self.ids, Mapping) and bool(self.ids.get(purpose))

    def _purpose(self, message: Message) -> str:
        """The purpose whose template is used. "no_account" has its own without parameters, or uses that of a reset."""
        if message.purpose == NO_ACCOUNT and not self._has(NO_ACCOUNT):
            return "reset_password"
        return message.purpose

    def problems(self, kind: type) -> list[str]:
        """Errors that would prevent sending. ``kind`` is the type of this vendor's ``params``."""
        return [*self._param_problems(kind), *self._id_problems()]

    def _param_problems(self, kind: type) -> list[str]:
        example = "{'code': 'code', 'min': 'minutes'}" if kind is Mapping else "['code', 'minutes']"
        shown: Any = self.params.values() if isinstance(self.params, Mapping) else self.params
        if not isinstance(self.params, kind) or isinstance(self.params, str) or not all(f in FIELDS for f in shown):
            return [f"params must be like {example}, of {' and '.join(FIELDS)}"]
        return [] if "code" in shown else ["params has no 'code': the template would show none"]

    def _id_problems(self) -> list[str]:
        if isinstance(self.ids, str):
            if len(purposes()) > 1:
                return ["templates must be a dict by purpose: each SMS says what its code is for"]
            return [] if _is_id(self.ids) else ["templates is empty, or has white space around it"]
        if not isinstance(self.ids, Mapping):
            return ["templates must be a str, or a dict by purpose"]
        wanted = [*purposes(), *filter(self._has, _WITHOUT_PARAMS)]
        return [problem for purpose in wanted for problem in self._problems_of(purpose)]

    def _problems_of(self, purpose: str) -> list[str]:
        assert isinstance(self.ids, Mapping)
        match self.ids.get(purpose):
            case None | "":
                return [f"templates has none for {purpose!r}"]
            case str(found) if _is_id(found):
                return []
            case dict(by_language) if all(_is_id(found) for found in by_language.values()):
                missing = f"templates[{purpose!r}] has none for {LANGUAGE!r}, the fallback"
                return [] if LANGUAGE in by_language else [missing]
            case _:
                kind = "a str, or a dict of str by language"
                return [f"templates[{purpose!r}] must be {kind}, without white space around an id"]


def _is_id(found: Any) -> bool:
    return isinstance(found, str) and bool(found) and found == found.strip()


class TemplateVendor(Vendor):
    """A vendor whose SMS are templates that it has approved."""

    #: How the vendor expects the values: ``Mapping`` by name, ``Sequence`` in order.
    kind: ClassVar[type]

    templates: Ids
    params: Mapping[str, str] | Sequence[str]

    @property
    def filled(self) -> Templates:
        return Templates(self.templates, self.params)

    @property
    def notices(self) -> list[str]:
        return self.filled.notices

    def check(self) -> list[str]:
        return [*super().check(), *self.filled.problems(self.kind)]
