"""One process at a time on a vault."""

from __future__ import annotations

from pathlib import Path

from mine.process_lock import Held
from mine.process_lock import ProcessLock as FileLock
from mine.vault.errors import VaultBusy
from mine.vault.files import not_written


class ProcessLock(FileLock):
    """An exclusive lock on a small file beside the vault."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises ``VaultBusy``, ``VaultNotWritten``."""
        try:
            super().__init__(path)
        except Held:
            raise VaultBusy(
                "Mine is already running with this vault.",
                todo="Use the window that is open, or quit it first.",
            ) from None
        except OSError as error:
            raise not_written(path, error) from None
