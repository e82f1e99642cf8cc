"""Reports findings and results: lines for people, and JSON for programs. Each finding is written at once."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, TextIO

from django.utils.translation import gettext as _

from phonebind.importing.findings import KINDS, Bears, Finding, Kind


class Report:
    """``say`` writes a line for people. ``file``, if there is one, gets the JSON."""

    def __init__(self, say: Callable[[str], Any], file: TextIO | None, accepted: Collection[str]) -> None:
        self._say, self._file, self._accepted = say, file, accepted
        self._found: Counter[str] = Counter()

    def begin(self, about: dict[str, Any]) -> None:
        """Write the facts of the run."""
        self._say(", ".join(f"{name}: {value}" for name, value in about.items()))
        if self._file:
            self._file.write(json.dumps(about, ensure_ascii=False)[:-1] + ', "findings": [')

    def tell(self, finding: Finding) -> None:
        """Write one finding."""
        kind = finding.kind
        if not self._found[kind.name]:
            self._say(f"\n{kind.name}: {kind.says}")
        self._say(f"  {_line(finding)}")
        if self._file:
            self._file.write((", " if self._found.total() else "") + json.dumps(_object(finding), ensure_ascii=False))
        self._found[kind.name] += 1

    def end(self, counts: dict[str, int]) -> int:
        """Write the summary. Returns the number of unresolved findings."""
        self._say("\n" + ", ".join(f"{name}: {count:,}" for name, count in counts.items()))
        kinds = {kind.name: self._summary(kind) for kind in KINDS}
        unresolved = sum(self._found[name] for name, each in kinds.items() if each["unresolved"])
        for name, each in kinds.items():
            if each["found"]:
                state = _("unresolved") if each["unresolved"] else _("resolved")
                self._say(f"{name}: {each['found']:,} ({state})")
        if self._file:
            rest = {"counts": counts, "kinds": kinds, "unresolved": unresolved}
            self._file.write(f"], {json.dumps(rest, ensure_ascii=False)[1:]}\n")
        return unresolved

    def _summary(self, kind: Kind) -> dict[str, Any]:
        found, accepted = self._found[kind.name], kind.name in self._accepted
        unresolved = bool(found) and not accepted and kind.bears is not Bears.NOTHING
        return {"found": found, "bears_on": kind.bears.value, "accepted": accepted, "unresolved": unresolved}


def _object(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": finding.kind.name}
    if finding.openid is not None:
        told["openid"] = finding.openid
    if finding.mobile is not None:
        told["mobile"] = finding.mobile
    return told | {"users": finding.users} | ({"more": finding.more} if finding.more else {})


def _line(finding: Finding) -> str:
    told = [ascii(finding.openid)] if finding.openid is not None else []
    told += [finding.mobile] if finding.mobile else []
    for user in finding.users:
        told.append(", ".join(f"{name} {_plain(name, value)}" for name, value in user.items()))
    if finding.more:
        told.append(_("and %(more)s more") % {"more": finding.more})
    return "; ".join(told)


def _plain(name: str, value: Any) -> Any:
    """``value``, escaped if needed: an old table may contain control sequences for a terminal."""
    return value if name != "openid" and str(value).isprintable() else ascii(value)
