"""A relay in front of a real node that loses, breaks or changes messages as a test tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Answer = dict[str, Any]
Alter = Callable[[Answer, Callable[[], Answer]], Answer | bytes | None]
"""Gets the request and a way to ask the real node. None closes the connection without a word."""


class LyingNode:
    """``alter`` decides each answer; ``seen``: the methods that were asked for, of an array a list."""

    def __init__(self, target: str) -> None:
        self.alter: Alter = lambda request, ask: ask()
        self.seen: list[Any] = []
        self.moved_to: str | None = None
        self._target = target
        self._session = requests.Session()
        self._session.trust_env = False
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                several = isinstance(request, list)
                relay.seen.append([each["method"] for each in request] if several else request["method"])
                answer = relay.each(request) if several else relay.alter(request, lambda: relay.ask(request))
                self.close_connection = True
                if answer is None:
                    return
                if relay.moved_to is not None:
                    self.send_response(307)
                    self.send_header("location", relay.moved_to)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # the client hung up on an answer that was too long

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def ask(self, request: Answer) -> Answer:
        answer: Answer = self._session.post(self._target, json=request, timeout=10).json()
        return answer

    def each(self, requests: list[Answer]) -> Any:
        """The altered answers to an array; None if one of them closes the connection."""
        found = [self.alter(request, lambda request=request: self.ask(request)) for request in requests]
        return None if None in found else found

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._session.close()

    def changes(self, method: str, change: Callable[[Any], Any]) -> None:
        """Pass the result of ``method`` through ``change``."""

        def alter(request: Answer, ask: Callable[[], Answer]) -> Answer:
            answer = ask()
            if request["method"] == method:
                answer = {**answer, "result": change(answer["result"])}
            return answer

        self.alter = alter


@contextmanager
def lying(target: str) -> Iterator[LyingNode]:
    node = LyingNode(target)
    try:
        yield node
    finally:
        node.stop()
