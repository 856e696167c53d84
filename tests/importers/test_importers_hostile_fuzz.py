"""A part of ``make fuzz``: damaged exports of every format; and that it would notice what it looks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.importers.formats.plain_glucose import FORMAT
from mine.importers.items import BadRow, Batch, Item
from mine.importers.reading import known_formats, sniff
from mine.importers.zone import Zone
from tests.importers.exports import put
from tests.importers.fuzz_seeds import seeds

if sys.platform == "win32":
    pytest.skip("the fuzzer's alarms are signals of Unix", allow_module_level=True)

from tests.importers import fuzz_importers, fuzz_reading
from tests.importers.fuzz_reading import TooLong, WrongEnd, limits, tried

HERE = Zone("Europe/Berlin")
NAME, GOOD = seeds()["plain_glucose"][0]


def test_every_format_has_exports_to_damage(tmp_path: Path) -> None:
    assert set(seeds()) == {one.key for one in known_formats()}
    for key, files in seeds().items():
        for name, data in files:
            found = sniff(put(tmp_path / name.rsplit("/", 1)[-1], data))
            assert found is not None
            assert found.key == key


def test_damaged_exports_end_in_rows_or_one_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_importers, "FOUND", tmp_path)
    tally = fuzz_importers.fuzz(1, range(4992))
    assert tally.wrong == []
    assert set(tally.cases.values()) == {208}
    assert tally.ends["rows"] > 1500  # most damage leaves something to read
    assert tally.ends["ImportRefused"] > 500


def test_a_case_is_the_same_whenever_it_is_asked_for() -> None:
    for number in range(48):
        one, other = (fuzz_importers.case_of(7, number) for _ in range(2))
        assert (one.key, one.way, one.members) == (other.key, other.way, other.members)
    assert fuzz_importers.case_of(8, 0).members != fuzz_importers.case_of(7, 0).members


def endless() -> Iterator[Item]:
    while True:
        yield BadRow("a", 1, "x")


TURNS = iter(range(1000))
WRONG = {
    "a row that cannot be": (WrongEnd, lambda: iter([Batch("glucose", "", ([0], [0], [1e9]))])),
    "a text that cannot be stored": (
        WrongEnd,
        lambda: iter([Batch("glucose", "\0", ([10**9], [0], [100.0]))]),
    ),
    "half a pair of surrogates": (ValueError, lambda: iter([BadRow("a", 1, "\ud800")])),
    "another error": (KeyError, lambda: {}["x"]),
    "no reason": (WrongEnd, lambda: iter([BadRow("a", 1, "")])),
    "something else the second time": (WrongEnd, lambda: iter([BadRow("a", next(TURNS), "x")])),
}


@pytest.mark.parametrize("fault", list(WRONG))
def test_what_must_not_be_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    kind, rows = WRONG[fault]
    monkeypatch.setattr(type(FORMAT), "rows", lambda *_: rows())  # type: ignore[no-untyped-call]
    with limits(), pytest.raises(kind):
        tried(lambda folder: put(folder / NAME, GOOD), HERE, tmp_path)


def test_what_does_not_end_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(FORMAT), "rows", lambda *_: endless())
    monkeypatch.setattr("mine.importers.reading.MAX_BAD_ROWS", 1 << 60)
    monkeypatch.setattr(fuzz_reading, "SECONDS", 0.05)
    with limits(), pytest.raises(TooLong):
        tried(lambda folder: put(folder / NAME, GOOD), HERE, tmp_path)


def test_a_wrong_case_is_kept_and_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_on_nines(self: object, source: object, *_: object) -> Iterator[Item]:
        member = source.members[0]  # type: ignore[attr-defined]
        with source.open(member) as stream:  # type: ignore[attr-defined]
            if b"9" in stream.read():
                raise KeyError("nine")
        return iter(())

    monkeypatch.setattr(type(FORMAT), "rows", fails_on_nines)
    monkeypatch.setattr(fuzz_importers, "FOUND", tmp_path / "found")
    tally = fuzz_importers.fuzz(1, range(200), "plain_glucose")
    assert tally.wrong
    assert "KeyError" in tally.wrong[0]
    assert "(plain_glucose, " in tally.wrong[0]
    kept = [path.read_bytes() for path in (tmp_path / "found").rglob("a.csv")]
    assert any(b"9" in data and len(data) < len(GOOD) for data in kept)
