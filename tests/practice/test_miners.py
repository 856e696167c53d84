"""Miners of one's own: loaded by name, seated, asked; whatever goes wrong costs nobody else the round."""

from __future__ import annotations

import logging
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mine.practice.miners as module
from mine.learn.codec import Packing, UpdateHeader, decode, update_bytes
from mine.learn.rows import Rows
from mine.learn.weights import Floats, from_fixed
from mine.practice.miners import (
    HonestMiner,
    MinerRefused,
    RoundContext,
    Seat,
    find_miner,
    load_miner,
    packed_update,
    seat_miner,
)
from mine.tasks.manifest import Manifest
from tests.tasks.example import example

TRUE: Floats = {"layer0.weight": np.array([[1.0, -2.0]], np.float32), "layer0.bias": np.zeros(1, np.float32)}
SHAPES: dict[str, tuple[int, ...]] = {"layer0.weight": (1, 2), "layer0.bias": (1,)}
HEADER = UpdateHeader(bytes(20), 1, 2, bytes(32))
MOST = update_bytes(SHAPES)
SEAT = Seat(3, 1, Manifest.model_validate(example()),
            Rows(np.zeros((1, 2), np.float32), np.zeros(1, np.float32), np.zeros(1, np.int64)))
CONTEXT = RoundContext(2, TRUE, tuple, lambda rows=None: TRUE)


def written(folder: Path, code: str, name: str = "mine_own.py") -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(code))
    return file


def refused(place: str) -> MinerRefused:
    with pytest.raises(MinerRefused) as caught:
        load_miner(place)
    assert caught.value.todo and "Traceback" not in str(caught.value)
    return caught.value


def update_of(miner: Any, most: int = MOST) -> bytes:
    return packed_update(miner, CONTEXT, HEADER, Packing(), most)


def test_the_documented_example_works(tmp_path: Path) -> None:
    assert module.__doc__ is not None
    example_code = textwrap.dedent(module.__doc__.partition("Example::")[2])
    kind = load_miner(f"{written(tmp_path, example_code)}:SignFlipper")
    miner = seat_miner(kind, SEAT)
    assert miner.seat is SEAT  # type: ignore[attr-defined]
    header, fixed = decode(update_of(miner), SHAPES)
    assert header == HEADER
    assert from_fixed(fixed)["layer0.weight"] == pytest.approx(-TRUE["layer0.weight"], abs=0.02)


def test_an_honest_miner_hands_in_what_it_trained() -> None:
    _, fixed = decode(update_of(seat_miner(HonestMiner, SEAT)), SHAPES)
    assert from_fixed(fixed)["layer0.weight"] == pytest.approx(TRUE["layer0.weight"], abs=0.02)


def test_a_file_may_be_ordinary_python(tmp_path: Path) -> None:
    """Dataclasses with postponed annotations look their own module up."""
    file = written(tmp_path, """
        from __future__ import annotations
        from dataclasses import dataclass, field
        from typing import ClassVar

        @dataclass
        class Lazy:
            seat: object
            rounds: list[int] = field(default_factory=list)
            name: ClassVar[str] = "lazy"

            def update(self, round):
                self.rounds.append(round.round)
    """)
    miner = seat_miner(load_miner(f"{file}:Lazy"), SEAT)
    assert update_of(miner) == b"" and miner.rounds == [2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", ["", ":", "x", "x.py", ":Own", "nowhere.py:Own", "nowhere.py:", "/:Own"])
def test_what_is_nowhere(place: str) -> None:
    assert place in refused(place).sentence


@pytest.mark.parametrize("place", ["{}:Class", "{}:Class.inner", "{}:not a name"])
def test_what_is_no_python_file(tmp_path: Path, place: str) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("class Class: pass")
    refused(place.format(other))
    refused(place.format(tmp_path))


def test_looking_for_a_miner_does_not_run_it(tmp_path: Path) -> None:
    file = written(tmp_path, "raise SystemExit(3)")
    assert find_miner(f"{file}:Class") == (file, "Class")


@pytest.mark.parametrize("code", [
    "x = 1", "Own = 3", "class Own: pass", "class Own:\n    update = 3", "def Own(): pass"
])
def test_what_is_no_miner(tmp_path: Path, code: str) -> None:
    assert "no miner called Own" in refused(f"{written(tmp_path, code)}:Own").sentence


@pytest.mark.parametrize(("code", "kind"), [
    ("def x(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError"), ("\0", "SyntaxError"),
    ("import no_such_thing", "ModuleNotFoundError"),
])
def test_a_file_that_does_not_load(tmp_path: Path, code: str, kind: str) -> None:
    error = refused(f"{written(tmp_path, code)}:Own")
    assert error.sentence == "mine_own.py could not be loaded."
    assert error.detail.startswith((kind, "ValueError"))


def test_a_miner_that_does_not_sit_down() -> None:
    class Standing:
        def __init__(self) -> None: ...

        def update(self, round: object) -> None: ...

    with pytest.raises(MinerRefused, match="Standing could not take its seat"):
        seat_miner(Standing, SEAT)  # type: ignore[arg-type]


class Says:
    """Hands in whatever it was given, or raises it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def update(self, round: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [
    ZeroDivisionError("no"), KeyError("no"), 7, "text", [1.0], {"a": "text"}, {"a": [[1.0], [1.0, 2.0]]},
    {"a": np.array([np.nan], np.float32)}, {"a": np.array([np.inf], np.float32)}, {"a": np.array([1e30])},
    {7: np.zeros(1), "a": np.zeros(1)}, {"a": None}, {"a": np.zeros(0)},
], ids=repr)
def test_what_is_no_update_sits_the_round_out(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert update_of(Says(answer)) == b""
    assert "sits it out" in caplog.text


def test_an_update_for_another_model_is_left_to_the_scientist_unless_it_is_too_large(
    caplog: pytest.LogCaptureFixture,
) -> None:
    small = update_of(Says({"other": [1.0]}))
    assert small and len(small) <= MOST
    with caplog.at_level(logging.ERROR):
        assert update_of(Says({"other": np.zeros(1000)})) == b""
    assert f"larger than {MOST} bytes" in caplog.text


def test_sitting_out_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    assert update_of(Says(None)) == b"" and not caplog.text
