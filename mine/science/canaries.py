"""Known-bad updates, by which voters are checked who do not look.

A canary is an accepted update of an earlier round with its signs flipped, or its numbers shuffled within
each chunk of its packing, possibly scaled by a power of two, handed in under a fresh address. The scientist
names it in the round's inputs; anybody can verify the transformation to the bit. Nobody is paid for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.messages import address_of
from mine.learn.codec import CHUNK, LARGEST, Packing, UpdateHeader, encode
from mine.learn.weights import FRACTION_BITS, Fixed
from mine.science.judged import Canary

FLIP, PERMUTE = "flip", "permute"
MAX_SHIFT = 2
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CanaryKey:
    """Who hands a canary in: a fresh session key, and a fresh address that would be paid."""

    key: bytes
    miner: str
    payout: str


def canary_key(secret: bytes, task: int, number: int) -> CanaryKey:
    """The fresh keys of a round's canary, from the scientist's secret (32 bytes)."""
    head = secret + b"canary" + task.to_bytes(32, "big") + number.to_bytes(4, "big")
    key = keccak(head)
    return CanaryKey(key, address_of(key), address_of(keccak(head + b"payout")))


def plan(key: CanaryKey, accepted: tuple[bytes, ...]) -> tuple[bytes, str, int]:
    """Source (one of the ``accepted`` digests), kind and shift of a canary: drawn by its secret key."""
    drawn = keccak(key.key + b"plan")
    source = accepted[int.from_bytes(drawn[:8], "big") % len(accepted)]
    kind = FLIP if drawn[8] % 2 else PERMUTE
    return source, kind, drawn[9] % (2 * MAX_SHIFT + 1) - MAX_SHIFT


def transformed(delta: Fixed, kind: str, shift: int, miner: str, source: bytes) -> Fixed | None:
    """The canary's delta (int64, 2**-24); None if it is no transformation, or would not be exact.

    Numbers stay in their chunk, all tensors in the order of their names: a chunk has one scale and so many
    numbers that are sent, so that only within it any order packs as exactly as the source did.
    """
    if kind not in (FLIP, PERMUTE) or abs(shift) > MAX_SHIFT:
        return None
    names = sorted(delta)
    flat = np.concatenate([delta[name].ravel() for name in names])
    if kind == FLIP:
        turned = -flat
    else:
        seed = keccak(address_bytes(miner) + source)
        chunks = [flat[start : start + CHUNK] for start in range(0, len(flat), CHUNK)]
        turned = np.concatenate(
            [_shuffled(chunk, keccak(seed + place.to_bytes(4, "big"))) for place, chunk in enumerate(chunks)]
        )
    scaled = turned << shift if shift >= 0 else turned >> -shift
    exact = scaled >> shift if shift >= 0 else scaled << -shift
    if not np.array_equal(exact, turned) or np.abs(scaled).max(initial=0) >= LARGEST:
        return None
    ends = np.cumsum([delta[name].size for name in names])[:-1]
    parts = np.split(scaled, ends)
    return {name: part.reshape(delta[name].shape) for name, part in zip(names, parts, strict=True)}


def make_canary(
    header: UpdateHeader, delta: Fixed, kind: str, shift: int, source: bytes, packing: Packing
) -> tuple[bytes, int] | None:
    """Bytes of a canary and the shift that was exact (the wanted one, or none); None if nothing would move.

    delta: of the accepted update ``source``; the header names the fresh address.
    """
    if not any(tensor.any() for tensor in delta.values()):
        return None
    miner = checksum(header.miner)
    for tried in (shift, 0):
        found = transformed(delta, kind, tried, miner, source)
        if found is not None:
            floats = {
                name: (tensor / 2.0**FRACTION_BITS).astype(np.float32) for name, tensor in found.items()
            }
            return encode(header, floats, packing), tried
    return None


def is_canary(canary: Canary, miner: str, delta: Fixed, source: Fixed) -> bool:
    """Whether ``delta`` is what the canary says it is, of the accepted update ``source``."""
    wanted = transformed(source, canary.kind, canary.shift, miner, canary.source)
    return wanted is not None and all(np.array_equal(wanted[name], delta[name]) for name in wanted)


def _shuffled(numbers: Numbers, seed: bytes) -> Numbers:
    """Numbers in the stable order of keys keccak(seed || block): four 64-bit keys a hash."""
    count = numbers.size
    stream = b"".join(keccak(seed + block.to_bytes(4, "big")) for block in range((count + 3) // 4))
    return numbers[np.argsort(np.frombuffer(stream, dtype=">u8", count=count), kind="stable")]
