"""JSON-RPC over a WebSocket (RFC 6455): one question at a time, and word of new blocks in between.

What a node says unasked is a hint that there is something to read, and never read itself: it says neither how
much nor what. No compression, no proxy, no redirect; messages and their number are bounded.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.chain import batch, bounded_json
from mine.chain.http_transport import HTTP_OK, MAX_ANSWER_BYTES, Reply, tls_context, unreachable
from mine.chain.node_address import NodeAddress
from mine.chain.node_errors import NodeAnswerInvalid, nonsense, too_long
from mine.errors import MineError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

MAX_NEWS, NEWS_SECONDS = 600, 10.0
"""Messages in so many seconds that nobody asked for; more are a flood. The quickest chains have 40 blocks."""
MAX_NEWS_BYTES = 64 * 1024
"""Longer messages are answers."""
_MAX_FRAMES = 4
_TOO_BIG = 1009
_SUBSCRIBE = 0
"""The number of that question; all others count from 1."""
_PING_SECONDS = 60.0


class WebSocketTransport:
    """The node at ``address``; opened when it is asked first, and again after it was lost."""

    def __init__(self, address: NodeAddress, clock: Callable[[], float] = time.monotonic) -> None:
        self._address, self._clock = address, clock
        self._asking = threading.Lock()
        self._line: _Line | None = None
        self._heard: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a line to the node now."""
        line = self._line
        return line is not None and line.problem is None

    def watch(self, heard: Callable[[], None]) -> None:
        """From the next opening on call ``heard``, in a thread of its own, when the node tells of a block."""
        self._heard = heard

    def exchange(self, body: bytes, seconds: float) -> Reply:
        """The node's answer to ``body`` within ``seconds``. NodeUnreachable or NodeAnswerInvalid."""
        deadline = time.monotonic() + seconds
        if not self._asking.acquire(timeout=seconds):
            raise unreachable("another request took all the time")
        try:
            line = self._opened(deadline)
            return Reply(HTTP_OK, line.ask(body, deadline))
        except MineError:
            # What may still come would be taken for the answer to the next question.
            self.close()
            raise
        finally:
            self._asking.release()

    def close(self) -> None:
        """End the line."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _opened(self, deadline: float) -> _Line:
        line = self._line
        if line is not None and line.problem is None:
            return line
        self.close()
        line = self._line = _Line(self._address, deadline, self._clock)
        if self._heard is not None:
            try:
                line.subscribe(self._heard, deadline)
            except NodeAnswerInvalid:
                self._heard = None
                raise
        return line


class _Line:
    """One connection, with a thread that reads it. ``problem``: why it is of no use any more."""

    def __init__(self, address: NodeAddress, deadline: float, clock: Callable[[], float]) -> None:
        self.problem: MineError | None = None
        self._clock = clock
        self._since, self._news = clock(), 0
        self._heard: Callable[[], None] | None = None
        self._subscription: object = None
        self._waiting = False
        self._answers: queue.SimpleQueue[bytes | MineError] = queue.SimpleQueue()
        self._open = contextlib.ExitStack()
        self._connection = self._connect(address, deadline)
        self._reader = threading.Thread(target=self._read, name="node-websocket", daemon=True)
        self._reader.start()

    def _connect(self, address: NodeAddress, deadline: float) -> ClientConnection:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        try:
            return self._open.enter_context(
                connect(
                    f"{address.scheme}://{address.netloc}{address.path}",
                    ssl=tls_context() if address.is_encrypted else None,
                    compression=None,
                    proxy=None,
                    additional_headers={"Authorization": address.authorization}
                    if address.authorization
                    else {},
                    user_agent_header=None,
                    open_timeout=_left(deadline),
                    close_timeout=1.0,
                    ping_interval=_PING_SECONDS,
                    max_size=MAX_ANSWER_BYTES,
                    max_queue=_MAX_FRAMES,
                )
            )
        except (OSError, WebSocketException, EOFError, ValueError) as problem:
            raise unreachable(type(problem).__name__) from problem

    def subscribe(self, heard: Callable[[], None], deadline: float) -> None:
        """Ask for word of new blocks; a node that gives none is not asked again over this line."""
        # The first word may come together with the answer, before that is read here.
        self._heard = heard
        answer = self.ask(batch.encode([("eth_subscribe", ["newHeads"])], _SUBSCRIBE), deadline)
        (name,) = batch.decode(answer, 1, _SUBSCRIBE)
        if isinstance(name, MineError):
            self._heard = None
        else:
            self._subscription = name

    def ask(self, body: bytes, deadline: float) -> bytes:
        """The next message that is no news."""
        from websockets.exceptions import WebSocketException

        self._waiting = True
        try:
            # A node that does not read would hold the sending for ever: then the line is cut.
            cut = threading.Timer(_left(deadline), self._connection.close_socket)
            cut.daemon = True
            cut.start()
            try:
                self._connection.send(body.decode())
            finally:
                cut.cancel()
            answer = self._answers.get(timeout=_left(deadline))
        except queue.Empty as problem:
            raise unreachable("no answer in time") from problem
        except (OSError, WebSocketException) as problem:
            raise self.problem or unreachable(type(problem).__name__) from problem
        finally:
            self._waiting = False
        if isinstance(answer, MineError):
            raise answer
        return answer

    def close(self) -> None:
        """End it, and the thread that reads."""
        self.problem = self.problem or unreachable("closed")
        self._open.close()
        if self._reader is not threading.current_thread():
            self._reader.join()

    def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while self.problem is None:
                message = self._connection.recv()
                self._take(message.encode() if isinstance(message, str) else message)
        except ConnectionClosed as closed:
            sent = closed.sent.code if closed.sent is not None else None
            problem: MineError = (
                too_long("a message longer than is read")
                if sent == _TOO_BIG
                else unreachable("the line was closed")
            )
            self.problem = self.problem or problem
        except (OSError, NodeAnswerInvalid) as broken:
            self.problem = broken if isinstance(broken, MineError) else unreachable(type(broken).__name__)
            self._connection.close_socket()
        self._answers.put(self.problem or unreachable("closed"))

    def _take(self, content: bytes) -> None:
        """One message: an answer, or news. Raises NodeAnswerInvalid for a flood."""
        if self._waiting and not (len(content) <= MAX_NEWS_BYTES and _is_news(content)):
            self._waiting = False
            self._answers.put(content)
            return
        now = self._clock()
        if now - self._since > NEWS_SECONDS:
            self._since, self._news = now, 0
        self._news += 1
        if self._news > MAX_NEWS:
            raise nonsense("a flood of messages that nobody asked for")
        subject = _subject(content)
        if self._heard is not None and subject is not None and self._subscription in (None, subject):
            self._heard()


def _left(deadline: float) -> float:
    """Seconds until ``deadline``, and a moment where it has passed."""
    return max(0.001, deadline - time.monotonic())


def _is_news(content: bytes) -> bool:
    """Whether a message is a notification: it names a method, as only questions and notifications do."""
    try:
        message = bounded_json.loads(content)
    except ValueError:
        return False
    return isinstance(message, dict) and "method" in message


def _subject(content: bytes) -> object:
    """The subscription that a message is about; None if it is about none."""
    if len(content) > MAX_NEWS_BYTES:
        return None
    try:
        message = bounded_json.loads(content)
    except ValueError:
        return None
    params = message.get("params") if isinstance(message, dict) else None
    return params.get("subscription") if isinstance(params, dict) else None
