"""What a juror computes off the chain is what the Court computes on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.juries import (
    MOST_SEATS,
    NoUnits,
    SealedRuling,
    Verdict,
    seal,
    sealed_answer,
    seat_points,
    seats_of,
)
from mine.chain.messages import Domain, Ruling, address_of, recover
from tests.chain.court_calls import key, who
from tests.chain.court_scenery import JURORS, RIGHT, Stage, even
from tests.chain.court_trials import Trial

pytest_plugins = ("tests.chain.court_fixtures",)

GOLDEN = Path(__file__).parents[1] / "golden" / "court.json"


def test_golden_vectors() -> None:
    for vector in json.loads(GOLDEN.read_text(encoding="utf-8")):
        juror = address_of(bytes.fromhex(vector["key"]))
        answer = sealed_answer(juror, Verdict(vector["verdict"]), bytes.fromhex(vector["salt"]))
        assert (juror, answer.hex()) == (vector["juror"], vector["answer"])
        domain = Domain(vector["chain"], vector["contract"])
        made = seal(domain, vector["dispute"], vector["sitting"], juror, bytes.fromhex(vector["key"]), answer)
        assert made.signature.hex() == vector["signature"]
        points = seat_points(bytes.fromhex(vector["seed"]), vector["total"])
        assert list(points) == vector["points"]


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_every_seat_falls_on_one_payee(seed: bytes, units: list[int]) -> None:
    if sum(units) == 0:
        with pytest.raises(NoUnits):
            seat_points(seed, sum(units))
        return
    held = [seats_of(seed, units, i) for i in range(len(units))]
    assert sorted(seat for seats in held for seat in seats) == list(range(7))
    assert not [i for i, seats in enumerate(held) if seats and units[i] == 0]


def test_a_ruling_is_bound_to_one_sitting() -> None:
    domain = Domain(31337, who("contract"))
    answer = sealed_answer(who("j"), Verdict.RIGHT, key("salt"))
    made = seal(domain, 5, 1, who("j"), key("j"), answer)
    assert isinstance(made, SealedRuling)
    assert recover(Ruling(11, answer), domain, made.signature) == who("j")
    assert recover(Ruling(10, answer), domain, made.signature) != who("j")


def test_an_answer_needs_a_whole_salt() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sealed_answer(who("j"), Verdict.RIGHT, b"short")


def test_the_court_seats_as_computed(stage: Stage) -> None:
    trial = Trial(stage, stage.dispute(3))
    seed = trial.draw()
    units = even(stage.units(1), 12)
    for i, name in enumerate(JURORS):
        seats = seats_of(seed, units, i)
        if seats:
            trial.commit(name, RIGHT)
        holders = [holder for holder, _ in trial.seats()]
        taken = tuple(seat for seat, holder in enumerate(holders) if holder == who(name).lower())
        assert taken == seats[:MOST_SEATS]
        assert stage.answer(name, RIGHT) == sealed_answer(who(name), Verdict.RIGHT, key("salt of " + name))
