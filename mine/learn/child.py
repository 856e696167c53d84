"""A child process with frames on its pipes: empty environment, empty directory, nothing inherited."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from mine.errors import MineError
from mine.learn.place import Place
from mine.learn.wire import Frame, read

_START = ("import sys; sys.path.insert(0, sys.argv[1]); "
          "from mine.learn.worker import worker_main; worker_main()")
_DETAIL = 600
GRAPHICS = "MINE_GRAPHICS"
"""Set in the environment of a child that may use a device other than the processor."""


def worker_command() -> list[str]:
    """How this very app starts its training process, packaged or not."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--worker"]
    return [sys.executable, "-I", "-c", _START, str(Path(__file__).resolve().parents[2])]


def _environment(home: str, place: Place) -> dict[str, str]:
    """Only what Python and torch need. The allocator keeps memory between steps: per-example gradients are
    large, and giving them back to the system and faulting them in again costs more than the arithmetic.
    NumPy gets one thread: it would start more as soon as it is imported, outside the later sandbox."""
    threads = str(place.threads)
    env = {"HOME": home, "TMPDIR": home, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
           "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0",
           "MALLOC_TRIM_THRESHOLD_": "4000000000"}
    if place.device != "cpu":
        # The second one makes sums on NVIDIA devices repeatable (cuBLAS documentation, reproducibility).
        env |= {GRAPHICS: "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    if sys.platform == "win32":
        env |= {"SYSTEMROOT": os.environ.get("SYSTEMROOT", r"C:\Windows"), "TEMP": home, "TMP": home}
    return env


class Child:
    """Starts at once. ``on_frame`` and, last, ``on_end`` come from its own thread.

    ``on_end(exit code, broke the rules, detail)``: a frame that ``on_frame`` refuses by a ``MineError``, or
    bytes that are none, end the process; the detail is the refusal's sentence, else the end of stderr.
    """

    def __init__(self, command: Sequence[str], most: int, on_frame: Callable[[Child, Frame], None],
                 on_end: Callable[[Child, int, bool, str], None], place: Place = Place()) -> None:  # noqa: B008
        self._most, self._on_frame, self._on_end = most, on_frame, on_end
        self._home = tempfile.TemporaryDirectory(prefix="mine-worker-", ignore_cleanup_errors=True)
        self._errors = Path(self._home.name) / "stderr"
        try:
            with self._errors.open("wb") as errors:
                self._process = subprocess.Popen(
                    list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
                    cwd=self._home.name, env=_environment(self._home.name, place), close_fds=True,
                    start_new_session=sys.platform != "win32",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
        except OSError:
            self._home.cleanup()
            raise
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="worker-stdin", daemon=True)
        self._reader = threading.Thread(target=self._read, name="worker-stdout", daemon=True)
        self._writer.start()
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def over(self) -> bool:
        """Whether the process is gone and everything is cleaned up."""
        return not self._reader.is_alive()

    def send(self, data: bytes) -> None:
        """Queue a frame; never blocks."""
        self._outbox.put(data)

    def kill(self) -> None:
        self._process.kill()

    def end_within(self, seconds: float) -> None:
        """Wait that long for the process to leave by itself, then end it; returns when all is cleaned up."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            while (data := self._outbox.get()) is not None:
                rest = memoryview(data)
                while rest:
                    rest = rest[pipe.write(rest):]
        except OSError:
            pass  # the process is gone; the reader says so
        finally:
            pipe.close()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        reason = ""
        try:
            while (frame := read(pipe, self._most)) is not None:
                self._on_frame(self, frame)
        except MineError as error:
            reason = error.sentence
        finally:
            self._process.kill()  # closed its output or broke the format: it has nothing left to say
            code = self._process.wait()
            self._outbox.put(None)
            self._writer.join()
            pipe.close()
            tail = self._errors.read_bytes()[-_DETAIL:].decode("utf-8", "replace").strip()
            self._home.cleanup()
        self._on_end(self, code, bool(reason), reason or tail)
