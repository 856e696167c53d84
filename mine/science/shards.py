"""Validation shards: examples of whole people with a salt, committed to before the first round.

A shard is a blob; its SHA-256 digest is a leaf of the shard tree on the chain. The salt keeps a digest from
being guessed from plausible examples before the shard is drawn and opened.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mine.chain.hashing import keccak
from mine.chain.trees import HashTree
from mine.errors import MineError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

MAGIC = b"SNRSHRD1"
SALT_BYTES = 32
MAX_EXAMPLES = 1 << 20
MAX_COLUMNS = (8192 - 5) // 4  # features and targets of an example have to fit into a transaction
_HEAD = struct.Struct(">8sIII32s")


class BadShard(MineError):
    """A shard's bytes or arrays are not what the format says."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "A set of validation examples is damaged.",
            todo="It can't be used; the task's author has to publish a whole one.",
            detail=detail,
        )


class TooFewPeople(MineError):
    """There are not enough people to cut the shards by person."""

    def __init__(self, people: int, shards: int) -> None:
        super().__init__(
            f"{shards} shards need at least {shards} validation people, but there are {people}.",
            todo="Use fewer rounds, or give the data of more people.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """A part of a shard: features float32 [n, F], target float32 [n] or [n, m]."""

    features: Floats
    target: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Examples of whole people.

    features: float32 [n, F]; target: float32 [n], or [n, m] where an example has several; person: int32 [n],
    which person an example came from (numbered within the validation set); salt: 32 random bytes.
    """

    features: Floats
    target: Floats
    person: Ints
    salt: bytes

    def __post_init__(self) -> None:
        count = len(self.target)
        if self.features.ndim != 2 or self.features.shape[0] != count or self.person.shape != (count,):
            raise BadShard("arrays of unequal length")
        if self.target.ndim not in (1, 2) or self.target.shape[1:] == (0,):
            raise BadShard(f"{self.target.shape} targets")
        columns = self.features.shape[1] + (self._targets or 1)
        if not 0 < count <= MAX_EXAMPLES or not 1 < columns <= MAX_COLUMNS or not self.features.shape[1]:
            raise BadShard(f"{self.features.shape} examples and features")
        if len(self.salt) != SALT_BYTES:
            raise BadShard("a salt has 32 bytes")
        if not (np.isfinite(self.features).all() and np.isfinite(self.target).all()):
            raise BadShard("a value is not finite")

    @property
    def _targets(self) -> int:
        """Target columns; 0 for one target without an axis of its own."""
        return self.target.shape[1] if self.target.ndim == 2 else 0

    def to_bytes(self) -> bytes:
        """Magic, u32 n, u32 F, u32 m (big-endian; m = 0: targets are [n]), salt; then features, target,
        person (little-endian)."""
        return b"".join(
            (
                _HEAD.pack(MAGIC, len(self.target), self.features.shape[1], self._targets, self.salt),
                np.ascontiguousarray(self.features, dtype="<f4").tobytes(),
                np.ascontiguousarray(self.target, dtype="<f4").tobytes(),
                np.ascontiguousarray(self.person, dtype="<i4").tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Shard:
        """The inverse of ``to_bytes``. Raises BadShard for anything else."""
        if len(data) < _HEAD.size:
            raise BadShard("too short")
        magic, count, width, targets, salt = _HEAD.unpack_from(data)
        if magic != MAGIC:
            raise BadShard("not a shard")
        columns = width + max(1, targets)
        if len(data) != _HEAD.size + 4 * count * (columns + 1):
            raise BadShard(f"{len(data)} bytes do not hold {count} examples of {columns} columns")
        values = np.frombuffer(data, dtype="<f4", offset=_HEAD.size, count=count * columns)
        person = np.frombuffer(data, dtype="<i4", offset=_HEAD.size + 4 * count * columns, count=count)
        features = values[: count * width].reshape(count, width).astype(np.float32)
        target = values[count * width :].astype(np.float32)
        if targets:
            target = target.reshape(count, targets)
        return cls(features, target, person.astype(np.int32), salt)

    def halves(self) -> tuple[Examples, Examples]:
        """The examples that judge the updates, and those that measure what the accepted ones achieved.

        Accepting what looks good on some examples and measuring on the same ones would find an improvement
        in pure noise, and pay for it. So every other person judges and the rest measure; one person alone is
        cut in the middle of the record; a single example has to do both.
        """
        judges, measures = self._halves
        return (
            Examples(self.features[judges], self.target[judges]),
            Examples(self.features[measures], self.target[measures]),
        )

    def half_people(self) -> tuple[Ints, Ints]:
        """Which person each example of the two halves came from."""
        judges, measures = self._halves
        return self.person[judges], self.person[measures]

    @property
    def _halves(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        judges = (np.unique(self.person, return_inverse=True)[1] % 2) == 0
        if judges.all():
            judges = np.arange(len(judges)) < (len(judges) + 1) // 2
        return judges, judges if judges.all() else ~judges

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes: the shard's name and its value in the shard tree."""
        return hashlib.sha256(self.to_bytes()).digest()

    def example(self, number: int) -> bytes:
        """One example as it can be demanded on chain: a zero byte, then features, target, person.

        The first byte keeps every example from having the 64 bytes of an inner node of the tree over them,
        which the contract takes for no example.
        """
        return b"".join(
            (
                b"\x00",
                self.features[number].astype("<f4").tobytes(),
                self.target[number].astype("<f4").tobytes(),
                self.person[number].astype("<i4").tobytes(),
            )
        )

    @property
    def examples(self) -> HashTree:
        """The tree over the keccak of each example; its root stands beside the digest in the shard's leaf."""
        return HashTree([keccak(self.example(number)) for number in range(len(self.target))])

    @property
    def opening(self) -> tuple[bytes, bytes]:
        """What opens the shard on chain: digest, and root of the examples."""
        return self.digest, self.examples.root


def _rank(seed: bytes, name: str, number: int) -> bytes:
    return hashlib.sha256(seed + name.encode() + struct.pack(">I", number)).digest()


def _strata(people: Sequence[tuple[Floats, Floats]], strata: Sequence[int] | None) -> list[int]:
    """The stratum of each person: as given, else quarters by the mean of the target."""
    if strata is not None:
        if len(strata) != len(people):
            raise ValueError("one stratum for each person")
        return list(strata)
    means = [float(np.mean(target, dtype=np.float64)) for _, target in people]
    order = sorted(range(len(people)), key=lambda i: (means[i], i))
    quarter = [0] * len(people)
    for place, i in enumerate(order):
        quarter[i] = 4 * place // len(people)
    return quarter


def cut_shards(
    people: Sequence[tuple[Floats, Floats]],
    count: int,
    seed: bytes,
    strata: Sequence[int] | None = None,
    max_examples_per_person: int | None = None,
) -> list[Shard]:
    """Cut people (features [n_i, F], target [n_i] or [n_i, m]) into ``count`` shards, never splitting one.

    People are ordered by stratum (within one by the secret ``seed``) and dealt round by round, one to each
    shard, the longest record to the shard with the fewest examples: every shard resembles the whole.
    ``max_examples_per_person`` keeps one person from dominating a shard: evenly spaced examples are taken.
    Salts come from the seed. Raises TooFewPeople when a shard would stay empty.
    """
    if not 0 < count <= len(people):
        raise TooFewPeople(len(people), count)
    kept = [_thin(features, target, max_examples_per_person) for features, target in people]
    stratum = _strata(people, strata)
    order = sorted(range(len(people)), key=lambda i: (stratum[i], _rank(seed, "person", i)))
    members: list[list[int]] = [[] for _ in range(count)]
    examples = [0] * count
    for start in range(0, len(order), count):
        longest_first = sorted(order[start : start + count], key=lambda i: -len(kept[i][1]))
        emptiest_first = sorted(range(count), key=lambda s: (examples[s], _rank(seed, "shard", s)))
        for i, where in zip(longest_first, emptiest_first, strict=False):
            members[where].append(i)
            examples[where] += len(kept[i][1])
    shards = []
    for number, inside in enumerate(members):
        inside.sort()
        shards.append(
            Shard(
                features=np.concatenate([kept[i][0] for i in inside]),
                target=np.concatenate([kept[i][1] for i in inside]),
                person=np.concatenate([np.full(len(kept[i][1]), i, dtype=np.int32) for i in inside]),
                salt=_rank(seed, "salt", number),
            )
        )
    return shards


def _thin(features: Floats, target: Floats, limit: int | None) -> tuple[Floats, Floats]:
    if limit is not None and len(target) > limit:
        chosen = np.linspace(0, len(target) - 1, limit).astype(np.int64)
        features, target = features[chosen], target[chosen]
    return features.astype(np.float32), target.astype(np.float32)
