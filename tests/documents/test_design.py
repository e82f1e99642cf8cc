"""The page about the design names the layers that import-linter checks, in the same order."""

import tomllib

import pytest

from tests.support.documents import LANGUAGES, ROOT, named, read, rows

_CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_every_module_in_its_layer(language: str) -> None:
    told = [{*named(row[0])} for row in rows(read("explanation/design", language))]
    layers = [
        set(layer.split(" | "))
        for name in ("The house: downward only", "The sandbox: downward only")
        for layer in _CONTRACTS[name]["layers"]
    ]
    assert told == layers
