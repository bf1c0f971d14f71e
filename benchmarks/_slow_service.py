"""A web service that takes 50 ms for an answer: ``python -m benchmarks._slow_service`` prints its port and serves.

It answers a text with a number, the body of a request, with its number of letters. The path says how: ``/``; ``/flaky``, where
the first request about 10 % of the texts fails and that about 2 % hangs; ``/limited``, where more than 40 requests within a
second are refused.
"""

from __future__ import annotations

import json
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

SECONDS = 0.05
MOST_A_SECOND = 40
HANG_SECONDS = 30.0

_lock = Lock()
_known: set[bytes] = set()
_moments: deque[float] = deque()


class Service(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SECONDS)
        status = {"/flaky": _status_if_flaky, "/limited": _status_if_limited}.get(self.path, lambda _: 200)(text)
        answer = json.dumps({"letters": len(text)}).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def _status_if_flaky(text: bytes) -> int:
    with _lock:
        is_first = text not in _known
        _known.add(text)
    number = int(text.split()[1])
    if is_first and number % 50 == 0:
        time.sleep(HANG_SECONDS)
    return 503 if is_first and number % 10 == 1 else 200


def _status_if_limited(_: bytes) -> int:
    now = time.monotonic()
    with _lock:
        while _moments and _moments[0] <= now - 1:
            _moments.popleft()
        if len(_moments) >= MOST_A_SECOND:
            return 429
        _moments.append(now)
    return 200


class Server(ThreadingHTTPServer):
    """One that lets more connections wait than the 5 of its base, which resets others."""

    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Service)
    print(server.server_address[1], flush=True)
    server.serve_forever()
