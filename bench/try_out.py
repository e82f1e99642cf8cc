"""``python -m bench.try_out NAME``: whether a contender signs people in, and which calls and SQL one sign-in takes."""

import sys
from importlib import import_module

from bench.contenders import Contender
from bench.load import Load
from bench.machine import machine, populate


def main(name: str) -> None:
    contender: Contender = import_module(f"bench.contenders.{name}").CONTENDER
    load = Load()
    with machine() as shared:
        site = shared.site(contender)
        populate(site, contender, 100)
        with shared.serving(contender, site):
            load.begin(contender, site, range(1, 51))
            print(load.fire(at_once=4))
        with shared.statements(contender.name) as statements, shared.serving(contender, site):
            load.begin(contender, site, range(1, 9))
            load.fire(at_once=1)
            load.begin(contender, site, [9])
            shared.control("/count")
            print("--- the last one")
            print(load.fire(at_once=1), shared.control("/count"))
            print("".join(statements()[-40:]))
    load.stop()


if __name__ == "__main__":
    main(sys.argv[1])
