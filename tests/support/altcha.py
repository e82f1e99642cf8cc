"""A browser's part in a proof of work, played by ALTCHA's own solver."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import altcha


def solve(asked: Mapping[str, Any]) -> str:
    """What ``GET /human_checks/…`` calls ``human_check`` goes in; what goes along with the SMS request comes out."""
    challenge = altcha.Challenge.from_dict(asked["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def decode(answer: str) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(answer)))


def encode(answer: Any) -> str:
    return base64.b64encode(json.dumps(answer).encode()).decode()
