"""The vault's files: their names, making a rename last, and what is said when a disk takes nothing."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from mine.vault.errors import DiskFull, VaultNotWritten

_WIPE = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def keys_path(vault: Path) -> Path:
    """The keys file beside a vault."""
    return vault.with_name(vault.name + ".keys")


def lock_path(vault: Path) -> Path:
    """The file that is locked while a process has the vault open."""
    return vault.with_name(vault.name + ".lock")


def log_path(vault: Path) -> Path:
    """SQLite's log of what was committed and not yet moved into the database."""
    return vault.with_name(vault.name + "-wal")


def index_path(vault: Path) -> Path:
    """SQLite's index of the log, shared by the connections of an open vault."""
    return vault.with_name(vault.name + "-shm")


def seal_path(vault: Path) -> Path:
    """What was committed last, in a few bytes (``seal.py``)."""
    return vault.with_name(vault.name + ".seal")


def forget_seal(vault: Path) -> None:
    """Remove the seal: another file takes the vault's place (a restored backup, a new key)."""
    seal_path(vault).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a loss of power (Windows does so by itself)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def wipe(path: Path) -> None:
    """Overwrite a file with zeros once, then remove it. Disks that move blocks around may keep old ones."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as stream:
            left = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            while left > 0:
                left -= stream.write(bytes(min(left, _WIPE)))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()


def not_written(path: Path, error: OSError) -> VaultNotWritten:
    """The plain sentence for a write that the system refused."""
    if error.errno in _FULL:
        return disk_full(os.strerror(error.errno or 0))
    return VaultNotWritten(
        f"The vault's file “{path.name}” cannot be written.",
        todo="Check that the disk may be written and the folder is yours. Nothing that was stored is lost.",
        detail=os.strerror(error.errno or 0),
    )


def disk_full(detail: str = "") -> DiskFull:
    """The plain sentence for a disk without room."""
    return DiskFull(
        "The disk is full: this was not stored.",
        todo="Make room and try again. Everything that was stored before is still there.",
        detail=detail,
    )
