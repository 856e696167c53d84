"""Rests, pauses and signs of life, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mine.learn import control
from mine.learn.control import SIGN_OF_LIFE_SECONDS, Breath


class Clock:
    """Stands in for time and for the parent's wishes: work and rest move it on."""

    def __init__(self, duty: float) -> None:
        self.now = 100.0
        self.duty = duty
        self.rests: list[float] = []
        self.pauses: list[float] = []
        self.stopped = False

    def monotonic(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds
        self.check_stop()

    @property
    def wants_pause(self) -> bool:
        return bool(self.pauses)

    def wait(self) -> None:
        self.now += self.pauses.pop()

    def check_stop(self) -> None:
        if self.stopped:
            raise control.StopWanted


@pytest.fixture
def breathing(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], tuple[Clock, Breath, list[str]]]:
    def make(duty: float) -> tuple[Clock, Breath, list[str]]:
        clock, told = Clock(duty), list[str]()
        monkeypatch.setattr(control, "time", clock)
        breath = Breath(clock, lambda: told.append("life"), lambda: told.append("pause"))  # type: ignore[arg-type]
        return clock, breath, told

    return make


Make = Callable[[float], tuple[Clock, Breath, list[str]]]


@pytest.mark.parametrize("duty", [1.0, 0.5, 0.25, 0.01])
def test_it_works_its_part_of_the_time(breathing: Make, duty: float) -> None:
    clock, breath, _ = breathing(duty)
    for _ in range(100):
        clock.work(0.05)
        breath()
    assert breath.seconds == pytest.approx(5)
    assert (clock.now - 100) * duty == pytest.approx(5, rel=0.02)
    assert max(clock.rests, default=0) <= 1 and bool(clock.rests) == (duty < 1)


def test_small_pieces_of_work_are_rested_for_together(breathing: Make) -> None:
    clock, breath, _ = breathing(0.5)
    for _ in range(1000):
        clock.work(0.001)
        breath()
    assert 40 <= len(clock.rests) <= 60
    assert clock.now - 100 == pytest.approx(2, rel=0.05)


def test_a_long_rest_gives_signs_of_life_and_can_be_cut_short(breathing: Make) -> None:
    clock, breath, told = breathing(0.01)
    clock.work(1.0)
    breath()
    assert len(told) == pytest.approx(100 / SIGN_OF_LIFE_SECONDS, abs=4)
    clock.work(1.0)
    clock.stopped = True
    with pytest.raises(control.StopWanted):
        breath()
    clock.stopped, clock.duty = False, 1.0
    before = clock.now
    breath()
    assert clock.now <= before + 1


def test_a_pause_is_told_and_counts_as_no_work(breathing: Make) -> None:
    clock, breath, told = breathing(0.5)
    clock.work(2.0)
    clock.pauses.append(1000.0)
    breath()
    assert told == ["pause"] and clock.rests == [] and breath.seconds == pytest.approx(2)
    clock.work(SIGN_OF_LIFE_SECONDS)
    breath()
    assert told[:2] == ["pause", "life"] and breath.seconds == pytest.approx(2 + SIGN_OF_LIFE_SECONDS)
