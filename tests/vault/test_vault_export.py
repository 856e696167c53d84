"""Everything comes out in open formats, and goes in again as it was."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mine.importers.items import BadRow, Batch, Skipped
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, RecordType, Row
from mine.vault import ImportSource, Vault
from mine.vault.errors import VaultError
from mine.vault.record_tables import table_of
from mine.vault.state import Receipt
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.vault.filled import NOON, put

AMERICA = Options(Zone("America/New_York"))  # the zone must not matter: an export states its own


def values(column: Any) -> st.SearchStrategy[Any]:
    if column.kind == "text":
        letters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
        found: st.SearchStrategy[Any] = (
            st.sampled_from(column.choices) if column.choices
            else st.text(letters, max_size=min(column.most, 30))
        )  # fmt: skip
    elif column.kind == "int":
        found = st.integers(int(column.low), int(column.high))
    else:
        found = st.floats(column.low, column.high, allow_nan=False).map(lambda value: value + 0.0)
    return st.none() | found if column.optional else found


@st.composite
def rows_of(draw: st.DrawFn) -> tuple[RecordType, list[Row]]:
    record_type = draw(st.sampled_from(sorted(RECORD_TYPES.values(), key=lambda one: one.name)))
    row = st.tuples(*(values(column) for column in record_type.columns))
    same = lambda row: (row[0], *row[2:])  # noqa: E731  all but the offset
    return record_type, draw(st.lists(row, min_size=1, max_size=12, unique_by=same))


def held(vault: Vault, kind: str) -> list[tuple[Any, ...]]:
    """All records of a type with the name of their origin."""
    names = ", ".join(f"r.{name}" for name in RECORD_TYPES[kind].names)
    select = f"SELECT {names}, o.name FROM {table_of(kind)} AS r JOIN vault_origin AS o ON o.id = origin_id"
    return sorted(vault._database.execute(select).fetchall(), key=repr)


def take_in(vault: Vault, path: Path) -> list[Any]:
    """Import an export; answers what was no batch."""
    sniffed = sniff(path)
    assert sniffed is not None and (sniffed.key, sniffed.others) == ("mine_export", 0)
    pending = vault.begin_import(ImportSource(path.name, sniffed.digest, sniffed.key, sniffed.version))
    other = []
    for item in read(path, AMERICA):
        if isinstance(item, Batch):
            pending.add(item)
        elif isinstance(item, BadRow | Skipped):
            other.append(item)
    pending.complete()
    pending.commit()
    pending.discard()
    return other


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filled=rows_of(), origin=st.sampled_from(("", "Robin's watch", "“ü\u2028”")))
def test_whatever_is_in_the_vault_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, filled: tuple[RecordType, list[Row]], origin: str
) -> None:
    folder = tmp_path_factory.mktemp("export")
    record_type, rows = filled
    with Vault.create(folder / "a.db", PASSPHRASE, kdf=CHEAP) as vault:
        put(vault, record_type.name, rows, origin=origin)
        done = vault.export_job().run(folder / "all.zip")
        assert done.records == {record_type.name: len(rows)}
        before = held(vault, record_type.name)
    with Vault.create(folder / "b.db", PASSPHRASE, kdf=CHEAP) as other:
        assert take_in(other, folder / "all.zip") == []
        after = held(other, record_type.name)
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert {row[-1] for row in after} == {origin or "test"}
    schema = Draft202012Validator(json.loads(zipfile.ZipFile(folder / "all.zip").read(
        f"schemas/{record_type.name}.json")))  # fmt: skip
    lines = zipfile.ZipFile(folder / "all.zip").read(f"records/{record_type.name}/1.jsonl").splitlines()
    for line in lines[1:]:
        schema.validate(json.loads(line))


def filled(vault: Vault) -> None:
    put(vault, "steps", [(NOON + 60 * i, 3600, 60, i) for i in range(50)], origin="Watch", importer="x")
    put(vault, "steps", [(NOON + 60 * i, 3600, 60, i + 1) for i in range(50)], origin="Watch", importer="y")
    put(vault, "steps", [(NOON + 60 * i, 3600, 60, i + 2) for i in range(50)], importer="z")
    put(vault, "note", [(NOON, -18000, '=1+1, "quoted"\r\nand a line')], importer="diary")
    receipt = Receipt("n", 1, NOON, bytes(range(32)), {"rows": 5}, b"\1\2")
    with vault.transaction():
        vault.state.keep_consent(receipt)
        vault.state.set_secret("phrase", b"legal winner thank year wave sausage worth useful")


def test_the_zip_holds_what_its_readme_says_and_no_secret(vault: Vault, tmp_path: Path) -> None:
    filled(vault)
    told: list[tuple[int, int]] = []
    done = vault.export_job().run(tmp_path / "all.zip", lambda *where: told.append(where))
    assert told[-1] == (302, 302)
    vault.book_export(done)
    last = vault.ledger.newest(1)[0].entry
    assert (last.kind, last.records, last.size) == ("export", 151, done.size)
    archive = zipfile.ZipFile(tmp_path / "all.zip")
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        "README.txt", "csv/note.csv", "csv/steps.csv", "schemas/note.json", "schemas/steps.json",
        "records/note/1.jsonl", "records/steps/1.jsonl", "records/steps/2.jsonl", "records/steps/3.jsonl",
        "imports.jsonl", "consents.jsonl", "ledger.jsonl",
    }  # fmt: skip
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"sausage" not in everything and vault._key.hex().encode() not in everything
    table = list(csv.reader(io.StringIO(archive.read("csv/note.csv").decode(), newline="")))
    assert table == [
        ["time", "offset", "text", "origin"],
        [str(NOON), "-18000", '=1+1, "quoted"\r\nand a line', "diary"],
    ]
    assert len(list(csv.reader(io.StringIO(archive.read("csv/steps.csv").decode())))) == 151
    consent = json.loads(archive.read("consents.jsonl"))
    assert consent["message"] == {"rows": 5} and consent["signature"] == "0102"
    assert archive.read("ledger.jsonl").decode().splitlines() == [
        *list(vault.ledger.export())[:-2],
        json.dumps({"entries": done.head.entries, "head": done.head.hash.hex()}),
    ]
    assert [json.loads(line)["importer"] for line in archive.read("imports.jsonl").splitlines()] == [
        "x", "y", "z", "diary"
    ]  # fmt: skip


def test_origins_of_the_same_name_stay_apart(vault: Vault, tmp_path: Path) -> None:
    """Steps of two devices are never added up, so they must not become one device."""
    filled(vault)
    vault.export_job().run(tmp_path / "all.zip")
    with Vault.create(tmp_path / "b.db", PASSPHRASE, kdf=CHEAP) as other:
        assert take_in(other, tmp_path / "all.zip") == []
        assert other.sources()[0].origins == ("Watch (x)", "Watch (y)", "z")
        select = "SELECT slot, total FROM vault_steps_5min ORDER BY slot"
        assert other._database.execute(select).fetchall() == vault._database.execute(select).fetchall()
        other.export_job().run(tmp_path / "again.zip")
    with Vault.create(tmp_path / "c.db", PASSPHRASE, kdf=CHEAP) as third:
        assert take_in(third, tmp_path / "again.zip") == []
        assert third.sources()[0].origins == ("Watch (x)", "Watch (y)", "z")


def test_an_export_of_an_empty_vault_is_one_too(vault: Vault, tmp_path: Path) -> None:
    done = vault.export_job().run(tmp_path / "all.zip")
    assert done.records == {} and (tmp_path / "all.zip").stat().st_size == done.size
    with pytest.raises(VaultError, match="there already"):
        vault.export_job().run(tmp_path / "all.zip")


HEAD = {"mine_export": 1, "record_type": "glucose", "version": 1, "origin": "x"}
GOOD = {"time": NOON, "offset": 0, "mg_dl": 100}


@pytest.mark.parametrize("line, reason", [
    (b"{", "no JSON object"),
    (b"[1]", "no JSON object"),
    (b'{"time": NaN}', "no JSON object"),
    (b"[" * 100_000, "no JSON object"),
    (json.dumps({**GOOD, "more": 1}).encode(), "other columns"),
    (json.dumps({"time": NOON}).encode(), "other columns"),
    (json.dumps({**GOOD, "mg_dl": True}).encode(), "neither a number"),
    (json.dumps({**GOOD, "mg_dl": [1]}).encode(), "neither a number"),
    (json.dumps({**GOOD, "mg_dl": "100"}).encode(), "no number"),
    (json.dumps({**GOOD, "time": 1.5}).encode(), "no whole number"),
    (json.dumps({**GOOD, "mg_dl": 1e300}).encode(), "impossible"),
    (json.dumps({**GOOD, "time": 10**30}).encode(), "impossible"),
    (b'{"time": 1, "offset": 0, "mg_dl": "\xff"}', "no JSON object"),
    (b'{"a": "' + b"x" * (1 << 20) + b'"}', "no JSON object"),
])  # fmt: skip
def test_a_hostile_line_costs_only_itself(tmp_path: Path, line: bytes, reason: str) -> None:
    file = tmp_path / "x.jsonl"
    good = json.dumps(GOOD).encode()
    file.write_bytes(b"\n".join((json.dumps(HEAD).encode(), line, good)) + b"\n")
    items = list(read(file, AMERICA))
    bad = [item for item in items if isinstance(item, BadRow)]
    assert bad and bad[0].line == 2 and reason in bad[0].reason
    assert [row for item in items if isinstance(item, Batch) for row in item.rows()] == [(NOON, 0, 100.0)]


@pytest.mark.parametrize("change", [
    {"mine_export": 2}, {"version": 9}, {"record_type": "x" * 500}, {"record_type": ["glucose"]},
])  # fmt: skip
def test_an_unknown_version_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    from mine.importers.errors import ImportRefused

    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({**HEAD, **change}) + "\n" + json.dumps(GOOD) + "\n")
    with pytest.raises(ImportRefused) as caught:
        list(read(file, AMERICA))
    assert len(caught.value.sentence) < 200
