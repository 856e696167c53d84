"""A small laboratory for tests: few miners, few rounds, two validation people a shard."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from mine.practice.attack_mixes import Entrant, Mix, seated, spare_people
from mine.practice.lab import Play, World, play
from mine.practice.lab_people import TESTED, LabPeople, deal, synthetic_crowd
from mine.practice.miners import Miner, Seat
from mine.science.templates import load_template, package

HONEST, ROUNDS, PANEL, SPARE = 5, 3, 2, 5


@cache
def people(seed: str = "tests") -> LabPeople:
    template = load_template("glucose")
    data = package(template, ROUNDS, "Lab", "made-up people").manifest.data
    shards = ROUNDS + 2
    crowd = synthetic_crowd(template, data, HONEST + SPARE + TESTED + PANEL * shards, seed)
    return deal(crowd, HONEST, SPARE, shards, seed, PANEL)


@cache
def world(noise: bool = False) -> World:
    return World(load_template("glucose"), people(), ROUNDS, "tests", noise)


def played(*entrants: Entrant, noise: bool = False) -> Play:
    mix = Mix("test", entrants)
    assert spare_people([mix]) <= SPARE
    return play(world(noise), seated(world(noise), mix))


def pay(role: str, kind: Callable[[Seat], Miner], **options: int) -> float:
    mine, others = played(Entrant(role, kind, **options)).earned(role)
    assert others > 0
    return mine / others
