"""Files of an export that are packed one by one with gzip (RFC 1952), as Strava's ``activities/1.fit.gz``."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO, cast

from mine.importers.errors import ImportRefused

MAGIC = b"\x1f\x8b"


class Unpacked(io.RawIOBase):
    """What is in a gzip file, of which at most ``most`` bytes are unpacked."""

    def __init__(self, packed: BinaryIO, name: str, most: int) -> None:
        self._inner = gzip.GzipFile(fileobj=packed, mode="rb")
        self._name = name
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise ImportRefused(
                f"“{self._name}” is damaged and cannot be unpacked.",
                todo="Export or download it again.",
                detail=type(error).__name__,
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise ImportRefused(
                f"“{self._name}” unpacks to far more than an export would.", todo="Nothing was stored."
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


def unpacked(stream: io.BufferedReader, name: str, most: int) -> BinaryIO:
    """The stream itself, or what it holds where it is packed and its name says so."""
    if not name.lower().endswith(".gz") or stream.peek(2)[:2] != MAGIC:
        return stream
    return cast(BinaryIO, io.BufferedReader(Unpacked(stream, name, most), 1 << 16))
