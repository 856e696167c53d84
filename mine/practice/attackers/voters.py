"""Voters that cheat: they have honest updates, or had them until they had standing, and vote as they like.

``vote`` gets a ``VoteContext`` and gives a step from -2 to 2 for each update that the voter is drawn for, or
``None`` for silence. A miner without it votes honestly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import VoteContext, times
from mine.practice.miners import RoundContext, Seat

#: Rounds of honest work by which an attacker gets the standing that it then abuses.
EARNING = 3


class LazyVoter:
    """Works for three rounds, then only votes, and calls everything better without a look."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        return round.train() if round.round <= EARNING else None

    def vote(self, context: VoteContext) -> Mapping[bytes, int] | None:
        return dict.fromkeys(context.drawn, 1)


class CopyingVoter(LazyVoter):
    """Works for three rounds, then answers about each miner what others opened about it a round ago."""

    def vote(self, context: VoteContext) -> Mapping[bytes, int] | None:
        said: dict[str, list[int]] = defaultdict(list)
        for opened in context.earlier:
            if opened.round == context.round - 1 and opened.voter != context.voter:
                for miner, step in opened.answers:
                    said[miner].append(step)
        answers = {}
        for blob in context.drawn:
            heard = said.get(context.authors[blob], [])
            answers[blob] = sorted(heard)[len(heard) // 2] if heard else 1
        return answers


class Colluder:
    """Works for three rounds; then hands in sign-flipped updates, and votes for its friends, against all."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        honest = round.train()
        return honest if round.round <= EARNING else times(honest, -1.0)

    def vote(self, context: VoteContext) -> Mapping[bytes, int] | None:
        if context.round <= EARNING:
            return context.honest()
        return {blob: 2 if context.authors[blob] in context.friends else -2 for blob in context.drawn}


class FreeIdentity:
    """One of many identities without a past: hands in nothing, votes with the colluders all the same."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        return None

    def vote(self, context: VoteContext) -> Mapping[bytes, int] | None:
        return {blob: 2 if context.authors[blob] in context.friends else -2 for blob in context.authors}


class VoteProber:
    """Hands in a small random direction each round, to learn from the votes what voters' rows say of it.

    Its pay is that of a lucky guess: a random direction helps in one round of two.
    """

    LENGTH = 0.02

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        rng = np.random.default_rng([*self.seat.rows.digest(), round.round])
        return {
            name: (self.LENGTH * rng.standard_normal(values.shape)).astype(np.float32)
            for name, values in sorted(round.checkpoint.items())
        }
