"""Sends the SMS to the inbox of the sandbox, over HTTP like a real gateway."""

import json
from typing import ClassVar

from phonebind import upstream
from phonebind.conf import development
from phonebind.exceptions import SmsNotSent, SmsUnconfirmed
from phonebind.sms.base import NOTICES, Message


class Sandbox:
    """Sends each SMS to the sandbox. ``url`` is its address: ``http://127.0.0.1:8000/sandbox/sms/``."""

    name: ClassVar[str] = "sandbox"
    notices = NOTICES

    def __init__(self, url: str = "") -> None:
        self.url = url

    def check(self) -> list[str]:
        if not development():
            return ["the sandbox gateway shows SMS codes to everyone; choose a real one with DEBUG off"]
        return [] if self.url else ["url is empty"]

    def send(self, message: Message) -> None:
        payload = {"mobile": message.mobile, "text": message.text}
        try:
            answer = json.loads(upstream.post_json(self.url, payload, upstream.Deadline()))
        except upstream.NotDone:
            raise SmsNotSent from None
        except (upstream.UpstreamError, ValueError, RecursionError):
            raise SmsUnconfirmed from None
        if answer == {"status": "refused"}:
            raise SmsNotSent(answered=True)
        if answer != {"status": "ok"}:
            raise SmsUnconfirmed(answered=True)
