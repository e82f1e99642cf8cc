"""An inbox for every number: the SMS that were sent, and the image codes that were drawn."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from . import faults, network, state
from .bodies import Unreadable, read_object
from .gate import is_open, sandbox_view

KEPT_MESSAGES = 50
KEPT_SECONDS = 86_400
IMAGE_CODE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Message:
    mobile: str
    text: str
    sent_at: str
    #: The vendor whose endpoint received it. Messages of older versions have none; they came through "sandbox".
    vendor: str = "sandbox"

    @property
    def code(self) -> str | None:
        """The code in the text: six digits in a row, or else four to eight."""
        found = re.search(r"(?<!\d)[0-9]{6}(?!\d)", self.text) or re.search(r"(?<!\d)[0-9]{4,8}(?!\d)", self.text)
        return found and found[0]

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.sent_at)


@sandbox_view("POST")
def sms(request: HttpRequest) -> HttpResponseBase:
    """The simple gateway. Request: ``{"mobile": str, "text": str}``. Response: 200 ``{"status": "ok"}`` once the
    message is in the inbox.
    """
    try:
        mobile, text = _read(request)
    except Unreadable as error:
        return JsonResponse({"status": "invalid", "error": str(error)}, status=400)
    switches = faults.read()

    def answer() -> HttpResponse:
        if switches["sms"] == "refuse":
            return JsonResponse({"status": "refused"})
        if switches["sms"] == "error":
            return JsonResponse({"status": "error"}, status=400)
        if switches["sms"] == "ok":
            deliver(mobile, text)
        return JsonResponse({"status": "ok"})

    return network.pass_through(request, switches, "sms_network", answer)


@sandbox_view("GET")
def inbox_json(request: HttpRequest) -> HttpResponse:
    """``[{mobile, text, code, sent_at, vendor}]``, newest first. With ``?mobile=``: only the messages of this
    number.
    """
    found = [
        {"mobile": m.mobile, "text": m.text, "code": m.code, "sent_at": m.sent_at, "vendor": m.vendor}
        for m in _asked_for(request)
    ]
    return JsonResponse(found, safe=False)


@sandbox_view("GET")
def inbox_page(request: HttpRequest) -> HttpResponse:
    return render(request, "phonebind_sandbox/inbox.html", {"messages": _asked_for(request)})


@sandbox_view("GET")
def image_code(request: HttpRequest, image_code_id: str) -> HttpResponse:
    """``{"text": str}`` of an image code that was drawn in the last five minutes."""
    text = state.get("image_code", image_code_id)
    if text is None:
        return JsonResponse({"error": "no such image code"}, status=404)
    return JsonResponse({"text": text})


def keep_image_code(*, image_code_id: str, text: str, **kwargs: Any) -> None:
    """Receiver of ``image_code_issued``. Stores nothing while the sandbox is closed."""
    if is_open():
        state.put("image_code", image_code_id, text, IMAGE_CODE_SECONDS)


def deliver(mobile: str, text: str, vendor: str = "sandbox") -> None:
    # Each message has its own number and key, so two messages at the same time are both kept.
    number = state.count("sms")
    message = Message(mobile, text, datetime.now(UTC).astimezone().isoformat(timespec="milliseconds"), vendor)
    state.put("sms", str(number), asdict(message), KEPT_SECONDS)
    state.forget("sms", str(number - KEPT_MESSAGES))


def messages() -> list[Message]:
    """The last fifty messages, newest first."""
    newest = state.counted("sms")
    numbers = [str(number) for number in range(newest, max(newest - KEPT_MESSAGES, 0), -1)]
    return [Message(**kept) for kept in state.get_many("sms", numbers).values()]


def _asked_for(request: HttpRequest) -> list[Message]:
    mobile = request.GET.get("mobile")
    return [message for message in messages() if not mobile or message.mobile == mobile]


def _read(request: HttpRequest) -> tuple[str, str]:
    data = read_object(request)
    mobile, text = data.get("mobile"), data.get("text")
    if not isinstance(mobile, str) or not isinstance(text, str):
        raise Unreadable("mobile and text are strings")
    return mobile, text
