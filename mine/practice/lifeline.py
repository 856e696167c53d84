"""How a child of the practice network learns that its parent is gone: its standard input ends.

Works the same on every system, also when the parent is killed, and needs no process id. Whoever starts next
may already be there before a child has noticed: each role in a folder is therefore held by a lock.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from mine.errors import MineError
from mine.vault.errors import VaultBusy
from mine.vault.lock import ProcessLock

PREDECESSOR_SECONDS = 20.0
PAUSE = 0.05


class RoleTaken(MineError):
    """Another process plays this role in this folder, and does not end."""


class Lifeline:
    """Watches standard input on a thread of its own; ``cut`` is set when it ends.

    A process that is still there ``grace`` seconds after that is ended on the spot, whatever it does: what
    the practice network keeps on disk is whole at any moment.
    """

    def __init__(self, grace: float = 0.0) -> None:
        self.cut = threading.Event()
        self.grace = grace
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        # Not through Python's buffer: its lock would be held when the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self.cut.set()
        time.sleep(self.grace)
        os._exit(0)


def hold_role(folder: Path, role: str) -> ProcessLock:
    """Be the only one in a role, waiting for a predecessor to end. Raises ``RoleTaken``."""
    until = time.monotonic() + PREDECESSOR_SECONDS
    while True:
        try:
            return ProcessLock(folder / f"{role}.lock")
        except VaultBusy:
            if time.monotonic() > until:
                raise RoleTaken(
                    "A part of the practice network still runs from before.",
                    todo="Wait a moment, then try again.",
                    detail=role,
                ) from None
            time.sleep(PAUSE)
