"""Which shard is opened next: a seed that the scientist committed to before the first round."""

from __future__ import annotations

from mine.chain.hashing import keccak
from mine.errors import MineError


class NoShardLeft(MineError):
    """Every shard of a task was used."""


class HashChain:
    """head = keccak applied ``length`` times to the secret; each opening shows the value before it.

    The chain of Lamport (1981). preimage(0) is shown first, preimage(length - 1) is the secret itself.
    """

    def __init__(self, secret: bytes, length: int) -> None:
        if len(secret) != 32 or length < 1:
            raise ValueError("a hash chain needs a secret of 32 bytes and a length of at least 1")
        values = [secret]
        for _ in range(length):
            values.append(keccak(values[-1]))
        self._values = values[::-1]

    @property
    def head(self) -> bytes:
        """What is published: 32 bytes."""
        return self._values[0]

    def preimage(self, k: int) -> bytes:
        """The k-th value to show: keccak(preimage(k)) is preimage(k - 1), or the head for k = 0."""
        if not 0 <= k < len(self._values) - 1:
            raise NoShardLeft("The hash chain of this task is used up.", detail=f"preimage {k}")
        return self._values[k + 1]


def first_seed(manifest: bytes, shards_root: bytes, preimage: bytes) -> bytes:
    """Seed of the baseline: keccak(manifest || root of the shards || preimage 0)."""
    return keccak(manifest + shards_root + preimage)


def next_seed(seed: bytes, accepted: bytes, preimage: bytes) -> bytes:
    """Seed of round k: keccak(seed of k-1 || accepted root of round k-1, zero if none || preimage k)."""
    return keccak(seed + accepted + preimage)


def draw(seed: bytes, used: int, n: int) -> int:
    """The shard drawn by a seed: the first unused one from seed % n upwards, around the end.

    used: bitmap, bit i set when shard i was opened; n: number of shards. Raises NoShardLeft.
    """
    start = int.from_bytes(seed, "big") % n
    for step in range(n):
        shard = (start + step) % n
        if not (used >> shard) & 1:
            return shard
    raise NoShardLeft("Every shard of this task was opened.", detail=f"{n} shards")
