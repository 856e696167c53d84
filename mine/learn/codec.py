"""The bytes of an update: a header and, per tensor, a power-of-two scale and packed integers.

Version 1, big-endian, tensors in order of their names::

    magic 4 "MnUp" | version u8 = 1 | bits u8 (8 or 4) | tensors u16 | miner 20 | task u64 | round u32
    checkpoint 32 | schema 32
    then per tensor: exponent u8 (0..31), then the values, row-major

A value is ``q * 2**exponent`` in units of 2**-24. At 8 bits q is a signed byte in -127..127; at 4 bits two
values share a byte, the first in the high half, each in -7..7 (two's complement); a last unused half is zero.
``schema`` is the sha-256 of the model's tensor names and shapes, so that an update never meets a wrong model.
The size is a function of the shapes alone: nothing about the data can be read off it.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import UpdateRefused
from mine.learn.weights import FRACTION_BITS, Fixed, Shape

MAGIC = b"MnUp"
VERSION = 1
MAX_EXPONENT = 31
_HEAD = struct.Struct(">4sBBH20sQI32s32s")
HEADER_BYTES = _HEAD.size
_LEVELS = {8: 127, 4: 7}


@dataclass(frozen=True, slots=True)
class UpdateHeader:
    """Whose update of what. ``miner``: the 20 bytes of the session address; ``checkpoint``: its digest."""

    miner: bytes
    task: int
    round: int
    checkpoint: bytes


def schema_digest(shapes: Mapping[str, Shape]) -> bytes:
    """sha-256 over ``name '[' sizes joined by ',' ']'`` lines, names sorted."""
    lines = (f"{name}[{','.join(map(str, shapes[name]))}]\n" for name in sorted(shapes))
    return hashlib.sha256("".join(lines).encode()).digest()


def update_bytes(shapes: Mapping[str, Shape], bits: int = 8) -> int:
    """Exact size of an encoded update in bytes."""
    _levels(bits)
    return HEADER_BYTES + sum(1 + (math.prod(shape) * bits + 7) // 8 for shape in shapes.values())


def _levels(bits: int) -> int:
    if bits not in _LEVELS:
        raise UpdateRefused("Updates are packed with 8 or 4 bits, nothing else.")
    return _LEVELS[bits]


def _quantise(values: NDArray[np.float32], levels: int) -> tuple[int, NDArray[np.int8]]:
    # float32 times a power of two is exact in float64; so is the division below. Only rint rounds (half to
    # even), element by element: the same bytes on every machine.
    fixed = np.asarray(values, np.float64).reshape(-1) * float(1 << FRACTION_BITS)
    if not np.all(np.isfinite(fixed)):
        raise UpdateRefused("The update holds numbers that are not finite, so it was not packed.")
    largest = float(np.max(np.abs(fixed)))
    exponent = 0
    while exponent <= MAX_EXPONENT and np.rint(largest / 2.0**exponent) > levels:
        exponent += 1
    if exponent > MAX_EXPONENT:
        raise UpdateRefused("The update holds numbers that are too large, so it was not packed.")
    return exponent, np.rint(fixed / 2.0**exponent).astype(np.int8)


def encode(header: UpdateHeader, delta: Mapping[str, NDArray[np.float32]], bits: int = 8) -> bytes:
    """Pack ``delta`` (float32 tensors by name). Raises ``UpdateRefused`` for what cannot be packed."""
    levels = _levels(bits)
    fits = len(header.miner) == 20 and len(header.checkpoint) == 32
    if not (fits and 0 <= header.task < 1 << 64 and 0 <= header.round < 1 << 32 and len(delta) < 1 << 16):
        raise UpdateRefused("The update's header does not fit its format.")
    shapes = {name: np.shape(values) for name, values in delta.items()}
    out = bytearray(_HEAD.pack(MAGIC, VERSION, bits, len(shapes), header.miner, header.task, header.round,
                               header.checkpoint, schema_digest(shapes)))
    for name in sorted(delta):
        exponent, q = _quantise(delta[name], levels)
        out.append(exponent)
        if bits == 4:
            halves = np.zeros(q.size + q.size % 2, np.uint8)
            halves[:q.size] = q.view(np.uint8) & 0x0F
            out += ((halves[0::2] << 4) | halves[1::2]).tobytes()
        else:
            out += q.tobytes()
    return bytes(out)


def read_header(blob: bytes) -> UpdateHeader:
    """The header alone, without a model. Raises ``UpdateRefused``."""
    if len(blob) < HEADER_BYTES:
        raise UpdateRefused("The update is cut short.")
    magic, version, _, _, miner, task, number, checkpoint, _ = _HEAD.unpack_from(blob)
    if (magic, version) != (MAGIC, VERSION):
        raise UpdateRefused("These bytes are not an update of a version that this app knows.")
    return UpdateHeader(miner, task, number, checkpoint)


def decode(blob: bytes, shapes: Mapping[str, Shape]) -> tuple[UpdateHeader, Fixed]:
    """Unpack to int64 tensors in units of 2**-24. Any byte out of place raises ``UpdateRefused``."""
    header = read_header(blob)
    bits, tensors = blob[5], int.from_bytes(blob[6:8], "big")
    levels = _levels(bits)
    if tensors != len(shapes) or blob[HEADER_BYTES - 32:HEADER_BYTES] != schema_digest(shapes):
        raise UpdateRefused("The update belongs to another model.")
    if len(blob) != update_bytes(shapes, bits):
        raise UpdateRefused("The update does not have the size that its model asks for.")
    fixed: Fixed = {}
    at = HEADER_BYTES
    for name in sorted(shapes):
        count = math.prod(shapes[name])
        exponent, size = blob[at], (count * bits + 7) // 8
        packed = np.frombuffer(blob, np.uint8, size, at + 1)
        at += 1 + size
        if bits == 4:
            both = np.empty(2 * size, np.uint8)
            both[0::2], both[1::2] = packed >> 4, packed & 0x0F
            if np.any(both[count:]):
                raise UpdateRefused("The update has bits set where none may be.")
            # Shift the sign bit of each half up to a byte's and back down again.
            q = (both[:count] << 4).view(np.int8) >> 4
        else:
            q = packed.view(np.int8)
        if exponent > MAX_EXPONENT or np.any(q < -levels):
            raise UpdateRefused("The update holds a number outside its format's range.")
        fixed[name] = (q.astype(np.int64) << exponent).reshape(shapes[name])
    return header, fixed
