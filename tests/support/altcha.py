"""The browser's part of a proof of work, done by ALTCHA's own solver."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import altcha


def solve(asked: Mapping[str, Any]) -> str:
    """``asked`` is the ``human_check`` from ``GET /human_checks/…``. Returns the text to send with the SMS request."""
    challenge = altcha.Challenge.from_dict(asked["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def decode(answer: str) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(answer)))


def encode(answer: Any) -> str:
    return base64.b64encode(json.dumps(answer).encode()).decode()
