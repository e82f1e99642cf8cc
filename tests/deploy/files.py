"""The files in deploy/, read strictly: an entry that the reader does not know is an error."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.site import ROOT

DEPLOY = ROOT / "deploy"
#: Variables that other programs read: the interpreter, and the images of the database.
OTHERS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


class Step(NamedTuple):
    """One instruction of the Containerfile: a word such as ``RUN``, and its arguments."""

    name: str
    words: list[str]
    #: The number of its stage. The first is 0.
    stage: int


_INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "CMD"}


def containerfile() -> list[Step]:
    """The steps of the Containerfile, in order."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    steps: list[Step] = []
    stage = -1
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        name, _, rest = line.partition(" ")
        assert name in _INSTRUCTIONS, line
        stage += name == "FROM"
        words = yaml.safe_load(rest) if name == "CMD" else shlex.split(rest)
        steps.append(Step(name, words, stage))
    return steps


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def manifests() -> Iterator[dict[str, Any]]:
    """Each object in each file for Kubernetes."""
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text())


def manifest(kind: str, name: str = "phonebind") -> dict[str, Any]:
    [found] = [each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each pod's spec, with the kind of the object that starts it."""
    for each in manifests():
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield each["kind"], spec["template"]["spec"]


def unit(file: Path) -> dict[str, dict[str, list[str]]]:
    """A unit of systemd: all values by section and key."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in filter(None, file.read_text().splitlines()):
        if line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, _, value = line.partition("=")
        found.setdefault(section, {}).setdefault(key, []).append(value)
    return found


def variables(file: Path) -> dict[str, str]:
    """The variables of a file such as ``site.env``. systemd removes quotes, Docker does not, and our
    files have none.
    """
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


def services() -> list[Path]:
    return sorted((DEPLOY / "systemd").glob("*.service"))


def environments() -> Iterator[tuple[str, dict[str, Any]]]:
    """The places that set variables of the site, and the variables."""
    yield (
        "Containerfile",
        dict(word.split("=", 1) for step in containerfile() if step.name == "ENV" for word in step.words),
    )
    for name, service in compose()["services"].items():
        if service.get("image") == "phonebind":
            yield f"compose {name}", service["environment"]
    yield "site.env", variables(DEPLOY / "site.env.example")
    yield "environment", variables(DEPLOY / "systemd/environment.example")
    yield "ConfigMap", manifest("ConfigMap")["data"]
    for kind, pod in pods():
        for container in pod["containers"]:
            yield kind, {each["name"]: each["value"] for each in container.get("env", [])}
    for file in services():
        words = " ".join(unit(file)["Service"].get("Environment", []))
        yield file.name, dict(word.split("=", 1) for word in shlex.split(words))
