"""A pytest plugin for mutmut: the mutant of a module is for that module's own tests to kill."""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # mutmut names it, as phonebind.oauth.qq.x_parse__mutmut_1.
    module, found, _ = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".x")
    if found:
        own = f"test_{module.rpartition('.')[2]}.py"
        items[:] = [item for item in items if item.path.name == own]
