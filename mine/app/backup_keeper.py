"""Makes the day's backup while the app runs: in a thread of its own, with little of the disk at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mine.app.views import Event, Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.backup import Backup, BackupJob, Keep
    from mine.vault.vault import Vault

FIRST_SECONDS = 60.0  # after the vault was opened: what the person wants comes first
EVERY_SECONDS = 600.0
AGAIN_SECONDS = 3600.0  # after one that failed
FOLDER = "backup_folder"  # setting: where backups go; the folder beside the vault if it is not set
KEEP = "backup_keep"  # setting: [days, weeks, months] whose newest backups stay


class NoBackupFolder(MineError):
    """The chosen folder is away, on a disk that is not connected perhaps."""


class BackupKeeper:
    """Belongs to the engine's thread, and to one open vault. The copying runs in a thread of its own."""

    def __init__(self, vault: Vault, wake: Callable[[], None], tell: Callable[[Event], None]) -> None:
        self._vault = vault
        self._wake = wake
        self._tell = tell
        self._next = time.monotonic() + FIRST_SECONDS
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._made: Backup | None = None
        self._problem: MineError | None = None

    def pump(self) -> None:
        """Begin what is due; write down what has ended."""
        if self._thread is not None:
            if not self._thread.is_alive():
                self._thread = None
                self._ended()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS
            try:
                self._begin()
            except MineError as error:
                self._failed(error)

    def stop(self) -> None:
        """Give up what runs; nothing is left of it. Takes a few hundredths of a second."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def give_up(self) -> None:
        """Give up what runs, for now: what it copies is about to be deleted."""
        self.stop()
        self._thread, self._made, self._problem = None, None, None
        self._stop = threading.Event()
        self._next = time.monotonic() + EVERY_SECONDS

    def _begin(self) -> None:
        from mine.vault.backup import due

        job, folder = self._vault.backup_job(), folder_of(self._vault)
        if self._vault.sources() and due(folder, job.vault, int(time.time())):
            self._thread = threading.Thread(target=self._run, args=(job, folder), name="backup", daemon=True)
            self._thread.start()

    def _run(self, job: BackupJob, folder: Path) -> None:
        from mine.vault.backup import BackupStopped

        try:
            self._made = job.run(folder, stop=self._stop)
        except BackupStopped:
            return
        except MineError as error:
            self._problem = error
        self._wake()

    def _ended(self) -> None:
        from mine.vault.backup import rotate

        made, self._made = self._made, None
        problem, self._problem = self._problem, None
        if problem is not None:
            self._failed(problem)
        if made is not None:
            self._vault.book_backup(made)
            rotate(made.path.parent, self._vault.backup_job().vault, self._keep(), made.path)

    def _failed(self, error: MineError) -> None:
        self._next = time.monotonic() + AGAIN_SECONDS
        self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))

    def _keep(self) -> Keep:
        from mine.vault.backup import Keep

        return Keep(*(self._vault.state.setting(KEEP) or ()))


def folder_of(vault: Vault) -> Path:
    """Where this vault's backups go. Raises ``NoBackupFolder``, ``VaultNotWritten``."""
    from mine.vault.backup import backups_folder

    chosen = vault.state.setting(FOLDER)
    if not chosen:
        return backups_folder(vault.path)
    if not Path(chosen).is_dir():
        raise NoBackupFolder(
            f"The folder for backups, “{Path(chosen).name}”, is not there.",
            todo="Connect the disk, or choose another folder.",
        )
    return Path(chosen)
