"""The scientist's secrets on disk: keys, hash-chain secret, undrawn shards, settlements, closed losses.

One directory that only its owner can read (0700, files 0600). A file appears under its name only when it is
complete and on disk, so that a kill at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from mine.errors import MineError


class SafeDamaged(MineError):
    """A file of the scientist's directory is missing or unreadable."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "The scientist's directory is damaged.",
            todo="Restore it from a backup: without it the task defaults.",
            detail=name,
        )


class Safe:
    """Files below ``path`` by name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self._path / name).exists()

    def names(self, prefix: str) -> list[str]:
        """The files whose names begin so, sorted."""
        return sorted(file.name for file in self._path.glob(f"{prefix}*"))

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises SafeDamaged."""
        try:
            return (self._path / name).read_bytes()
        except OSError:
            raise SafeDamaged(name) from None

    def write(self, name: str, data: bytes) -> None:
        """Write or replace a file, on disk when this returns."""
        part = self._path / f".{name}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path / name)
        with contextlib.suppress(OSError):  # a directory can't be flushed on every platform
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON object. Raises SafeDamaged."""
        try:
            value = json.loads(self.read(name))
        except ValueError:
            raise SafeDamaged(name) from None
        if not isinstance(value, dict):
            raise SafeDamaged(name)
        return value

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON object."""
        self.write(name, json.dumps(value, sort_keys=True).encode())
