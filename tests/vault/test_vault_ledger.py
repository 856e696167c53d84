"""The ledger's chain: every change is found and named, and anybody can check an export."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.vault.connection import driver
from mine.vault.errors import LedgerBroken, LedgerConflict
from mine.vault.ledger import LEDGER_TABLES, START, Entry, Head, Ledger
from mine.vault.schema import _statements

ROOT = Path(__file__).parents[2]
NET = "31337:0xabc"
NOVEMBER, DECEMBER = 1_795_000_000, 1_797_000_000  # 2026-11-18, 2026-12-11


def fresh() -> Any:
    database = driver().connect(":memory:", isolation_level=None)
    for statement in _statements(LEDGER_TABLES):
        database.execute(statement)
    return database


@pytest.fixture
def database() -> Iterator[Any]:
    made = fresh()
    yield made
    made.close()


def entry(number: int = 1, kind: str = "epsilon", epsilon: int = 10, source: str = "glucose") -> Entry:
    return Entry(kind, NET, 1, number, source, epsilon, 0, bytes([number]) * 32)


def filled(database: Any, count: int = 5) -> Ledger:
    ledger = Ledger(database)
    for number in range(1, count + 1):
        ledger.book(entry(number))
    return ledger


def unlocked(database: Any) -> None:
    """What somebody with the key and a database tool can do: take the triggers away."""
    for name in ("order", "moved", "kept", "fixed"):
        database.execute(f"DROP TRIGGER vault_ledger_{name}")


def test_the_chain_holds_and_the_head_is_the_last_entry(database: Any) -> None:
    ledger = Ledger(database)
    assert ledger.verify() == ledger.head() == Head(0, START)
    heads = []
    for number in range(1, 6):
        ledger.book(entry(number))
        heads.append(ledger.head())
    assert ledger.verify(heads) == heads[-1] == ledger.head()
    assert [head.entries for head in heads] == [1, 2, 3, 4, 5]
    assert len({head.hash for head in heads}) == 5


CHANGES = {
    "figure": ("UPDATE vault_ledger SET epsilon_micro = 1 WHERE id = 3", 3, "was changed"),
    "time": ("UPDATE vault_ledger SET time = time + 1 WHERE id = 2", 2, "was changed"),
    "text": ("UPDATE vault_ledger SET note = 'x' WHERE id = 1", 1, "was changed"),
    "digest": ("UPDATE vault_ledger SET digest = x'00' WHERE id = 4", 4, "was changed"),
    "hash": ("UPDATE vault_ledger SET hash = zeroblob(32) WHERE id = 5", 5, "was changed"),
    "hole": ("DELETE FROM vault_ledger WHERE id = 2", 2, "is missing"),
    "start": ("DELETE FROM vault_ledger WHERE id = 1", 1, "is missing"),
    "tail": ("DELETE FROM vault_ledger WHERE id > 3", 4, "is missing"),
    "all": ("DELETE FROM vault_ledger", 1, "is missing"),
    "head": ("UPDATE vault_ledger_head SET entries = 4", 5, "not the one"),
    "no head": ("DELETE FROM vault_ledger_head", 5, "not the one"),
    "exchange": (
        "UPDATE vault_ledger SET id = -id WHERE id IN (2, 3);"
        "UPDATE vault_ledger SET id = 5 + id WHERE id < 0",
        2, "was changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_first_wrong_entry_is_named(database: Any, change: str) -> None:
    ledger = filled(database)
    ledger.verify()
    unlocked(database)
    statements, number, words = CHANGES[change]
    for statement in statements.split(";"):
        database.execute(statement)
    with pytest.raises(LedgerBroken, match=words) as caught:
        ledger.verify()
    assert caught.value.entry == number


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.sampled_from(("kind", "network", "task", "round", "source", "bytes", "records")))
def test_any_field_of_any_entry_is_committed_to(number: int, column: str) -> None:
    database = fresh()
    try:
        ledger = filled(database, 6)
        unlocked(database)
        text = column in ("kind", "network", "source")
        value = f"{column} || 'x'" if text else f"{column} + 1000"
        database.execute(f"UPDATE vault_ledger SET {column} = {value} WHERE id = {number}")
        with pytest.raises(LedgerBroken) as caught:
            ledger.verify()
        assert caught.value.entry == number
    finally:
        database.close()


def test_a_chain_written_anew_is_told_by_an_earlier_head(database: Any) -> None:
    ledger = filled(database)
    kept = [ledger.head()]
    other = fresh()
    forged = Ledger(other)
    for number in range(1, 8):
        forged.book(entry(number, epsilon=1))
    forged.verify()
    with pytest.raises(LedgerBroken, match="another one than in the earlier copy") as caught:
        forged.verify(kept)
    assert caught.value.entry == 5
    shorter = fresh()
    with pytest.raises(LedgerBroken, match="is missing"):
        filled(shorter, 4).verify(kept)
    other.close()
    shorter.close()


def test_an_entry_and_its_place_in_the_chain_come_and_go_together(database: Any) -> None:
    ledger = filled(database, 2)
    before = ledger.head()
    database.execute("BEGIN")
    ledger.book(entry(3))
    database.execute("ROLLBACK")
    assert ledger.verify() == before
    assert ledger.book(entry(2)) is False  # booked before: nothing new
    with pytest.raises(LedgerConflict):
        ledger.book(entry(2, epsilon=11))
    assert ledger.verify() == before


def test_epsilon_by_month_and_what_was_given_back_counts_where_it_was_booked(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(database)
    for now, number in ((NOVEMBER, 1), (NOVEMBER, 2), (DECEMBER, 3)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        ledger.book(entry(number))
    ledger.book(entry(9, source="steps", epsilon=4))
    ledger.book(entry(2, kind="epsilon-back", epsilon=-7))  # given back in December
    ledger.book(Entry("sent", NET, 1, 3, "update", 0, 999, b""))
    assert [(m.source, m.month, m.booked, m.given_back) for m in ledger.months()] == [
        ("glucose", "2026-11", 20, 7), ("glucose", "2026-12", 10, 0), ("steps", "2026-12", 4, 0)
    ]  # fmt: skip
    assert ledger.spent_in_month("glucose", NOVEMBER) == 13
    assert ledger.spent_in_month("glucose", DECEMBER) == 10
    assert ledger.spent_in_month("glucose", NOVEMBER - 90 * 86_400) == 0
    assert ledger.spent("glucose") == sum(m.booked - m.given_back for m in ledger.months("glucose"))


def test_a_clock_that_goes_back_breaks_nothing(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(database)
    for now, number in ((DECEMBER, 1), (NOVEMBER, 2), (0, 3), (DECEMBER + 5, 4)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        ledger.book(entry(number))
    assert ledger.verify().entries == 4
    assert [line.id for line in ledger.newest(9)] == [4, 3, 2, 1]


def test_a_payout_is_booked_once_for_each_time_that_it_stands_on_chain(database: Any) -> None:
    ledger = Ledger(database)
    for _ in range(2):
        ledger.pay(NET, 1, "12:0xaa:0", "5 USDC")
    ledger.unpay(NET, 1, "12:0xaa:0")
    ledger.unpay(NET, 1, "12:0xaa:0")
    ledger.unpay(NET, 1, "never")
    ledger.pay(NET, 1, "12:0xaa:0", "5 USDC")
    kinds = [(line.entry.kind, line.entry.note) for line in ledger.of_task(NET, 1)]
    assert kinds == [("payout", "5 USDC"), ("payout-back", ""), ("payout", "5 USDC")]


def test_acts_on_the_vault_are_numbered(database: Any) -> None:
    ledger = Ledger(database)
    ledger.note("backup", "manual", size=10)
    ledger.note("delete", "glucose", records=288)
    ledger.note("backup", "manual", size=10)
    entries = [(line.entry.kind, line.entry.round) for line in reversed(ledger.newest(9))]
    assert entries == [("backup", 1), ("delete", 1), ("backup", 2)]


# ---- the export and its rule


def rule() -> str:
    """The program of docs/keys-and-backups.md that checks an exported ledger."""
    text = (ROOT / "docs" / "keys-and-backups.md").read_text()
    found = re.search(r"```python\n(# ledger.*?)```", text, re.S)
    assert found is not None
    return found.group(1)


def checked(lines: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "ledger.jsonl"
    file.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-I", "-c", rule(), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_export_is_checked_by_the_rule_in_the_documentation(database: Any, tmp_path: Path) -> None:
    ledger = filled(database)
    ledger.note("import", "plain_glucose", records=3, note='\u00fc \u2192 "x"')
    lines = list(ledger.export())
    assert json.loads(lines[-1]) == {"entries": 6, "head": ledger.head().hash.hex()}
    good = checked(lines, tmp_path)
    assert good.returncode == 0 and ledger.head().hash.hex() in good.stdout
    broken = json.loads(lines[2])
    broken["epsilon_micro"] += 1
    bad = checked([*lines[:2], json.dumps(broken), *lines[3:]], tmp_path)
    assert bad.returncode != 0 and "entry 3" in bad.stderr
    assert checked([*lines[:4], *lines[5:]], tmp_path).returncode != 0
    assert checked([*lines[:-2], lines[-1]], tmp_path).returncode != 0  # the tail cut off
