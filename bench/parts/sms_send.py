"""What sending an SMS costs with each gateway, compared with the HTTP call alone."""

import json
import os

from bench.load import Load
from bench.machine import Machine
from bench.parts import python, scale
from bench.report import Table

SENDS = scale(1000, 20)


def run(machine: Machine, load: Load) -> list[Table]:
    told, _ = python(os.environ, "-m", "bench.sending", str(SENDS))
    table = Table("sms_send", ["gateway", "CPU ms of a send", "of the HTTP call alone", "beyond it"])
    for name, cost in json.loads(told).items():
        table.add(name, cost["whole"], cost["alone"], cost["whole"] - cost["alone"])
    return [table]
