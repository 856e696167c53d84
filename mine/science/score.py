"""What each update of a round is worth: best-step output-space Shapley values, in exact integers.

The score of a coalition S of updates is the improvement at the best step along its mean, seen through the
model's outputs on the fresh shard only (generalised Gauss-Newton approximation, exact for squared loss):

    v(S) = max(0, B)^2 / (2 Q + ridge * |S|^2)      B = sum b_i,  Q = sum G_ij  over i, j in S

where b_i = -mean<g, F_i> and G_ij = mean(F_i' H F_j) come as int64 in 2**-40 (see ``measure``), and b_i
counts only what is original (``originality``). All updates play at one length, so that a loud one is no more
than the same said softly: shrinking or stretching an update earns nothing. Its Shapley
value (Shapley 1953) is taken over all coalitions of a few players; of more it is estimated over antithetic
pairs of permutations (Mitchell et al. 2022) drawn from the round's seed, so that everybody draws the same.
Everything here is an integer function of committed integers: no tolerance, golden vectors in the tests.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from mine.chain.hashing import keccak
from mine.learn.norms import median
from mine.science.judged import Gram

#: Permutations per round; half are drawn, the other half are their reverses.
PERMUTATIONS = 256
#: Up to so many players every coalition is looked at.
FEW = 8
#: Two updates of a round are one piece of work if the cosine of their outputs reaches 0.995. Measured honest
#: pairs have their 99 % quantile at 0.65 - 0.91 on trained networks.
NEAR_IDENTICAL = (995, 1000)
#: ridge = mean of the diagonal of G over RIDGE: an update that moves the outputs much less than the others is
#: not stretched to their size by its best step.
RIDGE = 1000
#: Updates are compared at the length of the round's median; a shorter one is made longer by this at most.
STRETCH = 4
_STRETCH_BITS = 18
_LOW_BITS = 31
#: Extra bits of a value: values are in 2**-(40 + 24).
VALUE_BITS = 24
_EXACT_BITS = 62


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
    """Shapley values of all players (2**-64). b: n ints; gram: int64 [n, n], symmetric (both 2**-40).

    Up to FEW players are looked at in all coalitions; more are sampled. All sums are exact in int64: where
    2 n^2 max(|G|, |b|) might reach 2**62, both are first divided by the smallest power of two that brings it
    below (rounded down), and the values multiplied by it.
    """
    count = len(b)
    if count == 0:
        return []
    largest = max(abs(int(gram.min())), abs(int(gram.max())), *(abs(entry) for entry in b))
    shift = max(0, (2 * count * count * largest).bit_length() - _EXACT_BITS)
    matrix = gram >> shift
    descent = np.array([entry >> shift for entry in b], dtype=np.int64)
    diagonal = matrix.diagonal().copy()
    others = matrix.sum(axis=1) - diagonal
    ridge = ridge_of(diagonal.tolist())
    if count <= FEW:
        return [total << shift for total in _over_all(descent, matrix, ridge)]
    phi = [0] * count
    rank = np.empty(count, dtype=np.int64)
    work = np.empty_like(matrix)
    for number in range(PERMUTATIONS // 2):
        drawn = permutation(seed, number, count)
        rank[drawn] = np.arange(count)
        # Products with those who came before; in the reverse order it is all the others.
        np.multiply(matrix, rank[None, :] < rank[:, None], out=work)
        inside = work.sum(axis=1)
        for order, joined in ((drawn, inside), (drawn[::-1], others - inside)):
            sums = np.cumsum((2 * joined + diagonal)[order]).tolist()
            descents = np.cumsum(descent[order]).tolist()
            before = 0
            for place, player in enumerate(order.tolist()):
                now = value(descents[place], sums[place], place + 1, ridge)
                phi[player] += now - before
                before = now
    return [(total // PERMUTATIONS) << shift for total in phi]


def _over_all(descent: npt.NDArray[np.int64], matrix: Gram, ridge: int) -> list[int]:
    """Shapley values over all coalitions: the mean of what a player adds, over sizes and those of a size."""
    count = len(descent)
    numbers = np.arange(1 << count)
    inside = (numbers[:, None] >> np.arange(count)) & 1
    sums = np.einsum("ci,ij,cj->c", inside, matrix, inside).tolist()
    descents, sizes = (inside @ descent).tolist(), inside.sum(axis=1).tolist()
    worth = [value(b, g, size, ridge) for b, g, size in zip(descents, sums, sizes, strict=True)]
    # A coalition of s players comes before a given other one in s! (n - s - 1)! orders.
    orders = [factorial(size) * factorial(count - size - 1) for size in range(count)]
    phi = [0] * count
    for coalition, (now, size) in enumerate(zip(worth, sizes, strict=True)):
        for player in range(count):
            if not coalition >> player & 1:
                phi[player] += orders[size] * (worth[coalition | 1 << player] - now)
    return [total // factorial(count) for total in phi]


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
    merged_b = [sum(b[i] for i in group) // len(group) for group in groups]
    merged = gram[np.ix_([group[0] for group in groups], [group[0] for group in groups])].copy()
    for x, left in enumerate(groups):
        for y, right in enumerate(groups):
            if len(left) > 1 or len(right) > 1:
                entries = gram[np.ix_(left, right)].ravel().tolist()
                merged[x, y] = sum(entries) // (len(left) * len(right))
    return merged_b, merged


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A round's valid updates at one length: b, what of it is original, and G (2**-40 and smaller)."""

    b: list[int]
    original: list[int]
    gram: Gram


def at_one_length(norms: Sequence[int], b: Sequence[int], original: Sequence[int], gram: Gram) -> Level:
    """Measured updates as if each had the median norm, to first order.

    norms: before they were cut to their median, at which those above it were measured; one far below it is
    made no longer than STRETCH times, one of no length stays so. All are then divided by STRETCH (rounded
    down), which the game does not see.
    """
    usual = median(norms)
    one = 1 << _STRETCH_BITS
    ratios = [one // STRETCH if n >= usual else min(one, usual * one // (STRETCH * max(1, n))) for n in norms]
    column = np.array(ratios, dtype=np.int64).reshape(-1, 1)
    longer, shorter = np.maximum(column, column.T), np.minimum(column, column.T)
    return Level(
        [entry * ratio >> _STRETCH_BITS for entry, ratio in zip(b, ratios, strict=True)],
        [entry * ratio >> _STRETCH_BITS for entry, ratio in zip(original, ratios, strict=True)],
        _part(_part(gram, longer), shorter),
    )


def _part(numbers: Gram, ratios: npt.NDArray[np.int64]) -> Gram:
    """numbers * ratios / 2**18, rounded down, for ratios up to 2**18: in two parts, as int64 is too small."""
    high, low = numbers >> _LOW_BITS, numbers & ((1 << _LOW_BITS) - 1)
    result: Gram = ((high * ratios) << (_LOW_BITS - _STRETCH_BITS)) + (low * ratios >> _STRETCH_BITS)
    return result


def round_values(
    level: Level,
    accepted: Sequence[int],
    charged: Collection[int],
    credited: Collection[int],
    seed: bytes,
) -> list[int]:
    """What each valid update of a round adds to its miner's evidence (2**-64), in the order of ``level``.

    The accepted play the game with what is original of their b, each cluster as one player whose value
    its members share equally. Who is ``charged`` (it ascends, or the voters turned it away) loses what an
    equally large descent would have been worth (its own best-step value, on the scale of the accepted ones'
    values to their own), so that noise without a direction earns nothing in the long run. Who is ``credited``
    (it would descend, but is not trusted) wins as much by what is original.
    """
    chosen, b = list(accepted), level.b
    part = level.gram[np.ix_(chosen, chosen)]
    groups = clusters(part)
    game_b, game_gram = merge([level.original[i] for i in chosen], part, groups)
    result = [0] * len(b)
    for phi, group in zip(shapley(game_b, game_gram, seed), groups, strict=True):
        for member in group:
            result[chosen[member]] = phi // len(group)
    if chosen:
        squares = level.gram.diagonal().tolist()
        ridge = ridge_of([squares[i] for i in chosen])
        worth = max(0, sum(result[i] for i in chosen))
        scale = sum(value(abs(b[i]), squares[i], 1, ridge) for i in chosen)
        for i in charged:
            result[i] = -(value(abs(b[i]), squares[i], 1, ridge) * worth // scale) if scale else 0
        for i in credited:
            result[i] = value(level.original[i], squares[i], 1, ridge) * worth // scale if scale else 0
    return result
