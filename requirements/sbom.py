"""``python -m requirements.sbom DIST``: writes a CycloneDX document (SBOM) beside each wheel in DIST.

A wheel names ranges of versions. The document names the versions that the tests run with, which requirements/*.txt pin.
What only an extra needs is optional there. Hashes of these packages are in the requirements files.
"""

import hashlib
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PINS = ("server", "test")
#: Extras that no site installs.
_NOT_SHIPPED = {"test"}

#: For each package, the packages that it needs itself.
Graph = dict[str, set[str]]


def main(dist: Path) -> None:
    """Write PROJECT-VERSION.cdx.json for each wheel."""
    made = int(os.environ["SOURCE_DATE_EPOCH"])
    for wheel in sorted(dist.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        (dist / f"{name}-{version}.cdx.json").write_text(json.dumps(document(wheel, made), indent=2) + "\n")


def document(wheel: Path, made: int) -> dict[str, Any]:
    """The CycloneDX document of one wheel, ``made`` at this Unix time."""
    about, versions = _about(wheel), _pinned()
    root = canonicalize_name(about["Name"])

    def requires(name: str) -> Iterable[str]:
        return about.get_all("Requires-Dist", []) if name == root else metadata.requires(name) or []

    needed = graph(root, {""}, requires)
    all_of_it = graph(root, {"", *about.get_all("Provides-Extra", [])} - _NOT_SHIPPED, requires)
    refs = {name: f"pkg:pypi/{name}@{versions[name]}" for name in all_of_it if name != root}
    refs[root] = f"pkg:pypi/{root}@{about['Version']}"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(made, UTC).isoformat(),
            "component": _component(root, refs[root], about, {"hashes": [{"alg": "SHA-256", "content": digest}]}),
        },
        "components": [
            _component(name, refs[name], _installed(name, versions), {"scope": _scope(name, needed)})
            for name in sorted(all_of_it.keys() - {root})
        ],
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted(refs[each] for each in all_of_it[name])}
            for name in sorted(all_of_it)
        ],
    }


def graph(root: str, extras: Iterable[str], requires: Callable[[str], Iterable[str]]) -> Graph:
    """All packages that the root with these extras needs on this machine. ``requires`` gives what one of them needs."""
    found: Graph = defaultdict(set)
    seen: set[tuple[str, str]] = set()
    waiting = [(root, extra) for extra in extras]
    while waiting:
        name, extra = each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        found[name].update()
        for requirement in map(Requirement, requires(name)):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                other = canonicalize_name(requirement.name)
                found[name].update({other} - {name})
                waiting += [(other, wanted) for wanted in ("", *requirement.extras)]
    return dict(found)


def _about(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def _pinned() -> dict[str, str]:
    text = "".join((ROOT / f"requirements/{name}.txt").read_text() for name in PINS)
    return {canonicalize_name(name): pin for name, pin in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)}


def _installed(name: str, versions: Mapping[str, str]) -> Any:
    about = metadata.metadata(name)
    if about["Version"] != versions[name]:
        sys.exit(f"{name} {about['Version']} is installed, and {versions[name]} is pinned. Make .venv again.")
    return about


def _scope(name: str, needed: Graph) -> str:
    return "required" if name in needed else "optional"


def _component(name: str, ref: str, about: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    licences = _licences(about)
    return {
        "type": "library",
        "bom-ref": ref,
        "name": name,
        "version": about["Version"],
        "purl": ref,
        **more,
        **({"licenses": licences} if licences else {}),
    }


def _licences(about: Any) -> list[dict[str, Any]]:
    """As the package says it: an SPDX expression, or the names of its classifiers, or its licence in one line."""
    if expression := about["License-Expression"]:
        return [{"expression": expression}]
    classifiers = about.get_all("Classifier") or []
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    words = about["License"] or ""
    names = names or ([words] if words and "\n" not in words else [])
    return [{"license": {"name": each}} for each in names]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
