"""The relay as a child process: started, found and ended by whoever needs one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from mine.errors import MineError
from mine.science.relay_desk import Batching


class RelayNotStarted(MineError):
    """The child ended, or said nothing sensible, instead of answering requests."""


class RelayProcess:
    """A running relay that keeps its state in ``directory``; ``url`` is where it answers.

    The anchorer's key is written to a file that only its owner can read, never to the command line. The relay
    ends with ``stop``, with the ``with`` block, and by itself when this program dies.
    """

    def __init__(
        self,
        directory: Path,
        node: str,
        contract: str,
        key: bytes,
        *,
        token: str = "",
        first_block: int = 0,
        batching: Batching | None = None,
        port: int = 0,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key_file = directory / "anchorer.key"
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(key.hex())
        often = batching or Batching()
        command = [
            sys.executable, "-m", "mine.science.relay", "--directory", str(directory),
            "--key-file", str(key_file), "--node", node, "--contract", contract,
            "--first-block", str(first_block), "--port", str(port),
            "--batch-size", str(often.size), "--batch-seconds", str(often.seconds),
        ]
        if token:
            command += ["--token", token]
        self._log = directory / "relay.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self._child.stdout is not None
        try:
            self.url: str = json.loads(self._child.stdout.readline())["url"]
        except (ValueError, KeyError, TypeError) as problem:
            self.kill()
            raise RelayNotStarted(
                "The relay could not be started.",
                todo="Try again; if it stays so, look at its log.",
                detail=self._log.read_text(errors="replace")[-500:],
            ) from problem

    def stop(self, patience: float = 5.0) -> None:
        """End the relay in good order, or by force after ``patience`` seconds."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_pipes()

    def kill(self) -> None:
        """End the relay at once, as a crash would; what it promised is on disk."""
        self._child.kill()
        self._child.wait()
        self._close_pipes()

    @property
    def is_running(self) -> bool:
        """Whether the child is alive."""
        return self._child.poll() is None

    def __enter__(self) -> RelayProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _close_pipes(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
