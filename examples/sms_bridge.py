"""A bridge from phonebind's HTTP gateway to Yunpian. It needs Python and nothing else:

SMS_SECRET=whsec_… YUNPIAN_KEY=… python3 sms_bridge.py
"""

import base64
import hmac
import json
import os
import sys
import time
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

KEY = base64.b64decode(os.environ["SMS_SECRET"].removeprefix("whsec_"))
if len(KEY) < 24:
    sys.exit("SMS_SECRET must be whsec_ and 24 bytes or more in base64: with an empty one, anybody could sign.")
VENDOR = os.environ.get("YUNPIAN_URL", "https://sms.yunpian.com/v2/sms/single_send.json")
CODES = {0: "ok", 10: "invalid_phone_number", 20: "delivery_rejected", 23: "delivery_rejected", 3: "out_of_balance"}
WAIT = {8: 30, 33: 30, 9: 300, 22: 3600, 17: 86_400}  # seconds; rate_limited
#: By id, for each id is one SMS. A bridge with more than one process keeps them in a database.
answers: dict[str, Future[dict[str, object]]] = {}


class Bridge(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 5:  # a message is far shorter
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        answer = once(json.loads(body)) if self.is_ours(body) else {"code": "authentication_failed"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def is_ours(self, body: bytes) -> bool:
        sent, stamp, signature = (self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) < 300
        expected = base64.b64encode(hmac.digest(KEY, f"{sent}.{stamp}.".encode() + body, "sha256"))
        return fresh and hmac.compare_digest(b"v1," + expected, signature.encode())


def once(message: dict[str, str]) -> dict[str, object]:
    mine: Future[dict[str, object]] = Future()
    first = answers.setdefault(message["id"], mine)  # atomic
    if first is mine:
        mine.set_result(send(message))
    return first.result(timeout=3)


def send(message: dict[str, str]) -> dict[str, object]:
    form = {"apikey": os.environ["YUNPIAN_KEY"], "mobile": message["to"], "text": message["text"], "uid": message["id"]}
    try:
        said = json.loads(ask(form))
    except (OSError, ValueError):
        return {"code": "unknown_error"}
    code = CODES.get(said.get("code"), "rate_limited" if said.get("code") in WAIT else "unknown_error")
    return {"code": code, "message_id": str(said.get("sid", "")), "retry_after": WAIT.get(said.get("code"))}


def ask(form: dict[str, str]) -> bytes:
    try:
        answer: bytes = urlopen(VENDOR, urlencode(form).encode(), timeout=2.5).read()
    except HTTPError as error:  # it refuses with 400, and says why
        answer = error.read()
    return answer


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8800"))), Bridge).serve_forever()
