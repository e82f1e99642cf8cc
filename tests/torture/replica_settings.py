"""The same with a replica: the router of Django's documentation sends reads there. Other routers may come before it."""

import json
import os

from server import environment
from tests.support.replicas import REPLICAS
from tests.torture.settings import *  # noqa: F403
from tests.torture.settings import DATABASES

for _alias in REPLICAS:
    DATABASES[_alias] = environment.database("TORTURE_REPLICA", "", prepare=True)
DATABASE_ROUTERS = [*json.loads(os.environ["TORTURE_ROUTERS"]), "tests.support.replicas.PrimaryReplicaRouter"]
