"""A pytest plugin for mutmut: only a module's own tests may kill a mutant of that module."""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The variable has mutmut's name, such as phonebind.oauth.qq.x_parse__mutmut_1.
    module, found, _ = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".x")
    if found:
        own = f"test_{module.rpartition('.')[2]}.py"
        items[:] = [item for item in items if item.path.name == own]
