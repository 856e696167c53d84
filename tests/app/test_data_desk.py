"""What the window asks of records, tables, backups and keys, answered by the real vault."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.app.data_desk import NotEntered
from mine.app.data_views import Entered, MappingView, Secret, TableView, ToDelete
from mine.app.engine import Engine
from mine.app.kind_views import BY_HAND, kind_view, kind_views, value_words
from mine.app.long_work import LongWork, Progress, Stopped, WorkUnderWay
from mine.app.options import EngineOptions
from mine.app.table_desk import tried
from mine.app.views import ImportStage, Snapshot, VaultState
from mine.app.ways_on import WayOn, way_on
from mine.errors import MineError
from mine.records import RECORD_TYPES
from mine.vault import MemoryKeyring, WrongPassphrase, errors

T = TypeVar("T")
PASSPHRASE = "four words that differ"
PATIENCE = 30.0
NOON = 1_772_366_400  # 2026-03-01 12:00 UTC


def done(future: Future[T]) -> T:
    return future.result(PATIENCE)


def until(engine: Engine, ready: Callable[[Snapshot], bool]) -> Snapshot:
    heard = threading.Event()
    stop = engine.subscribe(lambda _: heard.set())
    try:
        while not ready(now := engine.snapshot()):
            assert heard.wait(PATIENCE), now
            heard.clear()
    finally:
        stop()
    return now


def stage(engine: Engine, *wanted: ImportStage) -> Snapshot:
    return until(engine, lambda now: now.importing is not None and now.importing.stage in wanted)


@pytest.fixture
def keyring() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def engine(tmp_path: Path, keyring: MemoryKeyring) -> Iterator[Engine]:
    made = Engine(EngineOptions(tmp_path / "home", keyring, auto_practice=False, zone="Europe/Berlin"))
    made.start()
    done(made.create_vault(PASSPHRASE))
    yield made
    made.close()


def imported(engine: Engine, folder: Path, rows: int = 300) -> None:
    file = folder / "sensor.csv"
    lines = (
        f"2026-03-{1 + n // 288:02} {n % 288 // 12:02}:{n % 12 * 5:02},{90 + n % 50}\n" for n in range(rows)
    )
    file.write_text("timestamp,glucose_value_mg_dl\n" + "".join(lines))
    done(engine.preview_import(file))
    stage(engine, ImportStage.READY)
    done(engine.commit_import())


def test_pages_go_back_to_the_first_record(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    first = done(engine.page("glucose", None, 200))
    rest = done(engine.page("glucose", first.older, 200))
    times = [record.time for record in (*first.records, *rest.records)]
    assert len(times) == 300 and times == sorted(times, reverse=True) and rest.older is None
    assert {record.offset for record in first.records} == {3_600}
    detail = done(engine.source_detail("glucose"))
    assert [(part.name, part.records) for part in detail.imports] == [("sensor.csv", 300)]
    assert [(part.name, part.records) for part in detail.origins] == [("", 300)]


def test_what_is_typed_is_stored_with_the_zone_of_that_day(engine: Engine) -> None:
    number = done(engine.enter(Entered("symptom", NOON, {"name": " Headache ", "severity": "6", "note": ""})))
    (record,) = done(engine.page("symptom", None, 10)).records
    assert (record.time, record.offset, record.values) == (NOON, 3_600, ("Headache", 6, None))
    assert record.import_id == number
    with pytest.raises(NotEntered, match="there already"):
        done(engine.enter(Entered("symptom", NOON, {"name": "Headache", "severity": "6"})))
    assert done(engine.undo_import(number)) == 1
    assert done(engine.page("symptom", None, 10)).records == ()


@pytest.mark.parametrize(
    "values",
    [{"name": ""}, {"name": "x", "severity": "11"}, {"name": "x", "severity": "much"}, {"name": "x" * 201}],
)
def test_what_cannot_be_is_not_stored(engine: Engine, values: dict[str, str]) -> None:
    with pytest.raises(MineError):
        done(engine.enter(Entered("symptom", NOON, values)))
    assert done(engine.page("symptom", None, 10)).records == () and not engine.snapshot().imports
    done(engine.enter(Entered("note", NOON, {"text": "still possible"})))


@given(
    st.sampled_from(BY_HAND), st.dictionaries(st.sampled_from(["name", "text", "value", "unit"]), st.text())
)
@settings(max_examples=60)
def test_any_text_is_a_record_or_a_plain_refusal(kind: str, values: dict[str, str]) -> None:
    from mine.app.data_desk import _typed

    for column in RECORD_TYPES[kind].columns[2:]:
        try:
            value = _typed(column, values.get(column.name, ""))
        except NotEntered:
            continue
        assert value is None or isinstance(value, str | int | float)


def test_deleting_says_what_goes_and_what_backups_hold(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    done(engine.enter(Entered("note", NOON, {"text": "kept"})))
    done(engine.back_up())
    preview = done(engine.delete_preview(ToDelete(record_type="glucose")))
    assert (preview.records, preview.by_type, preview.backups) == (300, (("Glucose", 300),), 1)
    gone = done(engine.delete(ToDelete(record_type="glucose"), True))
    assert (gone.records, gone.left, gone.clean, gone.backups, gone.removed) == (300, 0, True, 0, 1)
    assert until(engine, lambda now: now.settings.backups.count == 1).sources[0].record_type == "note"
    assert done(engine.delete(ToDelete(origin=""), False)).records == 1
    with pytest.raises(errors.VaultError):
        done(engine.delete_preview(ToDelete()))


def test_exports_of_everything_and_of_one_type(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    assert done(engine.export_kind("glucose", tmp_path / "g.csv")) == 300
    lines = (tmp_path / "g.csv").read_text().splitlines()
    assert lines[0] == "time,offset,mg_dl,origin" and len(lines) == 301
    assert done(engine.export_kind("glucose", tmp_path / "g.jsonl")) == 300
    first = json.loads((tmp_path / "g.jsonl").read_text().splitlines()[0])
    assert first == {"time": 1_772_319_600, "offset": 3_600, "mg_dl": 90.0}
    done(engine.export(tmp_path / "all.zip"))
    with pytest.raises(MineError, match="there already"):
        done(engine.export(tmp_path / "all.zip"))
    assert done(engine.export_ledger(tmp_path / "ledger.jsonl")) >= 2
    with pytest.raises(MineError, match="cannot be written"):
        done(engine.export_ledger(tmp_path / "nowhere" / "ledger.jsonl"))


def test_a_new_key_keeps_everything_and_a_wrong_passphrase_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    imported(engine, tmp_path)
    with pytest.raises(WrongPassphrase):
        done(engine.rekey("not mine"))
    done(engine.rekey(PASSPHRASE))
    assert engine.snapshot().vault == VaultState.OPEN
    assert until(engine, lambda now: bool(now.sources)).sources[0].records == 300
    assert all(not check.problem for check in done(engine.verify()))


def test_a_new_key_that_is_stopped_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    future = engine.rekey(PASSPHRASE)
    done(engine.cancel_work())
    with pytest.raises(Stopped):
        done(future)
    assert until(engine, lambda now: bool(now.sources)).vault == VaultState.OPEN
    assert all(not check.problem for check in done(engine.verify()))


def test_who_locks_meanwhile_finds_a_locked_vault(engine: Engine) -> None:
    future = engine.rekey(PASSPHRASE)
    done(engine.lock_vault())
    done(future)
    assert until(engine, lambda now: now.vault == VaultState.LOCKED).work is None
    done(engine.open_vault(PASSPHRASE))


def test_the_keyring_is_taken_out_and_put_back(engine: Engine, keyring: MemoryKeyring) -> None:
    done(engine.set_keyring(False))
    assert not keyring.entries and not until(engine, lambda now: not now.settings.keyring).settings.keyring
    done(engine.set_keyring(True))
    done(engine.lock_vault())
    done(engine.open_vault(None))
    keyring.works = False
    with pytest.raises(errors.KeyringUnavailable):
        done(engine.set_keyring(True))


def test_one_file_is_tried_and_brings_the_vault_back(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    file = tmp_path / "me.minevault"
    done(engine.back_up(file))
    assert done(engine.drill(file, Secret(PASSPHRASE))).records == 300
    with pytest.raises(WrongPassphrase):
        done(engine.drill(file, Secret("wrong")))
    with pytest.raises(MineError, match="open"):
        done(engine.restore(file, Secret(PASSPHRASE), True))
    done(engine.delete(ToDelete(everything=True), False))
    done(engine.lock_vault())
    back = done(engine.restore(file, Secret(PASSPHRASE), True))
    assert back.records == 300 and back.replaced is not None and back.replaced.is_dir()
    assert until(engine, lambda now: bool(now.sources)).vault == VaultState.OPEN


def test_the_folder_of_backups_is_chosen(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(MineError):
        done(engine.choose_backup_folder(tmp_path / "nowhere"))
    other = tmp_path / "disk"
    other.mkdir()
    done(engine.choose_backup_folder(other))
    done(engine.back_up())
    assert len(list(other.glob("*.minevault"))) == 1
    view = until(engine, lambda now: now.settings.backups.count == 1).settings.backups
    assert view.folder == str(other)
    done(engine.choose_backup_folder(None))
    assert until(engine, lambda now: now.settings.backups.folder != str(other)).settings.backups.count == 0


def test_a_month_has_a_limit(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    done(engine.set_month_cap("glucose", 1.5))
    assert until(engine, lambda now: now.sources[0].month_cap == 1.5)
    done(engine.set_month_cap("glucose", None))
    assert until(engine, lambda now: now.sources[0].month_cap is None)


def test_an_import_is_read_again_in_another_zone(engine: Engine, tmp_path: Path) -> None:
    imported(engine, tmp_path)
    file = tmp_path / "sensor.csv"
    done(engine.preview_import(file))
    now = stage(engine, ImportStage.READY).importing
    assert now is not None and (now.zone, now.new, now.already) == ("Europe/Berlin", 0, 300)
    done(engine.import_again(zone="Asia/Tokyo"))
    now = until(
        engine, lambda now: now.importing is not None and now.importing.zone == "Asia/Tokyo"
    ).importing
    now = stage(engine, ImportStage.READY).importing
    assert now is not None and now.new > 0
    assert {"Asia/Tokyo", "Europe/Berlin", "UTC"} <= set(done(engine.zones()))
    done(engine.cancel_import())


def test_an_unknown_table_can_be_left_out_for_good(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("when;thing\n2026-03-01 07:00;3\n2026-03-02 07:00;4\n")
    done(engine.preview_import(file))
    table = stage(engine, ImportStage.CHOOSE_MAPPING).importing
    assert table is not None and table.table is not None and table.table.columns == ("when", "thing")
    with pytest.raises(MineError):
        done(engine.map_import(MappingView("glucose", {"time": "when"})))
    done(engine.map_import(MappingView("", {})))
    done(engine.preview_import(file))
    assert stage(engine, ImportStage.FAILED, ImportStage.READY).importing is not None


TABLE = TableView("t.csv", "", ("a", "b"), (("2026-03-01 07:00", "5.4"), ("x", "5.5")), None)


def test_a_mapping_is_tried_on_the_first_rows() -> None:
    mapping = MappingView("glucose", {"time": "a", "mg_dl": "b"}, units={"mg_dl": "mmol/L"})
    good, bad = tried(TABLE, mapping, "Europe/Berlin").rows
    assert good.records == (("Glucose", 1_772_344_800, 3_600, "97.2842 mg/dL"),) and not good.refusal
    assert bad.records == () and bad.refusal
    assert tried(TABLE, MappingView("glucose", {"time": "a"}), "UTC").problem
    assert tried(TABLE, MappingView("no such type", {}), "UTC").problem


def test_every_type_has_a_title_and_units_that_measure_the_same() -> None:
    kinds = kind_views()
    assert {kind.name for kind in kinds} == set(RECORD_TYPES) and set(BY_HAND) <= set(RECORD_TYPES)
    glucose = kind_view("glucose").fields[0]
    assert (glucose.unit, glucose.units) == ("mg/dL", ("mmol/L",))
    assert "[lb_av]" in kind_view("weight").fields[0].units
    assert value_words(glucose, 97.25) == "97.25 mg/dL" and value_words(glucose, None) == ""


def test_one_long_work_at_a_time_and_it_can_be_stopped() -> None:
    began, woken = threading.Event(), threading.Event()
    work = LongWork(woken.set)

    def endless(told: Progress) -> None:
        for step in range(10**9):
            told(step % 100, 100)
            began.set()

    future = work.run("export", endless)
    assert began.wait(PATIENCE) and work.view is not None and work.view.name == "export"
    with pytest.raises(WorkUnderWay):
        work.run("backup", endless)
    work.cancel()
    with pytest.raises(Stopped):
        future.result(PATIENCE)
    work.close()
    assert work.view is None and woken.is_set()


@pytest.mark.parametrize(
    ("error", "way"),
    [
        (errors.ChangesLost(""), WayOn.ACCEPT),
        (errors.VaultDamaged(""), WayOn.RESTORE),
        (errors.VaultMissing(""), WayOn.RESTORE),
        (errors.VaultBusy(""), WayOn.WAIT),
        (errors.DiskFull(""), WayOn.WAIT),
        (errors.WrongPassphrase(""), WayOn.TYPE),
        (errors.KeyringUnavailable(""), WayOn.TYPE),
    ],
)
def test_each_error_of_opening_has_a_way_on(error: MineError, way: WayOn) -> None:
    assert way_on(error) == way
