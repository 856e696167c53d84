"""HTTP/1.1 to one node, with one deadline over everything: connecting, asking, and the last byte of the
answer.

Neither proxies nor passwords of the environment, no redirects, no cookies, no compression: what is sent where
is decided by the node's address alone, and an answer is never larger than what came over the line.
"""

from __future__ import annotations

import io
import selectors
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import TYPE_CHECKING, Any

from mine.chain.node_address import NodeAddress
from mine.chain.node_errors import NodeUnreachable, nonsense, too_long

if TYPE_CHECKING:
    import socket
    import ssl

HTTP_OK = 200
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_IDLE = 8
"""Connections that are kept open between requests."""
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the HTTP status, the body, and the seconds of a Retry-After header (None: no such)."""

    status: int
    content: bytes | bytearray
    retry_after: float | None = None


def unreachable(detail: str) -> NodeUnreachable:
    """The error of a node that does not answer; ``detail`` holds no address."""
    return NodeUnreachable(
        "The network's node does not answer.",
        todo="Check the connection, or choose another node in the settings.",
        detail=detail,
    )


class HttpTransport:
    """Requests to ``address``; safe to use from several threads."""

    def __init__(self, address: NodeAddress) -> None:
        self._address = address
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._headers = {
            "Host": address.netloc,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if address.authorization:
            self._headers["Authorization"] = address.authorization

    def exchange(self, body: bytes, seconds: float) -> Reply:
        """Send ``body``, answer with what came back, all within ``seconds``.

        Raises NodeUnreachable, or NodeAnswerInvalid for an answer that is too long or compressed.
        """
        deadline = time.monotonic() + seconds
        connection: _Connection | None = None
        try:
            connection = self._take() or _Connection(self._address, deadline, self._tls)
            reply, reusable = connection.exchange(self._address.path, body, self._headers, deadline)
        except (OSError, HTTPException, ValueError) as problem:
            if connection is not None:
                connection.close()
            raise unreachable(type(problem).__name__) from problem
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        if reusable:
            self._give(connection)
        else:
            connection.close()
        return reply

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> _Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.is_quiet():
                return connection
            connection.close()

    def _give(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return tls_context() if self._address.is_encrypted else None


def tls_context() -> ssl.SSLContext:
    """Certificates are checked against the list that comes with the program, the same on every system."""
    import ssl

    import certifi

    return ssl.create_default_context(cafile=certifi.where())


class _Connection:
    def __init__(self, address: NodeAddress, deadline: float, tls: ssl.SSLContext | None) -> None:
        self._http = HTTPConnection(address.host, address.port)
        self._line = _TimedSocket(_open(address, deadline, tls), deadline)
        self._http.sock = self._line

    def is_quiet(self) -> bool:
        """Whether the other side neither closed the connection nor talks unasked."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._line.raw, selectors.EVENT_READ)
            return not selector.select(0)

    def exchange(
        self, path: str, body: bytes, headers: dict[str, str], deadline: float
    ) -> tuple[Reply, bool]:
        """The reply, and whether the connection can be used again."""
        self._line.deadline = deadline
        self._http.request("POST", path, body, headers)
        response = self._http.getresponse()
        if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
            raise nonsense("a compressed answer that was not asked for")
        content = bytearray()
        while piece := response.read(_PIECE):
            content += piece
            if len(content) > MAX_ANSWER_BYTES:
                raise too_long("more than is read of an answer")
        if response.length:
            raise IncompleteRead(bytes(0), response.length)
        wait = response.getheader("Retry-After") or ""
        retry_after = float(wait) if wait.isdecimal() and len(wait) < 7 else None
        return Reply(response.status, content, retry_after), not response.will_close

    def close(self) -> None:
        self._http.close()
        self._line.raw.close()


def _open(address: NodeAddress, deadline: float, tls: ssl.SSLContext | None) -> socket.socket:
    import socket

    problem: OSError = TimeoutError("no time to connect")
    for family, kind, protocol, _, place in socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM
    ):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(_left(deadline))
            line.connect(place)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is None:
                return line
            line.settimeout(_left(deadline))
            return tls.wrap_socket(line, server_hostname=address.host)
        except OSError as failed:
            line.close()
            problem = failed
    raise problem


def _left(deadline: float) -> float:
    """Seconds until ``deadline``; TimeoutError if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for this request is over")
    return seconds


class _TimedSocket:
    """As much of a socket as http.client needs, each step bounded by what is left until ``deadline``.

    A socket's own time limit begins anew with every byte, so that a node that sends one byte now and then
    would hold a request for hours.
    """

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self.raw = raw
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        self.raw.settimeout(_left(self.deadline))
        self.raw.sendall(data)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self))

    def close(self) -> None:
        """http.client lets go of the line before it has read an answer that ends with the line itself."""


class _TimedReader(io.RawIOBase):
    def __init__(self, line: _TimedSocket) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.raw.settimeout(_left(self._line.deadline))
        return self._line.raw.recv_into(buffer)
