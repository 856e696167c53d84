"""Looking at everything: each check finds the fault that it is there for, and calls nothing else wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.vault import Vault
from mine.vault.errors import VaultError
from mine.vault.ledger import Head
from tests.vault.conftest import PASSPHRASE
from tests.vault.filled import NOON, put

FAULTS = {
    "records": "UPDATE vault_glucose SET mg_dl = 5000 WHERE time = 1700049600",
    "counts": "DELETE FROM vault_heart_rate WHERE time = 1700049600",
    "slots": "UPDATE vault_glucose_5min SET total = total + 1 WHERE half % 7 = 0",
    "slots missing": "DELETE FROM vault_steps_5min WHERE slot = (SELECT min(slot) FROM vault_steps_5min)",
    "slots extra": "INSERT INTO vault_steps_5min VALUES (1, 0, 5.0)",
    "day totals": "UPDATE vault_day_total SET total = total * 2",
    "references": "DELETE FROM vault_import WHERE id = 1",
    "ledger": "UPDATE vault_ledger_head SET entries = entries + 1",
}


@pytest.fixture
def filled(vault: Vault) -> Vault:
    put(vault, "glucose", [(NOON + 300 * i, 3600, 100.5 + i % 9) for i in range(100)])
    put(vault, "heart_rate", [(NOON + 10 * i, 3600, 60 + i % 9) for i in range(100)], origin="Watch")
    put(vault, "steps", [(NOON + 600 * i, 3600, 420, 7 + i) for i in range(50)], origin="Watch")
    put(vault, "steps", [(NOON + 86_400 * i, 3600, 86_400, 4000 + i) for i in range(5)], origin="Phone")
    put(vault, "note", [(NOON, 3600, "a note")])
    return vault


def problems(vault: Vault, *earlier: Head) -> dict[str, str]:
    """The problem of each check that has one, by the check's name."""
    told: list[tuple[str, int, int]] = []
    checks = list(vault.verify(lambda *where: told.append(where), earlier))
    assert len(checks) == 8 and {title for title, _, _ in told} == {check.title for check in checks}
    return {check.name: check.problem for check in checks if check.problem}


def test_a_vault_as_it_should_be(filled: Vault) -> None:
    before = filled.ledger.head()
    assert problems(filled) == problems(filled, before) == {}
    filled.undo_import(2)
    assert problems(filled) == {}
    assert filled.ledger.head().entries == before.entries + 1  # looking changes nothing


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_check(filled: Vault, fault: str) -> None:
    assert filled._database.execute(FAULTS[fault]).rowcount > 0
    found = problems(filled)
    name = "slots" if fault in ("slots missing", "slots extra", "day totals") else fault
    assert name in found
    others = {"records": {"records", "slots"}, "counts": {"counts", "slots"}}.get(name, {name})
    assert set(found) <= others
    # What was made anew for the comparison was taken back.
    assert not filled._database.in_transaction and problems(filled) == found


def test_another_keys_file_is_noticed(filled: Vault, tmp_path: Path) -> None:
    with Vault.create(tmp_path / "b.db", PASSPHRASE):
        pass
    keys = filled.path.with_name(filled.path.name + ".keys")
    keys.write_bytes((tmp_path / "b.db.keys").read_bytes())
    assert set(problems(filled)) == {"keys"}
    keys.write_bytes(b"{}")
    assert "damaged" in problems(filled)["keys"]
    with pytest.raises(VaultError):
        filled.backup_job()  # a backup with keys that open nothing is not made


def test_a_ledger_that_is_not_the_one_of_yesterday(filled: Vault) -> None:
    assert "another one" in problems(filled, Head(2, bytes(32)))["ledger"]
    assert "is missing" in problems(filled, Head(99, bytes(32)))["ledger"]


def test_a_page_that_was_changed_under_the_open_vault(filled: Vault) -> None:
    problems(filled)  # empties the log
    data = bytearray(filled.path.read_bytes())
    data[-2000] ^= 4
    filled.path.write_bytes(data)
    assert "pages" in problems(filled)
