"""The demo with an SMS vendor that sends receipts, in place of the sandbox's inbox."""

from server import environment as env
from server.settings import *  # noqa: F403
from server.settings import PHONEBIND

PHONEBIND = {
    **PHONEBIND,
    "SMS": {"gateway": "http", "endpoint": env.text("VENDOR_URL"), "secret": env.text("VENDOR_SECRET")},
}
