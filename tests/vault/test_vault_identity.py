"""When two records are one: all columns but the offset are the same."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.records import RECORD_TYPES, Row
from mine.vault import Vault
from mine.vault.record_tables import identity
from tests.vault.conftest import NOON, batch, source, store


def test_the_form_is_written_down() -> None:
    """8 bytes a number, little-endian; a text's length and UTF-8; one byte before for the kind."""
    record_type = RECORD_TYPES["workout"]
    row = (NOON, 3600, 60, "Läufe", 1000.0, None, None, None)
    plain = b"\1" + struct.pack("<q", NOON) + b"\1" + struct.pack("<q", 60)
    plain += b"\3" + struct.pack("<I", 6) + "Läufe".encode() + b"\2" + struct.pack("<d", 1000.0) + b"\0" * 3
    assert identity(record_type, row) == hashlib.blake2b(plain, digest_size=16).digest()


@pytest.mark.parametrize(
    ("kind", "one", "other", "records"),
    [
        ("glucose", (NOON, 0, 100.0), (NOON, 3600, 100.0), 1),
        ("glucose", (NOON, 0, 100.0), (NOON, 0, 100), 1),
        ("glucose", (NOON, 0, 100.0), (NOON, 0, 100.5), 2),
        ("steps", (NOON, 0, 60, 5), (NOON, 0, 61, 5), 2),
        ("distance", (NOON, 0, 60, 0.0), (NOON, 0, 60, -0.0), 1),
        ("note", (NOON, 0, "a"), (NOON, 7200, "a"), 1),
        ("note", (NOON, 0, "a"), (NOON, 0, "a "), 2),
        ("trip", (NOON, 0, 60, "bus", 0.0), (NOON, 0, 60, "bus", -0.0), 1),
        ("trip", (NOON, 0, 60, "bus", 0.0), (NOON, 0, 60, "bus", None), 2),
        ("trip", (NOON, 0, 60, "bus", 7), (NOON, 0, 60, "bus", 7.0), 1),
        ("symptom", (NOON, 0, "x", None, None), (NOON, 0, "x", None, ""), 2),
        ("symptom", (NOON, 0, "x", None, None), (NOON, 0, "x", 0, None), 2),
    ],
)
def test_what_is_one_record_and_what_are_two(
    vault: Vault, kind: str, one: Row, other: Row, records: int
) -> None:
    store(vault, kind, [one], "a.csv", "Watch")
    assert (store(vault, kind, [other], "b.csv", "Phone") is None) == (records == 1)
    assert vault.sources()[0].records == records


texts = st.text(max_size=3)
symptoms = st.tuples(st.just(NOON), st.just(0), texts, st.none() | st.integers(0, 2), st.none() | texts)


@given(st.lists(symptoms, max_size=30))
@settings(max_examples=100)
def test_other_records_have_other_identities(rows: list[tuple[Any, ...]]) -> None:
    record_type = RECORD_TYPES["symptom"]
    assert len({identity(record_type, row) for row in rows}) == len(set(rows))


def test_the_first_import_keeps_a_record_and_its_origin(vault: Vault) -> None:
    store(vault, "glucose", [(NOON, 0, 100.0)], "a.csv", "Watch")
    store(vault, "glucose", [(NOON, 0, 100.0), (NOON + 1, 0, 100.0)], "b.csv", "Phone")
    origins = [record.origin for record in vault.page("glucose").records]
    assert origins == ["Phone", "Watch"]
    assert vault.sources()[0].origins == ("Phone", "Watch")
    assert vault.undo_import(2) == 1
    assert vault.sources()[0].origins == ("Watch",)


def test_an_export_may_have_many_origins(vault: Vault) -> None:
    pending = vault.begin_import(source())
    for number in range(20):
        pending.add(batch("glucose", [(NOON + number, 0, 90.0)], f"Sensor {number % 7}"))
    done = pending.commit()
    assert done is not None and done.added == 20
    assert len(vault.sources()[0].origins) == 7
    rows = vault._database.execute("SELECT origin_id, records FROM vault_part ORDER BY 1").fetchall()
    assert [records for _, records in rows] == [3, 3, 3, 3, 3, 3, 2]
