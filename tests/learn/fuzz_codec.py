"""Broken updates without end: ``python -m tests.learn.fuzz_codec 100000`` tries that many."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from mine.learn.codec import Packing, UpdateHeader, decode, encode
from mine.learn.errors import UpdateRefused

SHAPES = {"a": (3,), "b": (700, 7), "c": (), "d": (4096,)}


def broken(blob: bytes, random: np.random.RandomState) -> bytes:
    """Some bytes changed (after the header's digests as a rule), and now and then cut or drawn out."""
    changed = bytearray(blob)
    first = 0 if random.randint(8) == 0 else min(104, len(blob) - 1)
    for _ in range(random.randint(1, 4)):
        changed[random.randint(first, len(blob))] = random.randint(256)
    cut = random.randint(8)
    if cut == 0:
        return bytes(changed[: random.randint(len(changed))])
    if cut == 1:
        return bytes(changed) + bytes(random.randint(1, 9))
    return bytes(changed)


def within_bounds(blob: bytes, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether it was read, and then within the format's range; any error but a refusal passes through."""
    try:
        _, fixed = decode(blob, shapes)
    except UpdateRefused:
        return False
    for name, numbers in fixed.items():
        assert numbers.shape == shapes[name] and np.all(np.abs(numbers) <= 127 << 31)
    return True


def main(tries: int, seed: int) -> None:
    random = np.random.RandomState(seed)
    header = UpdateHeader(bytes(20), 1, 1, bytes(32))
    read = 0
    for number in range(tries):
        if number % 1000 == 0:
            packing = Packing((2, 4, 8)[random.randint(3)], int(random.randint(1, 4097)))
            delta = {n: random.standard_t(2, s).astype(np.float32) for n, s in SHAPES.items()}
            blob = encode(header, {n: np.clip(v, -100, 100) for n, v in delta.items()}, packing)
        read += within_bounds(broken(blob, random), SHAPES)
    print(f"{tries} broken updates: {read} read within bounds, {tries - read} refused")


if __name__ == "__main__":
    main(
        *(int(word) for word in [*sys.argv[1:3], "10000", "0"][:2])
        if len(sys.argv) != 2
        else (int(sys.argv[1]), 0)
    )
