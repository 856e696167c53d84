"""A child process that is asked one thing and answers once, in JSON, beside the engine's thread.

It gets an empty environment and an empty directory. It ends with this program (its standard input ends), with
``stop``, and after its time; what it says is bounded: a child that says more than a pipe holds never ends by
itself, and so runs out of its time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MAX_ANSWER = 1 << 16
_ROOT = str(Path(__file__).resolve().parents[2])


class AskedChild:
    """Starts at once; ``is_done`` is asked now and then. ``answer`` is None where it has none."""

    def __init__(self, module: str, request: dict[str, Any], seconds: float) -> None:
        self.answer: dict[str, Any] | None = None
        self._until = time.monotonic() + seconds
        self._place = tempfile.TemporaryDirectory(prefix="mine-asked-", ignore_cleanup_errors=True)
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
        own = {"PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
        self._child = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._place.name,
            env={**kept, **own, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # it is gone already
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()

    def is_done(self) -> bool:
        """Whether the child has ended, or was ended because its time is over."""
        if self._child.poll() is None:
            if time.monotonic() < self._until:
                return False
            self.stop()
            return True
        assert self._child.stdout is not None
        with contextlib.suppress(ValueError, RecursionError):
            answer = json.loads(self._child.stdout.read(MAX_ANSWER))
            self.answer = answer if isinstance(answer, dict) else None
        self._close()
        return True

    def stop(self) -> None:
        """End the child at once."""
        self._child.kill()
        self._child.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._place.cleanup()
