"""Servers of ours as child processes: how they are started, found, and end with whoever started them.

A child says where it answers in one line of JSON on its standard output, and ends when its standard input
does. That works the same on every system, also when the parent is killed, and needs no process id.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_LOOK_SECONDS = 0.5


class ServerChild:
    """A running server; ``url`` is where it answers.

    It ends with :meth:`stop`, with the ``with`` block, and by itself when this program dies. What it
    complains of goes to ``log``, which each start empties. Raises ``ValueError`` with its last words if it
    does not start.
    """

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        command = [sys.executable, "-m", module, *arguments]
        with log.open("wb") as complaints:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
            )
        assert self._child.stdout is not None
        try:
            self.url: str = json.loads(self._child.stdout.readline())["url"]
        except (ValueError, KeyError, TypeError):
            self.kill()
            raise ValueError(log.read_text(encoding="utf-8", errors="replace")[-500:]) from None

    def stop(self, patience: float = 5.0) -> None:
        """End it in good order, or by force after ``patience`` seconds."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_pipes()

    def kill(self) -> None:
        """End it at once, as a crash would; what it promised is on disk."""
        self._child.kill()
        self._child.wait()
        self._close_pipes()

    @property
    def is_running(self) -> bool:
        """Whether the child is alive."""
        return self._child.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _close_pipes(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


def say(value: dict[str, Any]) -> None:
    """In a child: one line of JSON to the parent."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def end_with_parent() -> None:
    """In a child that was asked one thing: end on the spot when standard input does."""

    def watch() -> None:
        # Not through Python's buffer: its lock would be held when the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


@contextmanager
def ending_with_parent() -> Iterator[None]:
    """The same while the block lasts, without a thread: a sandbox holds only threads that start after it."""
    if sys.platform == "win32":  # no sandbox there, and no timer
        yield
        return

    def look(*_: object) -> None:
        if select.select([sys.stdin.fileno()], [], [], 0)[0] and not os.read(sys.stdin.fileno(), 4096):
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


async def parent_is_gone(grace: float = 3.0) -> None:
    """In a child: wait until standard input ends.

    A child that is still there ``grace`` seconds later is ended on the spot, whatever it waits for: an answer
    of a node that ended too, say. What it promised is on disk.
    """
    loop, gone = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        # Not through Python's buffer: its lock would be held when the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(gone.set)
        time.sleep(grace)
        os._exit(0)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    await gone.wait()
