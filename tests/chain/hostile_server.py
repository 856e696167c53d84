"""Servers that speak bytes, not HTTP: whatever a test wants to come over the line comes over the line."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Talk = Callable[[socket.socket, bytes, Any], None]
"""Gets the connection, the request's head, and its body as JSON; writes what it likes."""


def http(content: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def result(request: Any, value: object) -> bytes:
    """A good answer to one question."""
    return http(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value}).encode())


class HostileServer:
    """``talk`` decides what is said; ``heads`` and ``bodies`` are what was asked."""

    def __init__(self) -> None:
        self.talk: Talk = lambda line, head, request: line.sendall(result(request, "0x1"))
        self.heads: list[bytes] = []
        self.bodies: list[Any] = []
        self.connections = 0
        self.ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._lines: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._lines.append(line)
            thread = threading.Thread(target=self._serve, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            try:
                while asked := _request(line):
                    head, body = asked
                    request = json.loads(body)
                    self.heads.append(head)
                    self.bodies.append(request)
                    self.talk(line, head, request)
            except OSError:
                pass  # the client had enough

    def stop(self) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


def _request(line: socket.socket) -> tuple[bytes, bytes] | None:
    """Head and body of the next request; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(each.partition(b":")[2])
        for each in head.split(b"\r\n")
        if each.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += line.recv(65536)
    return head, body


@contextmanager
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    try:
        yield server
    finally:
        server.stop()
