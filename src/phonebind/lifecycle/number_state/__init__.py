"""Which numbers have a new owner. ``NUMBER_STATE`` names a gateway that knows; its other keys are the gateway's
options.

The answer is only a hint. Carriers' lists are a week late, and they do not show a contract that was handed to another
person. If no gateway can answer, the state is "unknown" and the person is asked instead. So a vendor that is down never
keeps a person out.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import cast

from phonebind import calls, limits, signals, slots
from phonebind.conf import conf
from phonebind.exceptions import Limited, StorageUnavailable
from phonebind.lifecycle.exceptions import NumberStateUnavailable
from phonebind.lifecycle.number_state.base import Gateway, State
from phonebind.models import release_connection
from phonebind.options import WrongOptions, build

#: Gateways by their names in ``NUMBER_STATE``. Any other gateway has a dotted path.
GATEWAYS: Mapping[str, str] = {
    "sandbox": "phonebind.lifecycle.number_state.sandbox.Sandbox",
    "aliyun": "phonebind.lifecycle.number_state.aliyun.Aliyun",
}
_SLOTS = slots.Slots(NumberStateUnavailable, patience=0.25, longest=0.5)

logger = logging.getLogger(__name__)


def get() -> Gateway:
    """The gateway for one question. Raises what :func:`options.build` raises."""
    rest = dict(conf.number_state)
    path = str(rest.pop("gateway", ""))
    path = GATEWAYS.get(path, path)
    if "." not in path:
        raise WrongOptions(f"gateway must be one of {', '.join(GATEWAYS)}, or the dotted path of a class")
    return cast("Gateway", build(path, rest))


def since(mobile: str, moment: datetime) -> State:
    """Whether the number has had the same owner since that moment, as far as the gateway knows."""
    if not conf.number_state:
        return "unknown"
    state = _asked(mobile, moment)
    signals.number_state_asked.send_robust(sender=None, answer=state)
    return state


def _asked(mobile: str, moment: datetime) -> State:
    release_connection()
    try:
        gateway = get()
        with _SLOTS.take(max(1, conf.sms_slots // 2)), _taken() as billed:
            with calls.observed(str(conf.number_state["gateway"]), "number_state"):
                state = gateway.since(mobile, moment)
            billed[:] = [state != "unknown"]
            return state
    except (NumberStateUnavailable, Limited, StorageUnavailable) as error:
        logger.warning("The state of a number is unknown: %s", error.code)
        return "unknown"
    except Exception:
        # A host's own gateway may raise any exception.
        logger.exception("The state of a number is unknown")
        return "unknown"


@contextmanager
def _taken() -> Iterator[list[bool]]:
    """Take one question from the daily budget of the site. The vendor bills only answers that say something, so any
    other answer gives the question back. It is not given back if no answer was read: the vendor may have billed it.
    """
    claim: limits.Claim = ("number_state_site_day", limits.SITE)
    at = limits.take(claim)
    billed: list[bool] = []
    try:
        yield billed
    except NumberStateUnavailable as error:
        if error.answered:
            limits.give_back(claim, at=at)
        raise
    if not all(billed):
        limits.give_back(claim, at=at)
