"""How each kind of provider answers, for the contract test: one module per kind, each with a ``DRIVER``."""

import importlib
import pkgutil

from tests.oauth.drivers.base import Driver

DRIVERS: list[Driver] = [
    importlib.import_module(f"{__name__}.{module.name}").DRIVER
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    if module.name != "base"
]
