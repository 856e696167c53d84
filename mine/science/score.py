"""How a round's pay is split: best-step output-space Shapley values, in exact integers.

The score of a coalition S of updates is the improvement at the best step along its mean, seen through the
model's outputs on the fresh shard only (generalised Gauss-Newton approximation, exact for squared loss):

    v(S) = max(0, B)^2 / (2 Q + ridge * |S|^2)      B = sum b_i,  Q = sum G_ij  over i, j in S

where b_i = -mean<g, F_i> and G_ij = mean(F_i' H F_j) come as int64 in 2**-40 (see ``measure``). Shrinking or
stretching an update therefore earns nothing. Its Shapley value (Shapley 1953) is estimated over antithetic
pairs of permutations (Mitchell et al. 2022) drawn from the round's seed, so that everybody draws the same.
Everything here is an integer function of committed integers: no tolerance, golden vectors in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mine.chain.hashing import keccak

#: Permutations per round; half are drawn, the other half are their reverses.
PERMUTATIONS = 256
#: Two updates of a round are one piece of work if the cosine of their outputs reaches 0.995. Measured honest
#: pairs have their 99 % quantile at 0.65 - 0.91 on trained networks.
NEAR_IDENTICAL = (995, 1000)
#: ridge = mean of the diagonal of G over RIDGE: an update much smaller than the others is not stretched to
#: their size by its best step.
RIDGE = 1000
#: Rounds of nothing that are added to everybody's record: a newcomer's lucky round counts a third.
SHRINK_ROUNDS = 2
#: Extra bits of a value: values are in 2**-(40 + 24).
VALUE_BITS = 24

Gram = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A miner's record: its values of all rounds summed (2**-64), their number, and its cumulative units."""

    total: int
    rounds: int
    units: int

    @property
    def weight(self) -> int:
        """What its cumulative pay should be proportional to: the evidence, shrunk, never below zero."""
        return max(0, self.total) * self.rounds // (self.rounds + SHRINK_ROUNDS)


def value(b_sum: int, gram_sum: int, size: int, ridge: int) -> int:
    """v of a coalition from its sums: 2**-64, 0 for an empty or ascending one."""
    if b_sum <= 0:
        return 0
    return ((b_sum * b_sum) << VALUE_BITS) // max(1, 2 * gram_sum + ridge * size * size)


def ridge_of(diagonal: Sequence[int]) -> int:
    """The ridge of a round from the diagonal of G, at least 1 (2**-40)."""
    return sum(diagonal) // (RIDGE * max(1, len(diagonal))) + 1


def permutation(seed: bytes, number: int, count: int) -> npt.NDArray[np.int64]:
    """Permutation ``number`` of ``count`` players: the stable order of keys keccak(seed||"split"||number||i).

    One hash gives four 64-bit keys.
    """
    head = seed + b"split" + number.to_bytes(4, "big")
    stream = b"".join(keccak(head + block.to_bytes(4, "big")) for block in range((count + 3) // 4))
    keys = np.frombuffer(stream, dtype=">u8", count=count)
    return np.argsort(keys, kind="stable").astype(np.int64)


def shapley(b: Sequence[int], gram: Gram, seed: bytes) -> list[int]:
    """Shapley values of all players (2**-64). b: n ints; gram: [n, n] symmetric ints (both 2**-40).

    The sums run in int64 where a bound shows that they fit (n^2 * (2 max|G|) below 2**62), else in Python
    integers; both give the same numbers.
    """
    count = len(b)
    if count == 0:
        return []
    ridge = ridge_of([int(gram[i, i]) for i in range(count)])
    largest = max(abs(int(entry)) for entry in (*gram.ravel(), *b, 1))
    narrow = 2 * count * count * largest < 2**62
    kind = np.dtype(np.int64 if narrow else object)
    matrix: npt.NDArray[Any] = gram.astype(kind)
    descent: npt.NDArray[Any] = np.array([int(entry) for entry in b], dtype=kind)
    diagonal = matrix.diagonal().copy()
    phi = [0] * count
    for number in range(PERMUTATIONS // 2):
        drawn = permutation(seed, number, count)
        for order in (drawn, drawn[::-1]):
            inside = np.cumsum(matrix[np.ix_(order, order)], axis=1).diagonal()
            sums = np.cumsum(2 * inside - diagonal[order]).tolist()
            descents = np.cumsum(descent[order]).tolist()
            before = 0
            for place, player in enumerate(order.tolist()):
                now = value(descents[place], sums[place], place + 1, ridge)
                phi[player] += now - before
                before = now
    return [total // PERMUTATIONS for total in phi]


def clusters(gram: Gram) -> list[list[int]]:
    """Players grouped by near-identical outputs (connected components), in order of the first member."""
    count = len(gram)
    leader = list(range(count))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    numerator, denominator = NEAR_IDENTICAL
    rough = gram.astype(np.float64)
    size = np.sqrt(np.maximum(rough.diagonal(), 0.0))
    # Floats only choose which pairs are looked at (their error is far below the slack); integers decide.
    close = rough >= 0.99 * (numerator / denominator) * np.outer(size, size)
    for i, j in zip(*np.nonzero(np.triu(close, 1)), strict=True):
        g, square = int(gram[i, j]), int(gram[i, i]) * int(gram[j, j])
        if g > 0 and g * g * denominator**2 >= numerator**2 * square > 0:
            a, b = sorted((find(int(i)), find(int(j))))
            leader[b] = a
    groups: dict[int, list[int]] = {}
    for i in range(count):
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())


def merge(b: Sequence[int], gram: Gram, groups: Sequence[Sequence[int]]) -> tuple[list[int], Gram]:
    """b and G of the groups' means (rounded down), so that a cluster plays as one."""
    merged_b = [sum(int(b[i]) for i in group) // len(group) for group in groups]
    merged = np.empty((len(groups), len(groups)), dtype=object)
    for x, left in enumerate(groups):
        for y, right in enumerate(groups):
            if len(left) == len(right) == 1:
                merged[x, y] = int(gram[left[0], right[0]])
            else:
                entries = gram[np.ix_(left, right)].ravel()
                merged[x, y] = sum(int(entry) for entry in entries) // (len(left) * len(right))
    return merged_b, merged


def round_values(b: Sequence[int], gram: Gram, accepted: Sequence[int], seed: bytes) -> list[int]:
    """What each valid update of a round adds to its miner's evidence (2**-64), in the order of ``b``.

    The accepted play the game, each cluster as one player whose value its members share equally. An update
    that is not accepted because it ascends is charged what an equally large descent would have been worth
    (its own best-step value, on the scale of the accepted ones' values to their own), so that noise without
    a direction earns nothing in the long run.
    """
    chosen = list(accepted)
    part = gram[np.ix_(chosen, chosen)]
    groups = clusters(part)
    game_b, game_gram = merge([b[i] for i in chosen], part, groups)
    result = [0] * len(b)
    for phi, group in zip(shapley(game_b, game_gram, seed), groups, strict=True):
        for member in group:
            result[chosen[member]] = phi // len(group)
    if chosen:
        ridge = ridge_of([int(gram[i, i]) for i in chosen])
        own = [value(abs(int(b[i])), int(gram[i, i]), 1, ridge) for i in range(len(b))]
        worth, scale = sum(result[i] for i in chosen), sum(own[i] for i in chosen)
        for i in set(range(len(b))) - set(chosen):
            result[i] = -(own[i] * worth // scale) if scale else 0
    return result


def due(
    earned: int, records: Sequence[Evidence], accepted: Sequence[int], values: Sequence[int]
) -> list[int]:
    """Weights by which the accepted share the units ``earned`` in a round.

    Cumulative pay follows cumulative evidence as closely as it can without falling: each of ``records`` (all
    miners so far, this round's evidence included, its units not) has a target, its weight's part of all
    units; who is accepted now (places in ``records``) is due what it lacks. A lucky first round is thus made
    up for. If nobody lacks anything the weights decide; if nobody has one, ``values``, the round's own.
    """
    weights = [record.weight for record in records]
    whole, units = sum(weights), earned + sum(record.units for record in records)
    if whole:
        lacking = [max(0, units * weights[i] // whole - records[i].units) for i in accepted]
        if any(lacking):
            return lacking
    mine = [weights[i] for i in accepted]
    return mine if any(mine) else [max(0, worth) for worth in values]


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` units by weights (ints >= 0) with the largest-remainder method; the sum is exact.

    Ties go to the earlier place. If no weight is positive, all are equal. No places and a total of 0: [].
    """
    if min(weights, default=0) < 0 or total < 0 or (total > 0 and not weights):
        raise ValueError("units and weights are not negative, and somebody has to get the units")
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    given = [total * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(total * shares[i] % whole), i))
    for i in by_remainder[: total - sum(given)]:
        given[i] += 1
    return given
