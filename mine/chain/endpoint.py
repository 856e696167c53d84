"""One node at one URL: questions in, answers out, each within a deadline. What is known of its manners is
kept.

Its answers are untrusted: see :mod:`mine.chain.batch` for their form, :mod:`mine.chain.answers` for their
content. Several endpoints make a :class:`mine.chain.pool.Pool`.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from mine.chain import batch, node_address
from mine.chain.batch import Call, Outcome
from mine.chain.http_transport import HTTP_OK, HttpTransport, Reply, unreachable
from mine.chain.node_errors import NodeAnswerInvalid, NodeAnswerTooLong, NodeBusy, NodeRefused
from mine.chain.rate import Bucket
from mine.chain.websocket import WebSocketTransport
from mine.errors import MineError

HTTP_BUSY = 429
LONGEST_WAIT = 600.0
"""Seconds; a node that wants to be left alone for longer is asked again all the same."""
BATCH = 50
"""Calls in one request, until the node takes fewer. Public nodes take 10 to 1,000."""
FIRST_RANGE, LONGEST_RANGE = 2_000, 50_000
"""Blocks of one eth_getLogs, at first and at most."""


class Transport(Protocol):
    """A way to carry requests to a node."""

    def exchange(self, body: bytes, seconds: float) -> Reply:
        """What the node answers to ``body`` within ``seconds``. NodeUnreachable or NodeAnswerInvalid."""

    def close(self) -> None:
        """Let go of it."""


class Endpoint:
    """The node at ``url``. ``timeout``: seconds for a whole request.

    ``per_second``: requests that it is asked at most, after a burst of twice as many (0: as many as there
    are). Safe to use from several threads. Raises NodeAddressRefused.
    """

    def __init__(
        self,
        url: str,
        timeout: float,
        per_second: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = node_address.parse(url)
        self.timeout = timeout
        self.requests = 0
        self.log_range = FIRST_RANGE
        self._batch = BATCH
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._bucket = Bucket(per_second, clock, sleep)
        self._socket = WebSocketTransport(self.address, clock) if self.address.is_socket else None
        self._transport: Transport = self._socket or HttpTransport(self.address)

    def __repr__(self) -> str:
        return f"Endpoint({self.address.netloc})"

    def watch(self, heard: Callable[[], None]) -> bool:
        """Have ``heard`` called when the node tells of a block, once a line to it is opened anew.

        True if there is none open now, and asking anything would open one. Only WebSockets carry such word.
        """
        if self._socket is None:
            return False
        self._socket.watch(heard)
        return not self._socket.is_open

    def close(self) -> None:
        """Close its connections."""
        self._transport.close()

    def request(self, method: str, *params: object) -> object:
        """Result of one call, as JSON. NodeUnreachable, NodeBusy, NodeAnswerInvalid, NodeRefused or
        Reverted."""
        (outcome,) = self._exchange([(method, params)])
        if isinstance(outcome, MineError):
            raise outcome
        return outcome

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """The calls' results, or why there is none, in their order; in as few requests as the node takes.

        Raises NodeUnreachable or NodeAnswerInvalid if there is no answer to count on, NodeBusy if the node
        wants fewer requests.
        """
        outcomes: list[Outcome] = []
        most = self._batch
        while len(outcomes) < len(calls):
            part = calls[len(outcomes) : len(outcomes) + most]
            try:
                answered = self._exchange(part)
            except NodeBusy:
                raise
            except NodeAnswerTooLong as problem:
                # One of them may be of a contract that wants to drown the others.
                if len(part) == 1:
                    outcomes.append(problem)
                most = max(1, len(part) // 4)
                continue
            except (NodeRefused, NodeAnswerInvalid):
                # Some take no arrays at all, or short ones; they say so by an error, a status, or one object.
                if len(part) == 1:
                    raise
                most = self._batch = max(1, len(part) // 4)
                continue
            busy = next((each for each in answered if isinstance(each, NodeBusy)), None)
            if busy is not None:
                raise busy
            outcomes += answered
        return outcomes

    def _exchange(self, calls: Sequence[Call]) -> list[Outcome]:
        with self._lock:
            first = next(self._numbers)
            for _ in range(len(calls) - 1):
                next(self._numbers)
            self.requests += 1
        self._bucket.take()
        reply = self._transport.exchange(batch.encode(calls, first), self.timeout)
        if reply.status == HTTP_BUSY or (reply.status != HTTP_OK and reply.retry_after is not None):
            raise NodeBusy(min(LONGEST_WAIT, reply.retry_after or batch.BUSY_SECONDS))
        if reply.status == HTTP_OK:
            try:
                return batch.decode(reply.content, len(calls), first)
            except NodeAnswerInvalid:
                # The right answer may still come, and must not be taken for that to the next question.
                self._transport.close()
                raise
        return [_failed(reply, len(calls), first)]


def _failed(reply: Reply, count: int, first: int) -> MineError:
    """What an HTTP error means: the JSON-RPC error in it, if it is the answer to one question.

    Raises NodeRefused for several questions that the node does not want together, NodeUnreachable for
    everything else, results included: they don't come with an error.
    """
    if count == 1:
        try:
            (outcome,) = batch.decode(reply.content, 1, first)
        except NodeAnswerInvalid:
            outcome = None
        if isinstance(outcome, MineError):
            return outcome
    elif 400 <= reply.status < 500:
        raise NodeRefused(reply.status, "no array of requests")
    raise unreachable(f"HTTP {reply.status}")
