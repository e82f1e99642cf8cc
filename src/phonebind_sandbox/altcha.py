"""Solves the proof of work for scripts without a browser."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse

from .bodies import Unreadable, read_object
from .gate import sandbox_view

try:
    import altcha
except ImportError:  # an optional dependency: most users need no proof of work
    altcha = None  # type: ignore[assignment]

SECONDS = 30
MAX_COST = 1_000_000


@sandbox_view("POST")
def solve(request: HttpRequest) -> HttpResponse:
    """Request: ``{"challenge": {…}}`` from ``human_check``. Response: 200 ``{"human_check": str}``, for the SMS
    request.
    """
    if altcha is None:
        return JsonResponse({"error": "pip install 'phonebind-sandbox[altcha]'"}, status=501)
    try:
        challenge = altcha.Challenge.from_dict(cast("Any", read_object(request))["challenge"])
        # The timeout is checked only between two tries. Without a limit, one try could take years.
        challenge.parameters.cost = min(challenge.parameters.cost, MAX_COST)
        solution = altcha.solve_challenge(challenge, altcha.derive_key_pbkdf2, timeout=SECONDS)
    except (Unreadable, AttributeError, KeyError, TypeError, ValueError):
        return JsonResponse({"error": "challenge is the one of a human check"}, status=400)
    if solution is None:
        return JsonResponse({"error": f"not solved in {SECONDS} s"}, status=400)
    return JsonResponse({"human_check": altcha.Payload(challenge, solution).to_base64()})
