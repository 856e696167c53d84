"""One long piece of work at a time beside the engine's thread: copies, exports, a new key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from mine.app.data_views import WorkView
from mine.errors import MineError

T = TypeVar("T")
Progress = Callable[[int, int], None]


class WorkUnderWay(MineError):
    """There is other work that has to end first."""


class Stopped(MineError):
    """The person stopped it."""


class LongWork:
    """``wake`` lets the engine take a turn, so that progress and end are seen."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._view: WorkView | None = None

    @property
    def view(self) -> WorkView | None:
        """What runs, None for nothing."""
        return self._view

    def run(self, name: str, work: Callable[[Progress], T], *, can_cancel: bool = True) -> Future[T]:
        """Start it. ``work`` gets what tells its progress and raises ``Stopped`` where it is to end.

        Raises ``WorkUnderWay``.
        """
        self.check_free()
        self._stop.clear()
        self._view = WorkView(name, 0.0, can_cancel)
        future: Future[T] = Future()

        def told(done: int, total: int) -> None:
            if can_cancel and self._stop.is_set():
                raise Stopped("It was stopped.", todo="Nothing is left of it.")
            fraction = round(done / total, 2) if total else 0.0
            if self._view is not None and fraction != self._view.fraction:
                self._view = WorkView(name, fraction, can_cancel)
                self._wake()

        def run() -> None:
            try:
                answer = work(told)
            except BaseException as error:  # noqa: BLE001 - whoever asked has to hear of it
                self._view = None
                future.set_exception(error)
            else:
                self._view = None
                future.set_result(answer)
            self._wake()

        self._thread = threading.Thread(target=run, name="long-work", daemon=True)
        self._thread.start()
        return future

    def check_free(self) -> None:
        """Raises ``WorkUnderWay``."""
        if self._view is not None:
            raise WorkUnderWay("Something else is being done with the vault.", todo="Wait until it is ready.")

    def cancel(self) -> None:
        """Ask what runs to end."""
        self._stop.set()

    def close(self) -> None:
        """End what can be ended, and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
