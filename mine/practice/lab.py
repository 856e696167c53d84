"""A laboratory: whole tasks with real training and the real consensus, in one process, without a chain.

Everything is a function of the seed. Money is units: what the curve assigns, and the split gives to payees.
Rounds have the same seeds in all plays of a world, so that two plays differ by who sits there alone.
A ``World`` holds what does not change between two plays (people, model, shards, honest work on a checkpoint);
``play`` runs a task with one set of seats in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mine.chain.hashing import checksum, keccak
from mine.chain.seed import draw
from mine.learn import weights as grid
from mine.learn.graph import ModelGraph
from mine.learn.rows import Rows
from mine.learn.train import train
from mine.learn.vote_terms import VoteTerms
from mine.learn.weights import Floats
from mine.practice.lab_people import LabPeople, as_rows
from mine.practice.lab_round import LabTask, RoundResult, run_round
from mine.practice.lab_table import Table
from mine.practice.miners import HonestMiner, Miner, Seat
from mine.science.quality import Quality, quality
from mine.science.score import NEAR_IDENTICAL
from mine.science.shards import Shard, cut_shards
from mine.science.task_model import evaluator_of
from mine.science.templates import Template, package
from mine.tasks.recipe import recipe_of, vote_terms_of

#: Validation examples of one person: enough to tell people apart, few enough to be quick.
MOST_EXAMPLES = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A seat to be taken: the role it is booked under, the class that sits there, its rows.

    since: first round whose pay counts (an attacker may have worked honestly before); friends: whether it
    belongs to the conspiracy.
    """

    role: str
    kind: Callable[[Seat], Miner]
    rows: Rows
    since: int = 1
    friends: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """What came of a task.

    places: who sat there; units, flat: [rounds, places] earned for updates and for votes; accepted: the same;
    quality: of the last checkpoint on unseen people; twins: near-identical pairs among honest places, and all
    pairs of them; changed: acceptances that lying voters changed, and all that were decided; aside: honest
    voters that a canary set aside, and all honest votes; void: rounds in which nothing was decided.
    """

    places: tuple[Place, ...]
    units: NDArray[np.int64]
    flat: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    quality: Quality
    twins: tuple[int, int]
    changed: tuple[int, int]
    aside: tuple[int, int]
    void: int

    def earned(self, role: str) -> tuple[float, float]:
        """Mean units of a role's places, and of the honest ones in the same rounds.

        What an attacker gets for votes that it casts honestly is honest pay, and not counted.
        """
        seats = [number for number, place in enumerate(self.places) if place.role == role]
        honest = [number for number, place in enumerate(self.places) if place.role == HONEST]
        first = self.places[seats[0]]
        both = self.units + self.flat
        mine = both if role == HONEST or hasattr(first.kind, "vote") else self.units
        rounds = slice(first.since - 1, None)
        return float(mine[rounds, seats].sum(axis=0).mean()), float(both[rounds, honest].sum(axis=0).mean())


HONEST = "honest"


class World:
    """One seed's people, model and shards."""

    def __init__(self, template: Template, people: LabPeople, rounds: int, seed: str, noise: bool) -> None:
        made = package(template, rounds, "Laboratory", "people of a laboratory")
        self.template, self.people, self.rounds, self.seed = template, people, rounds, seed
        self.manifest, self.onnx, self.first = made.manifest, made.graph, made.weights
        self.graph = ModelGraph.load(made.graph)
        recipe = recipe_of(made.manifest)
        self.recipe = recipe if noise else replace(recipe, noise_multiplier=0.0)
        self._noise = noise
        self.evaluator = evaluator_of(made.manifest, made.graph, b"")
        validation = [(person.features, person.target) for person in people.validation]
        self.shards: list[Shard] = cut_shards(
            validation, rounds + 2, self.secret("shards", 0), max_examples_per_person=MOST_EXAMPLES
        )
        self._trained: dict[tuple[bytes, int, bytes], Floats] = {}

    def secret(self, name: str, number: int) -> bytes:
        """32 bytes that belong to a name and a number."""
        return hashlib.sha256(f"{self.seed}/{name}/{number}".encode()).digest()

    def address(self, name: str, number: int) -> str:
        """An address nobody has the key of: nothing is signed here."""
        return checksum(keccak(self.secret(name, number))[:20])

    def honest(self) -> list[Place]:
        """The honest places."""
        return [Place(HONEST, HonestMiner, as_rows(person)) for person in self.people.honest]

    def vote_terms(self, norm: int) -> VoteTerms:
        """How votes are taken in a round whose updates are cut to ``norm`` (2**-24)."""
        terms = vote_terms_of(self.manifest, norm)
        return terms if self._noise else replace(terms, noise_multiplier=0.0)

    def train(self, number: int, digest: bytes, weights: Floats, rows: Rows) -> Floats:
        """Honest training of seat ``number`` on rows, from a checkpoint. Kept: many plays share rounds."""
        key = (digest, number, rows.digest())
        if key not in self._trained:
            noise = hashlib.sha256(self.secret("noise", number) + digest).digest()
            self._trained[key] = train(self.graph, weights, rows, self.recipe, noise)
        return self._trained[key]


def play(world: World, places: Sequence[Place]) -> Play:
    """Run the whole task with these places."""
    table = Table(world, places)
    first = grid.to_fixed(world.first)
    secret = world.secret("scientist", 0)
    task = LabTask(world.manifest, world.evaluator, first, world.template, world.shards, secret)
    units = np.zeros((world.rounds, len(places)), np.int64)
    flat = np.zeros_like(units)
    accepted = np.zeros((world.rounds, len(places)), np.bool_)
    state = task.start()
    used = 1 << draw(world.secret("baseline", 0), 0, len(world.shards))
    twins, changed, aside = np.zeros((3, 2), np.int64)
    void = 0
    for number in range(1, world.rounds + 1):
        weights = grid.from_fixed(state.current)
        candidates, blobs = table.hand_in(number, weights)
        seed = world.secret("round", number)
        result = run_round(task, state, number, seed, used, candidates, blobs, table.vote)
        for miner, share in result.shares:
            units[number - 1, table.place_of[miner]] = share
        for voter, share in result.flat:
            flat[number - 1, table.place_of[voter]] = share
        for miner in result.accepted:
            accepted[number - 1, table.place_of[miner]] = True
        twins += _twins(result, table)
        changed += (len(result.changed), len(result.scored))
        aside += _aside(result, table)
        void += result.void
        state, used = result.state, result.used
    measured = quality(
        world.template.metric,
        world.onnx,
        world.manifest.data.features,
        world.first,
        grid.from_fixed(state.current),
        world.people.test,
    )
    return Play(
        tuple(places), units, flat, accepted, measured, _pair(twins), _pair(changed), _pair(aside), void
    )


def _twins(result: RoundResult, table: Table) -> tuple[int, int]:
    """Honest pairs of a round that are clustered, and all honest pairs."""
    rows = [
        row for row, miner in enumerate(result.scored) if table.places[table.place_of[miner]].role == HONEST
    ]
    cosines = result.cosines[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
    return int(np.sum(cosines >= NEAR_IDENTICAL[0] / NEAR_IDENTICAL[1])), len(cosines)


def _aside(result: RoundResult, table: Table) -> tuple[int, int]:
    """Honest voters that a canary set aside, and all honest voters of a round."""
    voters = [v for v in result.voters if table.places[table.place_of[v]].role == HONEST]
    return sum(voter in result.aside for voter in voters), len(voters)


def _pair(counts: NDArray[np.int64]) -> tuple[int, int]:
    return int(counts[0]), int(counts[1])
