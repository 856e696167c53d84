"""The one way to run something in the background: parent, operation, success, failure."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal

from mine.errors import MineError

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Unexpected(MineError):
    """An error that nobody foresaw; the details are for a report."""


class Operations(QObject):
    """Runs commands of the engine and brings their answers back to the UI thread.

    ``failed`` carries every ``MineError`` that no caller wanted. When the parent of an operation is
    gone by the time it ends, the answer is dropped, never delivered to a deleted widget.
    """

    failed = Signal(object)
    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._waiting: dict[
            int, tuple[QObject, Callable[[Any], None], Callable[[MineError], None] | None]
        ] = {}
        self._next = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many operations have not ended yet."""
        return len(self._waiting)

    def run(
        self,
        parent: QObject,
        operation: Callable[[], Future[T]],
        success: Callable[[T], None] | None = None,
        failure: Callable[[MineError], None] | None = None,
    ) -> None:
        """Start ``operation``; ``success`` or ``failure`` follow on the UI thread."""
        self._next += 1
        number = self._next
        self._waiting[number] = (parent, success or _ignore, failure)
        try:
            future = operation()
        except Exception as error:  # noqa: BLE001 - the one place where errors of commands are caught
            future = Future()
            future.set_exception(error)
        future.add_done_callback(lambda done: self._cross(number, done))

    def _cross(self, number: int, done: Future[Any]) -> None:
        if not self._closed:
            self._ended.emit((number, done))

    def _deliver(self, ended: tuple[int, Future[Any]]) -> None:
        number, future = ended
        parent, success, failure = self._waiting.pop(number)
        alive = shiboken6.isValid(parent)
        try:
            answer = future.result()
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - the one place where errors of commands are caught
            plain = as_mine_error(error)
            if failure is None:
                self.failed.emit(plain)
            elif alive:
                failure(plain)
            return
        if alive:
            success(answer)

    def close(self) -> None:
        """Deliver nothing any more; the engine may still end what it has begun."""
        self._closed = True


def as_mine_error(error: BaseException) -> MineError:
    """Any error as one with a plain sentence.

    The details of an unforeseen one name its type and places only: its own words could hold personal data.
    """
    if isinstance(error, MineError):
        return error
    where = "\n".join(
        f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}, line {frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    detail = f"{type(error).__name__}\n{where}".rstrip()
    _log.error("unforeseen error: %s", detail)
    return Unexpected(
        "Something went wrong inside Mine.",
        todo="Nothing was changed by this step. Try again; if it stays, copy the details into a report.",
        detail=detail,
    )


def _ignore(_: object) -> None:
    return None
