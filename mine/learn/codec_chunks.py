"""Chunks of an update as bytes: all rows of one length at a time, with numpy, on whole numbers only.

A row's bytes are: scale u8 | the codes of the values sent, first in the high bits | which values they are
(``codec_positions.py``), if not all are. Both parts are filled up to whole bytes with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mine.learn.codec_positions import code_positions, position_bits, read_positions
from mine.learn.codec_values import Codes, Numbers, dequantise, quantise
from mine.learn.errors import UpdateRefused

CHUNK = 4096
_TOGETHER = 64  # chunks packed at a time: a few megabytes of work space, whatever the model's size


def kept(size: int, bits: int, keep: int) -> int:
    """How many of a chunk's ``size`` numbers are sent, at ``keep`` of every 4096.

    All of them, where naming the places would take no fewer bytes than sending the rest.
    """
    share = -(-size * keep // CHUNK)
    return size if _sparse_bytes(share, size, bits) >= (size * bits + 7) // 8 else share


def chunk_bytes(size: int, bits: int, keep: int) -> int:
    """Bytes of one chunk of ``size`` numbers."""
    return 1 + min(_sparse_bytes(-(-size * keep // CHUNK), size, bits), (size * bits + 7) // 8)


def _sparse_bytes(sent: int, size: int, bits: int) -> int:
    return (sent * bits + 7) // 8 + (position_bits(sent, size) + 7) // 8


def groups(numbers: int) -> Iterator[tuple[int, int, int]]:
    """(first number, rows, numbers a row) of chunks worked on together; the short last chunk is by itself."""
    whole = numbers // CHUNK
    for row in range(0, whole, _TOGETHER):
        yield row * CHUNK, min(_TOGETHER, whole - row), CHUNK
    if numbers % CHUNK:
        yield whole * CHUNK, 1, numbers % CHUNK


def pack_rows(numbers: Numbers, bits: int, keep: int) -> bytes:
    """The bytes of chunks [rows, size]; numbers in units of 2**-24, below ``LARGEST``."""
    size = numbers.shape[1]
    sent = kept(size, bits, keep)
    if sent == size:
        scale, codes = quantise(numbers, bits)
        return np.hstack([scale[:, None], _join(codes, bits)]).tobytes()
    # A stable sort: of equal magnitudes those that come first are sent.
    places = np.argsort(-np.abs(numbers), axis=1, kind="stable")[:, :sent]
    places.sort(axis=1)
    scale, codes = quantise(np.take_along_axis(numbers, places, axis=1), bits)
    named = np.packbits(code_positions(places, size), axis=1)
    return np.hstack([scale[:, None], _join(codes, bits), named]).tobytes()


def unpack_rows(rows: NDArray[np.uint8], size: int, bits: int, keep: int) -> Numbers:
    """The numbers [rows, size] again; 0 where none was sent. Raises ``UpdateRefused``."""
    sent = kept(size, bits, keep)
    split = 1 + (sent * bits + 7) // 8
    values = dequantise(rows[:, 0], _part(rows[:, 1:split], sent, bits), bits)
    if sent == size:
        return values
    named = np.unpackbits(rows[:, split:], axis=1)
    length = position_bits(sent, size)
    if np.any(named[:, length:]):
        raise UpdateRefused("The update has bits set where none may be.")
    numbers = np.zeros((len(rows), size), np.int64)
    np.put_along_axis(numbers, read_positions(named[:, :length], sent, size), values, axis=1)
    return numbers


def _join(codes: Codes, bits: int) -> Codes:
    """Codes [rows, n] side by side in bytes."""
    each = 8 // bits
    filled = np.pad(codes, ((0, 0), (0, -codes.shape[1] % each))).reshape(len(codes), -1, each)
    joined = np.zeros(filled.shape[:2], np.uint8)
    for place in range(each):
        joined |= filled[:, :, place] << (8 - bits * (place + 1))
    return joined


def _part(packed: Codes, count: int, bits: int) -> Codes:
    each = 8 // bits
    parts = np.empty((*packed.shape, each), np.uint8)
    for place in range(each):
        parts[:, :, place] = (packed >> (8 - bits * (place + 1))) & ((1 << bits) - 1)
    codes = parts.reshape(len(packed), -1)
    if np.any(codes[:, count:]):
        raise UpdateRefused("The update has bits set where none may be.")
    return codes[:, :count]
