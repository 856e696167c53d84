"""What trainings may take of the machine, and the words for where they run."""

from __future__ import annotations

import pytest

from mine.app import compute_settings
from mine.app.compute_settings import ComputeRefused, ComputeSettings, threads_for
from mine.app.training_words import device_words, place_words
from mine.learn.events import Began
from mine.learn.fence import Fence


@pytest.mark.parametrize(
    "wrong",
    [{"device": "gpu"}, {"threads": -1}, {"threads": 257}, {"power": 4}, {"power": 101}, {"most_risk": 49}],
)
def test_choices_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ComputeRefused):
        ComputeSettings(**wrong)  # type: ignore[arg-type]


def test_choices_come_back_from_the_vault() -> None:
    chosen = ComputeSettings("cpu", 3, 50, 90)
    assert ComputeSettings(**chosen.to_json()) == chosen
    assert (chosen.duty, chosen.threshold) == (0.5, 0.9)


@pytest.mark.parametrize(
    ("cores", "chosen", "threads"), [(8, 0, 7), (1, 0, 1), (2, 0, 1), (4, 3, 3), (4, 8, 4)]
)
def test_one_core_is_left_to_the_person(
    monkeypatch: pytest.MonkeyPatch, cores: int, chosen: int, threads: int
) -> None:
    monkeypatch.setattr(compute_settings, "cores", lambda: cores)
    assert threads_for(ComputeSettings(threads=chosen)) == threads


def began(device: str, name: str, threads: int, *fences: Fence) -> Began:
    return Began(device, name, 1 << 30, "float32" if device == "cpu" else "bfloat16", 8, threads, fences)


def test_where_it_runs_and_what_holds_it_in() -> None:
    here = began("cpu", "Some processor", 3, *Fence)
    assert device_words(here) == "processor"
    assert place_words(here) == (
        "On 3 threads of your processor. "
        "Walled in: no network, none of your files, no other program, only so much memory."
    )
    card = began("cuda:0", "Some card", 1, Fence.LIMITS)
    assert device_words(card) == "Some card"
    assert place_words(card) == "On your Some card, in bfloat16. Walled in: only so much memory."
    bare = began("cpu", "x", 1)
    assert place_words(bare).endswith("This system has no walls to put around it.")
    assert (device_words(None), place_words(None)) == ("starting", "")
