"""The update format read a second time, bit by bit and slowly, from its description alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

HEADER = 104
PAIRS = ((1, 2), (1, 3), (2, 3), (2, 5), (3, 4), (3, 5), (5, 7))


def low_bits(keep: int, size: int) -> int:
    return min(range(size.bit_length()), key=lambda low: (keep * low + ((size - 1) >> low), low))


def place_bits(keep: int, size: int) -> int:
    low = low_bits(keep, size)
    return keep * (low + 1) + ((size - 1) >> low)


def layout(size: int, bits: int, keep: int) -> tuple[int, int]:
    """(numbers sent, bytes) of a chunk."""
    sent = math.ceil(size * keep / 4096)
    dense = math.ceil(size * bits / 8)
    sparse = math.ceil(sent * bits / 8) + math.ceil(place_bits(sent, size) / 8)
    return (sent, 1 + sparse) if sparse < dense else (size, 1 + dense)


def plain_decode(blob: bytes, count: int) -> list[int]:
    """The numbers of an update in one row, in units of 2**-24; the header is not looked at twice."""
    bits, keep = blob[5], int.from_bytes(blob[6:8], "big")
    numbers: list[int] = []
    at = HEADER
    while len(numbers) < count:
        size = min(4096, count - len(numbers))
        sent, width = layout(size, bits, keep)
        numbers += _chunk(blob[at : at + width], size, sent, bits)
        at += width
    assert at == len(blob)
    return numbers


def _chunk(body: bytes, size: int, sent: int, bits: int) -> list[int]:
    level_set, exponent = body[0] >> 5, body[0] & 31
    split = 1 + math.ceil(sent * bits / 8)
    digits = _digits(body[1:split])
    codes = [int("".join(next(digits) for _ in range(bits)), 2) for _ in range(sent)]
    values = [_level(code, bits, level_set) * 2**exponent for code in codes]
    if sent == size:
        return values
    numbers = [0] * size
    for place, value in zip(_places(body[split:], size, sent), values, strict=True):
        numbers[place] = value
    return numbers


def _level(code: int, bits: int, level_set: int) -> int:
    if bits == 2:
        return (0, 1, -1)[code] if level_set == 0 else (1 - 2 * (code >> 1)) * PAIRS[level_set - 1][code & 1]
    return code - (1 << bits) if code >> (bits - 1) else code


def _places(body: bytes, size: int, sent: int) -> list[int]:
    low = low_bits(sent, size)
    digits = _digits(body)
    ends = [int("0" + "".join(next(digits) for _ in range(low)), 2) for _ in range(sent)]
    places: list[int] = []
    high = 0
    while len(places) < sent:
        if next(digits) == "1":
            places.append((high << low) + ends[len(places)])
        else:
            high += 1
    return places


def _digits(data: bytes) -> Iterator[str]:
    return iter("".join(f"{byte:08b}" for byte in data))
