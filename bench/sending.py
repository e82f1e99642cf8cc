"""``python -m bench.sending N``: what sending one SMS costs this process, by gateway. Prints JSON on stdout.

Each is compared with the HTTP call alone: the same bytes to the same server over the same persistent connection.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Any

import django
from django.conf import settings

from server import demo

ROUNDS = 5

#: The success answers of all vendors in one. Each gateway reads its own fields.
ANSWER = {
    "Code": "OK",
    "BizId": "1",
    "Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "1"}]},
    "statusCode": "000000",
    "code": "ok",
    "message_id": "1",
}


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    body = json.dumps(ANSWER).encode()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: Any) -> None:
        """Print nothing on the terminal."""


def serve(ready: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    ready.send(server.server_address[1])
    server.serve_forever()


def cpu(act: Callable[[], object], times: int) -> float:
    """CPU milliseconds of one call: the median of the rounds."""
    seen = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(times):
            act()
        seen.append((time.process_time() - begun) / times * 1000)
    return median(seen)


def main(times: int) -> None:
    settings.configure(DEBUG=True, SECRET_KEY=demo.SECRET_KEY, PHONEBIND={"TOTAL_TIMEOUT": 30})
    django.setup()
    from phonebind import sms, upstream  # noqa: PLC0415 - the settings must be set first
    from phonebind.sms import registry  # noqa: PLC0415

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=[theirs], daemon=True)
    process.start()
    options = demo.sms_gateways(f"http://127.0.0.1:{ours.recv()}")
    message = sms.Message(mobile="13800138000", code="012345", minutes=5, text="[phonebind] 012345")
    found = {}
    for name in ("aliyun-pnvs", "aliyun", "tencent", "http", "yuntongxun"):
        made: Any = registry.make(options[name])
        call = made.call(message)
        alone = cpu(lambda call=call: upstream.exchange(*call, upstream.Deadline()), times)
        whole = cpu(lambda name=name: registry.attempt(registry.make(options[name]), message), times)
        found[name] = {"alone": alone, "whole": whole}
    process.kill()
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
