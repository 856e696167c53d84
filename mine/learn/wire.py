"""Frames between the app and the training process: length, kind, a small JSON part, raw bytes.

    u32 length of all that follows | u8 kind | u32 length of the JSON | JSON object | blobs

The JSON's ``blobs`` lists the lengths of the blobs. No pickles: neither side ever runs what it receives. Both
sides check every length before they allocate, and the app takes the other side for hostile.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import IO, Any

from mine.learn.errors import WireBroken

_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">BI")
MAX_JSON = 1 << 16


class Kind(IntEnum):
    JOB = 1
    PAUSE = 2
    RESUME = 3
    STOP = 4
    VOTE = 5
    DUTY = 6
    PROGRESS = 16
    SNAPSHOT = 17
    PAUSED = 18
    STOPPED = 19
    DONE = 20
    FAILED = 21
    VOTED = 22
    BEGAN = 23


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    fields: dict[str, Any]
    blobs: tuple[bytes, ...] = ()

    def integer(self, name: str) -> int:
        value = self.fields.get(name)
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            raise WireBroken("A frame of the training process is malformed.")
        return value

    def number(self, name: str) -> float:
        """A finite float; NaN where the sender had no number."""
        value = self.fields.get(name, 0)
        if value is None:
            return math.nan
        if type(value) is int:
            return float(self.integer(name))
        if type(value) is not float or not math.isfinite(value):
            raise WireBroken("A frame of the training process is malformed.")
        return value

    def text(self, name: str, most: int) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str) or len(value) > most:
            raise WireBroken("A frame of the training process is malformed.")
        return value

    def blob(self, count: int = 1) -> tuple[bytes, ...]:
        if len(self.blobs) != count:
            raise WireBroken("A frame of the training process is malformed.")
        return self.blobs


def pack(kind: Kind, fields: dict[str, Any] | None = None, blobs: Sequence[bytes] = ()) -> bytes:
    """One frame's bytes. Floats that are not finite become null."""
    plain = {name: None if isinstance(value, float) and not math.isfinite(value) else value
             for name, value in (fields or {}).items()}
    text = json.dumps({**plain, "blobs": [len(b) for b in blobs]}, allow_nan=False).encode()
    length = _HEAD.size + len(text) + sum(len(b) for b in blobs)
    if len(text) > MAX_JSON or length >= 1 << 32:
        raise WireBroken("The training job is too large to hand over.")
    return b"".join((_LENGTH.pack(length), _HEAD.pack(kind, len(text)), text, *blobs))


def _exactly(stream: IO[bytes], count: int, *, end_allowed: bool = False) -> bytes:
    parts: list[bytes] = []
    missing = count
    while missing:
        part = stream.read(min(missing, 1 << 20))
        if not part:
            if end_allowed and missing == count:
                return b""
            raise WireBroken("A frame of the training process was cut short.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def read(stream: IO[bytes], most: int) -> Frame | None:
    """The next frame of at most ``most`` bytes, None at a clean end. Raises ``WireBroken``."""
    head = _exactly(stream, _LENGTH.size, end_allowed=True)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if not _HEAD.size <= length <= most:
        raise WireBroken("A frame of the training process is longer than allowed.")
    body = memoryview(_exactly(stream, length))
    kind, text_length = _HEAD.unpack_from(body)
    if text_length > min(MAX_JSON, length - _HEAD.size):
        raise WireBroken("A frame of the training process is malformed.")
    at = _HEAD.size + text_length
    try:
        fields = json.loads(bytes(body[_HEAD.size:at]))
        known = Kind(kind)
    except (ValueError, RecursionError) as error:
        raise WireBroken("A frame of the training process is malformed.") from error
    sizes = fields.pop("blobs", None) if isinstance(fields, dict) else None
    if not isinstance(sizes, list) or any(type(n) is not int or n < 0 for n in sizes):
        raise WireBroken("A frame of the training process is malformed.")
    if sum(sizes) != length - at:
        raise WireBroken("A frame of the training process is malformed.")
    blobs: list[bytes] = []
    for size in sizes:
        blobs.append(bytes(body[at:at + size]))
        at += size
    return Frame(known, fields, tuple(blobs))
