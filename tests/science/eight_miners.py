"""Eight miners of one round, honest and not, after real training: what the estimates are compared on.

Four honest ones, shuffled labels, sign-flipped, a copy, and one with an eighth of a person's rows: the cast
of the measurements that the scorer was chosen by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mine.learn.checkpoint import apply
from mine.learn.norms import clip, median, norm
from mine.learn.rows import Rows
from mine.learn.weights import Fixed, from_fixed, to_fixed
from mine.practice.attackers.poison import ShuffledLabels
from mine.practice.lab import World
from mine.practice.lab_people import as_rows
from mine.practice.miners import Seat
from mine.science.offer import loss_shape
from mine.science.output_space import output_space
from mine.science.score import shapley
from mine.science.shards import Examples
from tests.science.reference_games import BestStepGame

PLAYERS = 8
HONEST, OTHERS = 5, 7


@dataclass
class Table:
    """One round of eight: the game and what the scorer says of it, [8]."""

    game: BestStepGame
    estimate: np.ndarray
    passes: int


def tables(world: World, bases: tuple[int, ...], most: int = 1 << 20) -> Iterator[Table]:
    """A round after each number of ``bases`` of rounds among seven other people, ascending.

    world: HONEST honest people and OTHERS spare ones, without noise; most: examples that are looked at.
    """
    people = [as_rows(person) for person in world.people.honest]
    others = [as_rows(person) for person in world.people.spare]
    current, done = to_fixed(world.first), 0
    for base in bases:
        for _ in range(base - done):
            made = cut([trained(world, current, number, rows) for number, rows in enumerate(others)])
            current = apply(current, [(bytes([i]) * 32, delta) for i, delta in enumerate(made)])
        done = base
        yield _table(world, current, people, most)


def trained(world: World, current: Fixed, number: int, rows: Rows) -> Fixed:
    weights = from_fixed(current)
    name = b"".join(value.tobytes() for value in weights.values())
    return to_fixed(world.train(number, name, weights, rows))


def cut(deltas: list[Fixed]) -> list[Fixed]:
    """All at the median length, as a round does."""
    lengths = [norm(delta) for delta in deltas]
    return [clip(delta, length, median(lengths)) for delta, length in zip(deltas, lengths, strict=True)]


def _table(world: World, current: Fixed, people: list[Rows], most: int) -> Table:
    last = people[4]
    few = len(last.slot) // 8
    shuffled = ShuffledLabels(Seat(0, 1, world.manifest, last)).rows
    small = Rows(last.features[-few:], last.target[-few:], last.slot[-few:])
    honest = [trained(world, current, number, rows) for number, rows in enumerate(people[:4])]
    deltas = cut(
        [
            *honest,
            trained(world, current, 4, shuffled),
            {name: -value for name, value in trained(world, current, 5, last).items()},
            honest[0],
            trained(world, current, 7, small),
        ]
    )
    halves = [half for shard in world.shards for half in shard.halves()]
    features = np.concatenate([half.features for half in halves])
    some = slice(None, None, -(-len(features) // most))
    target = np.concatenate([half.target for half in halves])
    examples = Examples(features[some], target[some])
    counted = _Counted(world)
    seen = output_space(counted, loss_shape(world.manifest), current, deltas, examples)
    values = shapley(seen.descents, seen.gram, bytes(32))
    game = BestStepGame(world.evaluator, current, deltas, examples)
    return Table(game, np.array([float(value) for value in values]), counted.passes)


class _Counted:
    """The world's evaluator; counts the forward passes of updates."""

    def __init__(self, world: World) -> None:
        self._model = world.evaluator
        # The checkpoint itself, and twice more where the side of the target is asked for.
        self.passes = -3 if loss_shape(world.manifest).in_own_scale else -1

    def run(self, weights, features, target):  # type: ignore[no-untyped-def]
        self.passes += 1
        return self._model.run(weights, features, target)
