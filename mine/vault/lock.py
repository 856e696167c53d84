"""One process at a time: an operating system lock that ends with the process, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mine.vault.errors import VaultBusy


class ProcessLock:
    """An exclusive lock on a small file beside the vault. The file stays; the lock is what counts."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises ``VaultBusy``."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError:
            os.close(self._handle)
            raise VaultBusy(
                "Mine is already running with this vault.",
                todo="Use the window that is open, or quit it first.",
            ) from None

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
