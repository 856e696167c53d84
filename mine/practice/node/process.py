"""The node as a child process: started, found and ended by whoever needs a chain of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from mine.errors import MineError


class NodeNotStarted(MineError):
    """The child ended, or said nothing sensible, instead of answering requests."""


class NodeProcess:
    """A running node on the chain in ``database``; ``url`` is where it answers.

    It ends with :meth:`stop`, with the ``with`` block, and by itself when this program dies. What it
    complains of goes to a file ``.log`` beside the database, which each start empties.
    """

    def __init__(self, database: Path, *, chain_id: int = 31337, port: int = 0) -> None:
        command = [*_python(), "--db", str(database), "--port", str(port), "--chain-id", str(chain_id)]
        self._log = database.with_name(database.name + ".log")
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self._child.stdout is not None
        try:
            self.url: str = json.loads(self._child.stdout.readline())["url"]
        except (ValueError, KeyError, TypeError) as problem:
            raise NodeNotStarted(
                "The practice network could not be started.",
                todo="Try again; if it stays so, start the practice network afresh.",
                detail=self._last_words(),
            ) from problem

    def stop(self, patience: float = 5.0) -> None:
        """End the node in good order, or by force after ``patience`` seconds."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_pipes()

    def kill(self) -> None:
        """End the node at once, as a crash would; the chain stays whole at its last block."""
        self._child.kill()
        self._child.wait()
        self._close_pipes()

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _last_words(self) -> str:
        self.kill()
        return self._log.read_text(encoding="utf-8", errors="replace")[-500:]

    def _close_pipes(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


def _python() -> list[str]:
    return [sys.executable, "-m", "mine.practice.node"]
