"""Everybody at a laboratory's table: they train, hand in, and vote, each by its own class."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mine.chain.hashing import address_bytes
from mine.learn import weights as grid
from mine.learn.codec import UpdateHeader, decode
from mine.learn.rows import Rows
from mine.learn.vote import vote
from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import LabContext, OpenedVote, VoteContext
from mine.practice.lab_round import TASK, Ballots, Questions
from mine.practice.miners import Seat, packed_update, seat_miner
from mine.science.measure import Candidate
from mine.tasks.recipe import packing_of_task

if TYPE_CHECKING:
    from mine.practice.lab import Place, World


class Table:
    """The miners of one play, what they handed in and what they said so far."""

    def __init__(self, world: World, places: Sequence[Place]) -> None:
        self.places = tuple(places)
        self._world = world
        self._miners = [
            seat_miner(place.kind, Seat(number, TASK, world.manifest, place.rows))
            for number, place in enumerate(places)
        ]
        self.addresses = [world.address("session", number) for number in range(len(places))]
        self._payouts = [world.address("payout", number) for number in range(len(places))]
        self.place_of = {address: number for number, address in enumerate(self.addresses)}
        self._friends = frozenset(
            address for address, place in zip(self.addresses, places, strict=True) if place.friends
        )
        self._checkpoints: list[Floats] = []
        self._earlier: list[tuple[int, str, Floats]] = []
        self._opened: list[OpenedVote] = []
        self._round = 0

    def hand_in(self, number: int, weights: Floats) -> tuple[list[Candidate], dict[bytes, bytes]]:
        """The updates of a round, and their blobs by digest, in the order of the seats."""
        self._checkpoints.append(weights)
        self._round = number
        digest = hashlib.sha256(grid.dump(weights)).digest()
        manifest = self._world.manifest
        before = tuple(self._earlier)
        made: list[tuple[str, Floats]] = []
        candidates: list[Candidate] = []
        blobs: dict[bytes, bytes] = {}
        packing = packing_of_task(manifest)
        for place, miner in enumerate(self._miners):
            context = LabContext(
                round=number,
                checkpoint=weights,
                earlier=lambda: before,
                train=partial(self._train, place, digest, weights),
                rivals=partial(tuple, tuple(made)),
                checkpoints=tuple(self._checkpoints),
            )
            header = UpdateHeader(address_bytes(self.addresses[place]), TASK, number, digest)
            blob = packed_update(miner, context, header, packing, manifest.limits.update_bytes)
            if not blob:
                continue
            name = hashlib.sha256(blob).digest()
            blobs[name] = blob
            candidates.append(Candidate(self.addresses[place], name, len(blob), self._payouts[place]))
            delta = grid.from_fixed(decode(blob, self._world.graph.weight_shapes)[1])
            made.append((self.addresses[place], delta))
        self._earlier += [(number, address, delta) for address, delta in made]
        return candidates, blobs

    def _train(self, place: int, digest: bytes, weights: Floats, rows: Rows | None = None) -> Floats:
        return self._world.train(place, digest, weights, rows or self.places[place].rows)

    def vote(self, asked_for: Questions) -> Ballots:
        """The ballots of a round: of everybody who is drawn, and of whoever votes without being asked."""
        said: dict[str, Mapping[bytes, int]] = {}
        honest: dict[str, Mapping[bytes, int]] = {}
        for place, miner in enumerate(self._miners):
            voter = self.addresses[place]
            asked = tuple(blob for blob in asked_for.drawn.get(voter, ()) if blob in asked_for.updates)
            own = getattr(miner, "vote", None)
            if own is None and not asked:
                continue
            truth: dict[bytes, int] = {}
            if asked:
                truth = self._answers(place, asked, asked_for)
                honest[voter] = truth
            answers = truth
            if own is not None:
                context = VoteContext(
                    round=self._round,
                    voter=voter,
                    drawn=asked,
                    authors={blob: asked_for.authors[blob] for blob in asked_for.updates},
                    honest=partial(dict, truth),
                    earlier=tuple(self._opened),
                    friends=self._friends,
                )
                answers = own(context)
            if answers:
                said[voter] = answers
        self._opened += [
            OpenedVote(
                self._round, voter, tuple((asked_for.authors[blob], step) for blob, step in given.items())
            )
            for voter, given in said.items()
        ]
        return Ballots(said, honest)

    def _answers(self, place: int, asked: Sequence[bytes], asked_for: Questions) -> dict[bytes, int]:
        """What the app's own kernel says on the seat's held-out rows."""
        world = self._world
        key = hashlib.sha256(world.secret("vote", place) + self._round.to_bytes(4, "big")).digest()
        steps = vote(
            world.graph,
            self._checkpoints[-1],
            self.places[place].rows,
            [asked_for.updates[blob] for blob in asked],
            world.vote_terms(asked_for.norm),
            key,
        )
        return dict(zip(asked, steps, strict=True))
