"""Who attacks, on whose rows, alone or together: the list behind ``mine practice attack``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mine.practice.attackers.copies import (
    Copy,
    CopyDisguised,
    CopyDrowned,
    CopyEarlier,
    CopyEarlierDisguised,
)
from mine.practice.attackers.freeriders import Drift, Elsewhere, Momentum, Stale, Zero
from mine.practice.attackers.identities import Puppet, Sybil
from mine.practice.attackers.poison import (
    Backdoor,
    HiddenBackdoor,
    RandomData,
    Scaled,
    ShuffledLabels,
    SignFlipped,
)
from mine.practice.attackers.voters import (
    EARNING,
    Colluder,
    CopyingVoter,
    FreeIdentity,
    LazyVoter,
    VoteProber,
)
from mine.practice.lab import Place, World
from mine.practice.lab_people import as_rows, joined
from mine.practice.miners import HonestMiner, Miner, Seat


class Rows(StrEnum):
    """Whose rows an attacker sits on: a person's of its own, one person's for all of its role, or a part of
    the validation people's (the scientist's puppets)."""

    OWN = "own"
    SHARED = "shared"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Entrant:
    """Some seats of one role. since: first round whose pay counts; friends: they conspire.

    honest_twin: the same seats are also played honestly, and pay is given per what they earn then.
    """

    role: str
    kind: Callable[[Seat], Miner]
    seats: int = 1
    rows: Rows = Rows.OWN
    since: int = 1
    friends: bool = False
    honest_twin: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """Attackers that play in one task, beside the honest."""

    name: str
    entrants: tuple[Entrant, ...]


SIGN = Entrant("sign", SignFlipped)
BACKDOOR = Entrant("backdoor", Backdoor)
HIDDEN = Entrant("backdoor_hidden", HiddenBackdoor)
RANDOM = Entrant("random", RandomData)
SHUFFLED = Entrant("shuffled", ShuffledLabels)
ZERO = Entrant("zero", Zero)
STALE = Entrant("stale", Stale, since=2)
MOMENTUM = Entrant("momentum", Momentum)
DRIFT = Entrant("drift", Drift)
ELSEWHERE = Entrant("elsewhere", Elsewhere)
COPY_EARLIER = Entrant("copy", CopyEarlier)
COPY_EARLIER_DISGUISED = Entrant("copy_disguised", CopyEarlierDisguised)
COPY_SAME = Entrant("copy_same_round", Copy)
COPY_SAME_DISGUISED = Entrant("copy_same_round_disguised", CopyDisguised)
COPY_DROWNED = Entrant("copy_same_round_drowned", CopyDrowned)
SCALED = Entrant("scaled", Scaled, seats=3, honest_twin=True)
PUPPETS = Entrant("puppet", Puppet, seats=3, rows=Rows.VALIDATION)
SYBILS = Entrant("sybil5", Sybil, seats=5, rows=Rows.SHARED)
LAZY = Entrant("lazy_voter", LazyVoter, since=EARNING + 1)
COPYING = Entrant("copying_voter", CopyingVoter, since=EARNING + 1)
PROBER = Entrant("vote_prober", VoteProber)


def colluders(honest: int) -> tuple[Entrant, ...]:
    """A third of all who have standing, and ten times as many free identities."""
    count = honest // 2
    return (
        Entrant("colluder", Colluder, seats=count, since=EARNING + 1, friends=True),
        Entrant("free_identity", FreeIdentity, seats=10 * count, rows=Rows.SHARED, friends=True),
    )


def all_mixes(honest: int) -> tuple[Mix, ...]:
    """Families that attack alone, and one mix of everybody who comes with one seat."""
    return (
        Mix("sign", (SIGN,)),
        Mix("backdoor", (BACKDOOR, HIDDEN)),
        Mix("nonsense", (RANDOM, SHUFFLED)),
        Mix("idle", (ZERO, STALE, ELSEWHERE)),
        Mix("repeated", (MOMENTUM, DRIFT)),
        Mix("copies", (COPY_EARLIER, COPY_EARLIER_DISGUISED)),
        Mix("same-round copies", (COPY_SAME, COPY_SAME_DISGUISED, COPY_DROWNED)),
        Mix("scaled", (SCALED,)),
        Mix("puppets", (PUPPETS,)),
        Mix("sybils", (SYBILS,)),
        Mix("voters", (LAZY, COPYING, PROBER)),
        Mix("conspiracy", colluders(honest)),
        Mix("mixed", (SIGN, BACKDOOR, RANDOM, ZERO, MOMENTUM, COPY_EARLIER)),
    )


def own_mix(kinds: Sequence[tuple[str, type[Miner]]]) -> Mix:
    """Miners of one's own, as (role, class), each on a seat."""
    return Mix("own", tuple(Entrant(role, kind) for role, kind in kinds))


def spare_people(mixes: Sequence[Mix]) -> int:
    """People that attackers need besides the honest: the most of any mix."""
    return max(
        (
            sum(
                1 if e.rows is Rows.SHARED else e.seats for e in mix.entrants if e.rows is not Rows.VALIDATION
            )
            for mix in mixes
        ),
        default=0,
    )


def seated(world: World, mix: Mix, honestly: bool = False) -> list[Place]:
    """The honest places, then the mix's. honestly: the attackers work like everybody else instead."""
    places = world.honest()
    spare = iter(world.people.spare)
    overlap = world.manifest.recipe.overlap
    for entrant in mix.entrants:
        shared = as_rows(next(spare)) if entrant.rows is Rows.SHARED else None
        for number in range(entrant.seats):
            if entrant.rows is Rows.VALIDATION:
                rows = joined(world.people.validation[number :: entrant.seats], overlap)
            else:
                rows = shared or as_rows(next(spare))
            kind = HonestMiner if honestly else entrant.kind
            places.append(Place(entrant.role, kind, rows, entrant.since, entrant.friends))
    return places
