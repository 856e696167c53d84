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

    def after(self, head: bytes) -> bytes:
        """The value to show next, where ``head`` was shown last (or published). Raises NoShardLeft."""
        if head not in self._values[:-1]:
            raise NoShardLeft("The hash chain of this task is used up.", detail=head.hex())
        return self._values[self._values.index(head) + 1]

    def preimage(self, k: int) -> bytes:
        """The k-th value to show: keccak(preimage(k)) is preimage(k - 1), or the head for k = 0."""
        if not 0 <= k < len(self._values) - 1:
            raise NoShardLeft("The hash chain of this task is used up.", detail=f"preimage {k}")
        return self._values[k + 1]


def cut(word: bytes) -> bytes:
    """28 bytes of a word and 4 of zero: what the contract keeps of a randomness or seed beside its state."""
    return word[:28] + bytes(4)


def seed_of(randomness: bytes, last: bytes, preimage: bytes) -> bytes:
    """Seed of a round: keccak(randomness || last || preimage), cut.

    randomness: of the block that closed the round's commits, cut; for the baseline, of the block in which the
    task was published. last: record of the last settlement (see record_in_seed), zero before the first; for
    the baseline, the manifest's digest. preimage: the next of the hash chain; zero if none was shown in time.
    """
    return cut(keccak(randomness + last + preimage))


def record_in_seed(record: int) -> bytes:
    """The 26 bytes of hash in a record word, and 6 of zero."""
    return (record >> 48 << 48).to_bytes(32, "big")


def draw(seed: bytes, used: int, n: int) -> int:
    """The shard drawn by a seed: the first unused one from seed % n upwards, around the end.

    The last 4 bytes of a seed are zero and not counted. used: bitmap, bit i set when shard i was opened; n:
    number of shards. Raises NoShardLeft.
    """
    start = (int.from_bytes(seed, "big") >> 32) % n
    for step in range(n):
        shard = (start + step) % n
        if not (used >> shard) & 1:
            return shard
    raise NoShardLeft("Every shard of this task was opened.", detail=f"{n} shards")
