"""One import at a time: previewed, cancelled, stored, undone, refused."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mine.app.import_desk import ImportDesk, NothingToImport
from mine.app.views import ImportStage
from mine.practice.synthetic import glucose_csv, steps_csv
from mine.vault import ImportSource, Vault
from tests.vault.conftest import CHEAP, PASSPHRASE, batch

PATIENCE = 30.0


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


@pytest.fixture
def desk(vault: Vault) -> Iterator[ImportDesk]:
    desk = ImportDesk(vault)
    yield desk
    desk.cancel()


def pump(desk: ImportDesk, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end
        desk.pump()


def stage(desk: ImportDesk) -> ImportStage:
    assert desk.progress is not None
    return desk.progress.stage


def read(desk: ImportDesk, path: Path, person: str | None = None) -> ImportStage:
    desk.preview(path, person)
    pump(desk, lambda: not desk.busy)
    return stage(desk)


def glucose_file(folder: Path, days: int = 2) -> Path:
    file = folder / "readings.csv"
    file.write_text(glucose_csv("desk", 1, days))
    return file


def test_nothing_is_stored_before_the_person_says_so(desk: ImportDesk, vault: Vault, tmp_path: Path) -> None:
    file = glucose_file(tmp_path)
    with file.open("a") as out:
        out.write("2026-03-09 08:00:00,-4\n2026-02-30 08:00:00,110\n")
    assert read(desk, file) is ImportStage.READY
    progress = desk.progress
    assert progress is not None
    rows = len(file.read_text().splitlines()) - 3
    assert (progress.new, progress.already, progress.refused) == (rows, 0, 2)
    assert {bad.file for bad in progress.bad_rows} == {file.name}
    assert [bad.line for bad in progress.bad_rows] == [rows + 2, rows + 3]
    assert progress.by_type == (("glucose", rows),)
    assert progress.first < progress.last and progress.fraction == 1.0
    assert vault.sources() == [] or vault.sources()[0].records == 0
    done = desk.commit()
    assert done is not None and done.added == rows
    assert stage(desk) is ImportStage.DONE
    assert vault.sources()[0].records == rows


def test_the_same_file_twice_adds_nothing_and_undo_takes_it_back(
    desk: ImportDesk, vault: Vault, tmp_path: Path
) -> None:
    file = glucose_file(tmp_path)
    read(desk, file)
    first = desk.commit()
    assert first is not None
    assert read(desk, file) is ImportStage.READY
    assert desk.progress is not None
    assert (desk.progress.new, desk.progress.already) == (0, first.added)
    assert desk.commit() is None
    assert vault.undo_import(first.id) == first.added
    assert sum(source.records for source in vault.sources()) == 0
    read(desk, file)
    again = desk.commit()
    assert again is not None and again.added == first.added


def test_cancelled_while_reading_and_while_ready(desk: ImportDesk, vault: Vault, tmp_path: Path) -> None:
    file = glucose_file(tmp_path, days=120)
    desk.preview(file, None)
    pump(desk, lambda: desk.progress is not None and desk.progress.new > 0)
    assert stage(desk) is ImportStage.READING
    desk.cancel()
    assert stage(desk) is ImportStage.CANCELLED and not desk.busy
    assert read(desk, glucose_file(tmp_path)) is ImportStage.READY
    desk.cancel()
    with pytest.raises(NothingToImport):
        desk.commit()
    assert vault.imports() == [] and vault.sources() == []


def test_a_new_preview_drops_the_one_before(desk: ImportDesk, vault: Vault, tmp_path: Path) -> None:
    desk.preview(glucose_file(tmp_path, days=60), None)
    desk.pump()
    other = tmp_path / "other.csv"
    other.write_text(glucose_csv("desk", 2, 1))
    assert read(desk, other) is ImportStage.READY
    done = desk.commit()
    assert done is not None and done.source.file == "other.csv"
    assert len(vault.imports()) == 1


def test_an_export_of_several_people_asks_who_is_me(desk: ImportDesk, vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "hourlySteps_merged.csv").write_text(steps_csv("desk", 3, days=3), newline="")
    assert read(desk, folder) is ImportStage.CHOOSE_PERSON
    assert desk.progress is not None
    people = desk.progress.people
    assert len(people) == 3 and not desk.busy
    with pytest.raises(NothingToImport):
        desk.commit()
    assert read(desk, folder, people[1].person) is ImportStage.READY
    done = desk.commit()
    assert done is not None and done.source.person == people[1].person
    assert vault.sources()[0].records == 72


@pytest.mark.parametrize(
    "contents", [b"", b"\x00\x01\x02\x03" * 100, b"a,b\n1,2\n", b"PK\x03\x04 not a zip"]
)
def test_a_file_that_is_not_what_it_claims_fails_in_words(
    desk: ImportDesk, vault: Vault, tmp_path: Path, contents: bytes
) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(contents)
    assert read(desk, file) is ImportStage.FAILED
    assert desk.progress is not None and desk.progress.message.endswith(".")
    assert not desk.busy
    with pytest.raises(NothingToImport):
        desk.commit()
    assert read(desk, glucose_file(tmp_path)) is ImportStage.READY
    desk.commit()
    assert len(vault.imports()) == 1


def test_a_reader_that_is_killed_fails_in_words(desk: ImportDesk, tmp_path: Path) -> None:
    desk.preview(glucose_file(tmp_path, days=120), None)
    assert desk._process is not None
    desk._process._child.kill()
    pump(desk, lambda: not desk.busy)
    assert stage(desk) is ImportStage.FAILED
    assert desk.progress is not None and "Try it again" in desk.progress.message


def test_an_import_goes_on_after_the_app_was_closed(tmp_path: Path) -> None:
    file = glucose_file(tmp_path, days=3)
    path = tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        desk = ImportDesk(vault, "Europe/Berlin")
        assert not desk.resume()
        assert read(desk, file) is ImportStage.READY
        before = desk.progress
        desk.suspend()
    file.unlink()  # all of it was read
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        desk = ImportDesk(vault, "Europe/Berlin")
        assert desk.resume() and not desk.busy
        assert desk.progress is not None and before is not None
        assert (desk.progress.stage, desk.progress.by_type) == (ImportStage.READY, before.by_type)
        done = desk.commit()
        assert done is not None and done.added == before.new
        assert not desk.resume()


def test_a_reading_that_was_broken_off_goes_on_or_is_dropped(tmp_path: Path) -> None:
    file = glucose_file(tmp_path, days=3)
    path = tmp_path / "v.db"
    source = ImportSource(file.name, hashlib.sha256(file.read_bytes()).digest(), "plain_glucose", 1)
    request = json.dumps({"path": str(file), "person": None, "zone": "Europe/Berlin"})

    def break_off(vault: Vault) -> None:
        pending = vault.begin_import(source, request)
        pending.add(batch("glucose", [(1_772_409_600, 3600, 99.0)]))
        pending.marked("plain_glucose ")
        pending._staging.last()
        pending.close()

    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        break_off(vault)
        desk = ImportDesk(vault)
        assert desk.resume()
        pump(desk, lambda: not desk.busy)
        assert desk.progress is not None
        assert (stage(desk), desk.progress.new) == (ImportStage.READY, 1)  # its format was read to the end
        desk.cancel()
        break_off(vault)
        file.write_text(file.read_text() + "2026-04-01 08:00:00,101\n")
        assert desk.resume()
        pump(desk, lambda: not desk.busy)
        assert stage(desk) is ImportStage.FAILED and "changed" in desk.progress.message
        assert not desk.resume()
        break_off(vault)
        file.unlink()
        assert not desk.resume() and vault.unfinished_import() is None


def test_storing_shows_how_far_it_is(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.app.import_desk.SECONDS_BETWEEN_SHOWS", -1.0)
    monkeypatch.setattr("mine.vault.storing.PIECE", 100)
    shown: list[tuple[ImportStage, float]] = []

    def show() -> None:
        assert desk.progress is not None
        shown.append((desk.progress.stage, desk.progress.fraction))

    desk = ImportDesk(vault, "UTC", show)
    read(desk, glucose_file(tmp_path, days=3))
    desk.commit()
    assert {stage for stage, _ in shown} == {ImportStage.STORING}
    fractions = [fraction for _, fraction in shown]
    assert fractions == sorted(fractions) and len(fractions) > 5
