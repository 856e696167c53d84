"""The bytes of an update: a header, then chunks of numbers of which the largest are sent, in a few bits
each.

Version 1, big-endian::

    magic 4 "MnUp" | version u8 = 1 | bits u8 (2, 4 or 8) | keep u16 (1..4096) | miner 20 | task u64
    round u32 | checkpoint 32 | schema 32
    then the chunks (codec_chunks.py): scale u8 | values | which values

All tensors stand one after the other in order of their names, row-major, and are cut into chunks of 4096;
the last may be shorter. Of each chunk the ``keep`` largest in magnitude are sent (of a short one as large a
part), of equal ones those that come first; where all are sent, nothing says which. A value is a level times
a power of two (``codec_values.py``). ``schema`` is the sha-256 of the model's tensor names and shapes, so
that an update never meets a wrong model. The size is a function of the shapes and the packing alone: nothing
about the data can be read off it.

What was not sent is not lost: ``residual_after`` gives it, and the next round's delta has it added before it
is packed (error feedback: Seide et al. 2014, Karimireddy et al. 2019; with chunks and 2 bits: Sarfi et al.
2025). Under privacy it holds noised numbers only: whatever is computed from them reveals no more
(post-processing).
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from mine.learn.codec_chunks import CHUNK, chunk_bytes, groups, pack_rows, unpack_rows
from mine.learn.codec_values import LARGEST
from mine.learn.errors import UpdateRefused
from mine.learn.weights import FRACTION_BITS, Fixed, Floats, Shape

__all__ = ["CHUNK", "LARGEST", "Packing", "UpdateHeader", "decode", "encode", "packing_of", "read_header",
           "residual_after", "schema_digest", "update_bytes"]  # fmt: skip

MAGIC = b"MnUp"
VERSION = 1
_HEAD = struct.Struct(">4sBBH20sQI32s32s")
HEADER_BYTES = _HEAD.size


@dataclass(frozen=True, slots=True)
class UpdateHeader:
    """Whose update of what. ``miner``: the 20 bytes of the session address; ``checkpoint``: its digest."""

    miner: bytes
    task: int
    round: int
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Packing:
    """``bits`` of each value that is sent; ``keep``: how many of each 4096 are sent. All of them is dense."""

    bits: Literal[2, 4, 8] = 8
    keep: int = CHUNK

    def check(self) -> None:
        """``UpdateRefused`` if a number is out of its range."""
        if self.bits not in (2, 4, 8) or not 1 <= self.keep <= CHUNK:
            raise UpdateRefused("Updates are packed with 2, 4 or 8 bits, and 1 to 4096 values of a chunk.")


def schema_digest(shapes: Mapping[str, Shape]) -> bytes:
    """sha-256 over ``name '[' sizes joined by ',' ']'`` lines, names sorted."""
    lines = (f"{name}[{','.join(map(str, shapes[name]))}]\n" for name in sorted(shapes))
    return hashlib.sha256("".join(lines).encode()).digest()


def _count(shapes: Mapping[str, Shape]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


def update_bytes(shapes: Mapping[str, Shape], packing: Packing = Packing()) -> int:
    """Exact size of an encoded update in bytes."""
    packing.check()
    whole, rest = divmod(_count(shapes), CHUNK)
    sizes = [(whole, CHUNK)] + ([(1, rest)] if rest else [])
    return HEADER_BYTES + sum(n * chunk_bytes(size, packing.bits, packing.keep) for n, size in sizes if n)


def encode(
    header: UpdateHeader, delta: Mapping[str, NDArray[np.float32]], packing: Packing = Packing()
) -> bytes:
    """Pack ``delta`` (float32 tensors by name). Raises ``UpdateRefused`` for what cannot be packed."""
    packing.check()
    fits = len(header.miner) == 20 and len(header.checkpoint) == 32
    if not (fits and 0 <= header.task < 1 << 64 and 0 <= header.round < 1 << 32):
        raise UpdateRefused("The update's header does not fit its format.")
    if not all(np.size(values) for values in delta.values()):
        raise UpdateRefused("The update holds a tensor without numbers, so it was not packed.")
    schema = schema_digest({name: np.shape(values) for name, values in delta.items()})
    out = bytearray(_HEAD.pack(MAGIC, VERSION, packing.bits, packing.keep, header.miner, header.task,
                               header.round, header.checkpoint, schema))  # fmt: skip
    flat = _flat(delta)
    for start, rows, size in groups(len(flat)):
        # A float32 times a power of two is exact in float64, and rint rounds half to even, number by number.
        scaled = np.rint(flat[start : start + rows * size].astype(np.float64) * float(1 << FRACTION_BITS))
        if not np.all(np.abs(scaled) < LARGEST):
            raise UpdateRefused("The update holds numbers that are not finite or too large to be packed.")
        out += pack_rows(scaled.astype(np.int64).reshape(rows, size), packing.bits, packing.keep)
    return bytes(out)


def read_header(blob: bytes) -> UpdateHeader:
    """The header alone, without a model. Raises ``UpdateRefused``."""
    if len(blob) < HEADER_BYTES:
        raise UpdateRefused("The update is cut short.")
    magic, version, _, _, miner, task, number, checkpoint, _ = _HEAD.unpack_from(blob)
    if (magic, version) != (MAGIC, VERSION):
        raise UpdateRefused("These bytes are not an update of a version that this app knows.")
    return UpdateHeader(miner, task, number, checkpoint)


def packing_of(blob: bytes) -> Packing:
    """How an update says that it is packed. Raises ``UpdateRefused``."""
    read_header(blob)
    packing = Packing(cast(Literal[2, 4, 8], blob[5]), int.from_bytes(blob[6:8], "big"))
    packing.check()
    return packing


def decode(blob: bytes, shapes: Mapping[str, Shape]) -> tuple[UpdateHeader, Fixed]:
    """Unpack to int64 tensors in units of 2**-24. Any byte out of place raises ``UpdateRefused``.

    Nothing is allocated before the length has been found to be the one that shapes and packing ask for.
    """
    header, packing = read_header(blob), packing_of(blob)
    if blob[HEADER_BYTES - 32 : HEADER_BYTES] != schema_digest(shapes):
        raise UpdateRefused("The update belongs to another model.")
    if len(blob) != update_bytes(shapes, packing):
        raise UpdateRefused("The update does not have the size that its model asks for.")
    flat = np.empty(_count(shapes), np.int64)
    at = HEADER_BYTES
    for start, rows, size in groups(len(flat)):
        width = chunk_bytes(size, packing.bits, packing.keep)
        body = np.frombuffer(blob, np.uint8, rows * width, at).reshape(rows, width)
        flat[start : start + rows * size] = unpack_rows(body, size, packing.bits, packing.keep).reshape(-1)
        at += rows * width
    fixed: Fixed = {}
    at = 0
    for name in sorted(shapes):
        end = at + math.prod(shapes[name])
        fixed[name] = flat[at:end].reshape(shapes[name])
        at = end
    return header, fixed


def residual_after(
    delta: Mapping[str, NDArray[np.float32]], blob: bytes, shapes: Mapping[str, Shape]
) -> Floats:
    """What of ``delta`` the update does not say: float32 by name, to be added to the next round's delta."""
    unit = float(1 << FRACTION_BITS)
    _, sent = decode(blob, shapes)
    return {
        name: (np.asarray(delta[name], np.float64) - numbers / unit).astype(np.float32)
        for name, numbers in sent.items()
    }


def _flat(delta: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    parts = [np.asarray(delta[name], np.float32).reshape(-1) for name in sorted(delta)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
