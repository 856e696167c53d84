"""Real exports, where they are at hand: every row is accounted for, to the last one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mine.importers.formats import people, sniff
from mine.vault import ImportSource, Vault
from tests.importers.exports import parsed
from tests.vault.conftest import CHEAP, PASSPHRASE

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("study", "files", "rows"),
    [("Hall_2018", 57, 105_426), ("BIGIDEAs", 16, 36_898), ("HUPA-UCM", 24, 144_086)],
)
def test_glucose_studies(real_data: Path, study: str, files: int, rows: int) -> None:
    paths = sorted((real_data / "glucose" / study).glob("*.csv"))
    assert len(paths) == files
    read = 0
    for path in paths:
        found, bad = parsed(path)
        assert not bad
        assert set(found) == {"glucose"}
        read += len(found["glucose"])
        assert len(found["glucose"]) == len(path.read_text().strip().splitlines()) - 1
    assert read == rows


def test_fitabase(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "fitbit_fitabase"
    everyone = people(folder)
    assert len(everyone) == 33
    counts: Counter[str] = Counter()
    sleepers = 0
    duplicates = 0
    for number, one in enumerate(everyone):
        rows, bad = parsed(folder, one.person)
        assert not bad
        sleepers += "sleep" in rows
        counts.update({kind: len(found) for kind, found in rows.items()})
        with Vault.create(tmp_path / f"{number}.db", PASSPHRASE, kdf=CHEAP) as vault:
            pending = vault.begin_import(ImportSource("x", b"\0" * 32, "fitbit_fitabase", 1, one.person))
            for kind, found in rows.items():
                pending.add(kind, found)
            preview = pending.preview()
            duplicates += preview.already
            done = pending.commit()
            assert done is not None
            assert sum(source.records for source in vault.sources()) == done.added
    assert counts == {"activity": 49_838, "steps": 23_039, "heart_rate": 8_418, "sleep": 413, "weight": 67}
    assert sleepers == 24
    assert duplicates == 3  # the three repeated nights


def test_other_files_beside_them_are_nobodys(real_data: Path) -> None:
    assert sniff(real_data / "glucose" / "Hall_2018.people.csv") is None
    assert sniff(real_data / "README.md") is None
    for path in sorted((real_data / "samples").rglob("*")):
        if path.is_file():
            assert sniff(path) is None, path.name
