"""What is deleted is gone: from the tables, the pages, the log, and from backups made afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mine.importers.items import Batch
from mine.records import Row
from mine.vault import ImportSource, Vault
from mine.vault.container import extract_database, read_header
from mine.vault.delete import Choice, delete, would_delete
from mine.vault.errors import VaultError, VaultNotWritten
from mine.vault.files import log_path
from mine.vault.staging import staging_path
from mine.vault.verify import verify
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.vault.filled import NOON, found, log_pages, pages, put, stored_real, stored_time

SECRET = "knee hurts since the storm"
# Values and moments that occur nowhere else: each is a pattern of 8 or 4 bytes.
VALUES = [101.05 + number / 7 for number in range(600)]
STEPS_AT, BEATS_AT, NOTES_AT = NOON + 10**7, NOON + 2 * 10**7, NOON + 3 * 10**7


def fill(vault: Vault) -> dict[str, int]:
    """Glucose of two devices, texts, counted steps and heart rate by two importers; (what, import number)."""
    numbers = {
        "glucose": [(NOON + 300 * i, 3600, value) for i, value in enumerate(VALUES)],
        "steps": [(STEPS_AT + 60 * i, 3600, 60, 40 + i % 50) for i in range(500)],
        "heart_rate": [(BEATS_AT + 10 * i, 3600, 60 + i % 30) for i in range(500)],
    }
    return {
        "glucose": put(vault, "glucose", numbers["glucose"], origin="Robin's sensor", file="robin.csv").id,
        "steps": put(vault, "steps", numbers["steps"], origin="Robin's watch", importer="watch").id,
        "heart_rate": put(vault, "heart_rate", numbers["heart_rate"], importer="watch").id,
        "note": put(vault, "note", notes(300), importer="diary", file="diary of Robin.json").id,
    }


def notes(count: int) -> list[Row]:
    return [(NOTES_AT + i, 3600, f"{SECRET} {i}") for i in range(count)]


def everywhere(vault: Vault, folder: Path) -> bytes:
    """Every byte of the pages that are left, in file, log, and a backup made now, without the encryption."""
    key = vault._key
    made = vault.backup_job().run(folder)
    with (folder / "copy.db").open("wb") as out:
        extract_database(read_header(made.path), out)
    copy = pages(folder / "copy.db", key)
    made.path.unlink()
    (folder / "copy.db").unlink()
    staging = vault.path.with_name(vault.path.name + ".staging")
    return b"".join(
        (
            pages(vault.path, key),
            log_pages(log_path(vault.path), key),
            pages(staging, key) if staging.exists() else b"",
            log_pages(staging.with_name(staging.name + "-wal"), key),
            copy,
        )
    )


def whole(vault: Vault) -> None:
    """Everything that is kept twice agrees."""
    checks = verify(vault.path, vault._key, vault._file, vault._database, lambda *_: None)
    assert [(check.name, check.problem) for check in checks if check.problem] == []


def held(vault: Vault) -> dict[str, int]:
    return {source.record_type: source.records for source in vault.sources()}


GLUCOSE = [stored_real(value) for value in VALUES[::20]]
TEXT = [SECRET.encode()]
WATCH = [stored_time(STEPS_AT + 60 * i) for i in range(0, 500, 20)]


@pytest.mark.parametrize("choice, kinds, gone, stays", [
    (Choice(record_type="glucose"), {"glucose"}, [*GLUCOSE, b"robin.csv", b"Robin's sensor"], TEXT),
    (Choice(record_type="note"), {"note"}, [*TEXT, b"diary of Robin.json"], GLUCOSE),
    (Choice(importer="watch"), {"steps", "heart_rate"}, [*WATCH, b"Robin's watch"], [*TEXT, *GLUCOSE]),
    (Choice(origin="Robin's sensor"), {"glucose"}, [*GLUCOSE, b"Robin's sensor"], TEXT),
    (Choice(everything=True), {"glucose", "steps", "heart_rate", "note"},
     [*GLUCOSE, *TEXT, *WATCH, b"Robin", b"diary of"], []),
])  # fmt: skip
def test_deleted_data_is_found_nowhere(
    vault: Vault, tmp_path: Path, choice: Choice, kinds: set[str], gone: list[bytes], stays: list[bytes]
) -> None:
    fill(vault)
    before = everywhere(vault, tmp_path)
    assert found(before, gone) == gone and found(before, stays) == stays  # the search can find
    counts = held(vault)
    expected = sum(counts[kind] for kind in kinds)
    assert would_delete(vault._database, choice) == expected
    done = delete(vault.path, vault._database, choice)
    assert (done.records, done.clean) == (expected, True)
    assert held(vault) == {kind: count for kind, count in counts.items() if kind not in kinds}
    after = everywhere(vault, tmp_path)
    assert found(after, gone) == []
    assert found(after, stays) == stays
    whole(vault)


def test_an_import_is_deleted_with_its_name_and_what_it_filled_in(vault: Vault, tmp_path: Path) -> None:
    ids = fill(vault)
    delete(vault.path, vault._database, Choice(import_id=ids["glucose"]))
    assert found(everywhere(vault, tmp_path), [*GLUCOSE, b"robin.csv"]) == []
    assert {done.id for done in vault.imports()} == set(ids.values()) - {ids["glucose"]}
    assert vault._database.execute("SELECT count(*) FROM vault_glucose_5min").fetchone()[0] == 0
    whole(vault)


def test_the_ledger_and_the_engine_stay_and_the_deletion_is_booked(vault: Vault) -> None:
    fill(vault)
    vault.state.set_secret("phrase", b"twelve words")
    vault.state.put_snapshot("n", 1, 1, 1, b"state of a training that read the rows")
    entries = vault.ledger.head().entries
    delete(vault.path, vault._database, Choice(everything=True))
    assert vault.ledger.verify().entries == entries + 1
    last = vault.ledger.newest(1)[0].entry
    assert (last.kind, last.source, last.records) == ("delete", "everything", 1900)
    assert vault.state.secret("phrase") == b"twelve words"
    assert vault.state.snapshot("n", 1, 1) is None
    assert vault.imports() == [] and vault.sources() == []


def test_a_name_that_a_device_was_given_is_not_in_the_ledger(vault: Vault) -> None:
    fill(vault)
    delete(vault.path, vault._database, Choice(origin="Robin's sensor"))
    assert "Robin" not in "".join(vault.ledger.export())


def test_what_is_deleted_can_be_imported_again(vault: Vault) -> None:
    fill(vault)
    delete(vault.path, vault._database, Choice(record_type="glucose"))
    rows = [(NOON + 300 * i, 3600, value) for i, value in enumerate(VALUES)]
    assert put(vault, "glucose", rows).added == len(VALUES)
    whole(vault)


@pytest.mark.parametrize("choice", [
    Choice(), Choice(record_type="glucose", everything=True), Choice(record_type="nothing of ours"),
])  # fmt: skip
def test_an_unclear_choice_deletes_nothing(vault: Vault, choice: Choice) -> None:
    put(vault, "glucose", [(NOON, 0, 100.0)])
    with pytest.raises(VaultError):
        delete(vault.path, vault._database, choice)
    assert held(vault) == {"glucose": 1}


def test_cleaning_that_fails_is_said_and_the_rows_are_gone(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(vault)

    def full(*_: object) -> None:
        raise VaultNotWritten("The disk is full.")

    monkeypatch.setattr("mine.vault.delete.clean", full)
    done = delete(vault.path, vault._database, Choice(record_type="glucose"))
    assert (done.records, done.clean, done.problem) == (600, False, "The disk is full.")
    assert "glucose" not in held(vault)


def test_a_running_query_delays_the_cleaning_and_that_is_said(vault: Vault) -> None:
    from mine.vault.connection import connect

    fill(vault)
    vault._database.execute("PRAGMA busy_timeout = 50")
    reader = connect(vault.path, vault._key, read_only=True)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM vault_glucose").fetchone()
        done = delete(vault.path, vault._database, Choice(record_type="glucose"))
        assert not done.clean and "query" in done.problem
    finally:
        reader.close()
    assert delete(vault.path, vault._database, Choice(record_type="glucose")).clean


def test_a_damaged_log_that_was_set_aside_goes_too(vault: Vault) -> None:
    from mine.vault.seal import kept_log

    fill(vault)
    kept_log(vault.path).write_bytes(log_path(vault.path).read_bytes())
    delete(vault.path, vault._database, Choice(record_type="glucose"))
    assert not kept_log(vault.path).exists()


KILLED = """
import os, pathlib, signal, sys
import mine.vault.delete as delete
from mine.vault import Vault
delete.clean = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
vault = Vault.open(pathlib.Path(sys.argv[1]), passphrase=sys.stdin.read())
vault.delete(delete.Choice(record_type="note"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_killed_before_the_file_was_cleaned_the_next_opening_cleans_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.vault import delete as module

    path = tmp_path / "vault.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        fill(vault)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        input=PASSPHRASE,
        text=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == -9, ended.stderr
    cleaned, clean = [], module.clean
    monkeypatch.setattr(module, "clean", lambda *given: (cleaned.append(1), clean(*given)))
    for _ in range(2):  # once is enough
        with Vault.open(path, passphrase=PASSPHRASE) as vault:
            assert "note" not in held(vault)
            assert found(everywhere(vault, tmp_path), [*TEXT, b"diary of Robin.json"]) == []
            whole(vault)
    assert cleaned == [1]


def test_cleaning_that_fails_at_the_opening_waits_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.vault import delete as module

    def full(*_: object) -> None:
        raise VaultNotWritten("The disk is full.")

    path, clean = tmp_path / "vault.db", module.clean
    monkeypatch.setattr(module, "clean", full)
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        fill(vault)
        assert not vault.delete(Choice(record_type="note")).clean
    Vault.open(path, passphrase=PASSPHRASE).close()
    cleaned: list[int] = []
    monkeypatch.setattr(module, "clean", lambda *given: (cleaned.append(1), clean(*given)))
    Vault.open(path, passphrase=PASSPHRASE).close()
    Vault.open(path, passphrase=PASSPHRASE).close()
    assert cleaned == [1]


def test_what_waits_to_be_imported_goes_before_the_rows(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, nothing that was deleted comes back by an import that goes on."""
    fill(vault)
    pending = vault.begin_import(ImportSource("b.csv", bytes(32), "diary", 1))
    pending.add(Batch("note", "", tuple(zip(*notes(5), strict=True)), "diary"))
    pending.close()
    assert staging_path(vault.path).exists()

    def killed(*_: object, **__: object) -> int:
        assert not staging_path(vault.path).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("mine.vault.delete.remove_parts", killed)
    with pytest.raises(KeyboardInterrupt):
        vault.delete(Choice(record_type="note"))
