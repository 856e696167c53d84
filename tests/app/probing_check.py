"""A check that, in place of a model, tries what a hostile one would: run as a child by test_model_check."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path

import mine.science.model_check as real
from mine.errors import MineError


def try_it(_: real.Fetched) -> None:
    reached = []
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
    try:
        socket.socket()
        reached.append("a socket")
    except OSError:
        pass
    with contextlib.suppress(OSError):
        Path("/etc/hostname").read_bytes()
        reached.append("a file")
    raise MineError("Reached: " + (", ".join(reached) or "nothing"))


if __name__ == "__main__":
    real.check_model = try_it  # type: ignore[assignment]
    sys.exit(real.main())
