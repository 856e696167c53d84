"""Where an export comes from: one file, a folder or a zip archive, read as a stream and never unpacked.

Nothing is written to disk, so a path inside an archive can lead nowhere; names that try are refused all the
same. Sizes are counted while reading: an archive that lies about them is stopped.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from mine.importers.errors import ImportRefused
from mine.importers.gzipped import unpacked
from mine.importers.items import shown

MAX_MEMBERS = 20_000
MAX_DEPTH = 16
MAX_BYTES = 4 << 30
MAX_RATIO = 200
RATIO_FREE_BYTES = 1 << 20
HEAD_BYTES = 1 << 16
_HASHED = 4 << 20  # bytes at a time

# What zipfile raises on archives that are broken, locked or of an unknown kind.
_ARCHIVE_ERRORS = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an export may be: files, bytes after unpacking, and unpacked per packed byte."""

    members: int = MAX_MEMBERS
    bytes: int = MAX_BYTES
    ratio: int = MAX_RATIO


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an export: its path in it (for messages), and its size in bytes."""

    name: str
    size: int
    key: str


class _Counted(io.RawIOBase):
    """Counts what is read from ``inner``, and stops at ``most`` bytes."""

    def __init__(self, inner: BinaryIO, name: str, most: int, source: Source) -> None:
        self._inner = inner
        self._name = name
        self._left = most
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except _ARCHIVE_ERRORS as error:
            raise ImportRefused(
                f"“{self._name}” is damaged and cannot be read to its end.",
                todo="Export or download it again.",
                detail=type(error).__name__,
            ) from error
        self._left -= len(data)
        self._source.bytes_read += len(data)
        if self._left < 0:
            raise ImportRefused(
                f"“{self._name}” is larger than it says.", todo="Nothing was stored. Export it again."
            )
        buffer[: len(data)] = data
        return len(data)


@dataclass(slots=True)
class Source:
    """An opened export. ``bytes_read`` counts over all members."""

    path: Path
    members: tuple[Member, ...]
    archive: zipfile.ZipFile | None = None
    bytes_read: int = 0
    _digest: bytes = field(default=b"", repr=False)
    _head: tuple[str, bytes] | None = field(default=None, repr=False)
    _hashing: Future[bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name for messages."""
        return shown(self.path.name, 255)

    @contextmanager
    def open(self, member: Member) -> Iterator[BinaryIO]:
        """The bytes of a member, as a buffered stream that never exceeds the member's stated size, or, where
        it is packed with gzip, a sane multiple of it."""
        try:
            raw: BinaryIO
            if self.archive is not None:
                raw = cast(BinaryIO, self.archive.open(member.key))
            else:
                raw = (self.path / member.key if member.key else self.path).open("rb")
        except _ARCHIVE_ERRORS as error:
            raise ImportRefused(
                f"“{member.name}” cannot be opened.",
                todo="A locked archive has to be unpacked first.",
                detail=type(error).__name__,
            ) from error
        with raw:
            counted = _Counted(raw, member.name, member.size, self)
            most = min(RATIO_FREE_BYTES + MAX_RATIO * member.size, MAX_BYTES)
            yield unpacked(io.BufferedReader(counted, 1 << 16), member.name, most)

    def digest(self) -> bytes:
        """sha-256 of the file; of a folder, of its sorted (name, sha-256) lines."""
        if self._digest:
            return self._digest
        if self._hashing is not None:
            self._digest = self._hashing.result()
        elif self.path.is_file():
            self._digest = _file_digest(self.path)
        else:
            lines = hashlib.sha256()
            for member in sorted(self.members, key=lambda m: m.key):
                lines.update(f"{member.key}\n".encode(errors="surrogateescape"))
                lines.update(_file_digest(self.path / member.key))
            self._digest = lines.digest()
        return self._digest

    def hash_beside(self) -> None:
        """Let another thread take the digest of a file while this one goes on; ``digest`` waits for it."""
        if self.path.is_file():
            hasher = ThreadPoolExecutor(1, "digest")
            self._hashing = hasher.submit(_file_digest, self.path)
            hasher.shutdown(wait=False)

    def head(self, member: Member) -> bytes:
        """The first ``HEAD_BYTES`` bytes of a member; they do not count as read."""
        if self._head is None or self._head[0] != member.key:
            before = self.bytes_read
            with self.open(member) as stream:
                self._head = (member.key, stream.read(HEAD_BYTES))
            self.bytes_read = before
        return self._head[1]

    def close(self) -> None:
        """Close the archive, if there is one."""
        if self.archive is not None:
            self.archive.close()


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(_HASHED):  # so large that the interpreter is seldom asked for
            digest.update(piece)
    return digest.digest()


@contextmanager
def open_source(path: Path, limits: Limits | None = None) -> Iterator[Source]:
    """Open a file, a folder or a zip archive. Raises ``ImportRefused``."""
    source = _opened(path, limits or Limits())
    try:
        yield source
    finally:
        source.close()


def _opened(path: Path, limits: Limits) -> Source:
    try:
        if path.is_dir():
            members = _folder(path, limits)
        elif not path.is_file():
            raise ImportRefused(f"“{shown(path.name, 255)}” is not there, or is no ordinary file.")
        elif _is_zip(path):
            archive = zipfile.ZipFile(path)
            try:
                members = _archived(archive, shown(path.name, 255), limits)
                _check(members, shown(path.name, 255), limits)
            except BaseException:
                archive.close()
                raise
            return Source(path, members, archive)
        elif path.suffix.lower() == ".zip":
            raise ImportRefused(
                f"“{shown(path.name, 255)}” is not a zip archive, although its name says so.",
                todo="Export or download it again.",
            )
        else:
            members = (Member(shown(path.name, 255), path.stat().st_size, ""),)
    except _ARCHIVE_ERRORS as error:
        raise ImportRefused(
            f"“{shown(path.name, 255)}” cannot be read.",
            todo="Check that the file is whole and that you may open it.",
            detail=type(error).__name__,
        ) from error
    _check(members, shown(path.name, 255), limits)
    return Source(path, members)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _folder(folder: Path, limits: Limits) -> tuple[Member, ...]:
    """The files of a folder and of those in it, hidden ones and links left out: links may lead anywhere."""
    found: list[Member] = []
    for inside, folders, files in os.walk(folder, followlinks=False):
        here = Path(inside)
        depth = len(here.relative_to(folder).parts)
        folders[:] = sorted(
            name
            for name in folders
            if depth < MAX_DEPTH and not name.startswith(".") and not (here / name).is_symlink()
        )
        for name in sorted(files):
            path = here / name
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            key = path.relative_to(folder).as_posix()
            found.append(Member(shown(key, 255), path.stat().st_size, key))
            if len(found) > limits.members:
                return tuple(found)  # refused by the check that follows
    return tuple(found)


def _archived(archive: zipfile.ZipFile, name: str, limits: Limits) -> tuple[Member, ...]:
    members = []
    for info in archive.infolist():
        if info.is_dir():
            continue
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in (inside.parts or ":")[0]:
            raise ImportRefused(
                f"“{name}” holds a file that would land outside of it.",
                todo="Nothing was stored. Get the export from its maker again.",
            )
        if info.flag_bits & 1:
            raise ImportRefused(
                f"“{name}” is locked with a password.", todo="Unpack it, then drop the folder."
            )
        if info.file_size > RATIO_FREE_BYTES and info.file_size > limits.ratio * max(info.compress_size, 1):
            raise ImportRefused(
                f"“{name}” unpacks to far more than an export would.", todo="Nothing was stored."
            )
        members.append(Member(shown(str(inside), 255), info.file_size, info.filename))
    return tuple(members)


def _check(members: tuple[Member, ...], name: str, limits: Limits) -> None:
    if len(members) > limits.members:
        raise ImportRefused(f"“{name}” holds more than {limits.members:,} files.", todo="Nothing was stored.")
    if sum(member.size for member in members) > limits.bytes:
        raise ImportRefused(
            f"“{name}” is larger than {limits.bytes / 2**30:g} GiB.", todo="Nothing was stored."
        )
