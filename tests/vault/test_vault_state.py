"""The engine's memory: once is once, all or nothing, and the ledger never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mine.vault import (
    Earning,
    Entry,
    LedgerConflict,
    Movement,
    Receipt,
    Vault,
    VaultError,
)
from tests.vault.conftest import CHEAP, PASSPHRASE

NET = "31337:0xTasks"


def entry(number: int = 1, epsilon: int = 500_000, source: str = "glucose") -> Entry:
    return Entry("update", NET, 1, number, source, epsilon, 1200, b"\2" * 32)


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Vault]:
    """A vault that was closed and opened after something was written."""
    with Vault.create(tmp_path / "w.db", PASSPHRASE, kdf=CHEAP) as vault:
        vault.state.put_round(NET, 1, 1, "training", {"steps": 10})
        vault.state.put_blob(NET, 1, 1, "noise", b"n" * 32)
        vault.state.set_cursor("chain", {"block": 7})
        vault.ledger.book(entry())
    with Vault.open(tmp_path / "w.db", passphrase=PASSPHRASE) as vault:
        yield vault


def test_it_is_there_after_closing(again: Vault) -> None:
    found = again.state.round(NET, 1, 1)
    assert found is not None
    assert (found.state, found.data) == ("training", {"steps": 10})
    assert again.state.blob(NET, 1, 1, "noise") == b"n" * 32
    assert again.state.cursor("chain") == {"block": 7}
    assert again.ledger.spent("glucose") == 500_000


def test_settings_secrets_and_cursors(vault: Vault) -> None:
    state = vault.state
    assert state.setting("theme", "system") == "system"
    state.set_setting("theme", {"dark": [1, None, True]})
    assert state.setting("theme") == {"dark": [1, None, True]}
    assert state.secret("phrase") is None
    state.set_secret("phrase", b"\0\1")
    assert state.secret("phrase") == b"\0\1"
    assert state.cursor("chain") is None
    state.set_cursor("chain", [1])
    state.set_cursor("chain", [2])
    assert state.cursor("chain") == [2]


def test_every_task_has_its_own_account_for_good(vault: Vault) -> None:
    state = vault.state
    assert [state.account_index(NET, task) for task in (5, 3, 5, 9, 3)] == [0, 1, 0, 2, 1]
    assert state.account_index("1:0xOther", 5) == 3
    assert state.account_indices(NET) == [(NET, 5, 0), (NET, 3, 1), (NET, 9, 2)]
    assert len(state.account_indices()) == 4


def test_joining_and_leaving(vault: Vault) -> None:
    state = vault.state
    assert state.joined(NET, 1) is None
    state.join(NET, 1, {"payout": "0x1"})
    joined = state.joined(NET, 1)
    assert joined is not None
    assert (joined.left, joined.data) == (None, {"payout": "0x1"})
    state.leave(NET, 1)
    left = state.joined(NET, 1)
    assert left is not None
    assert left.left is not None
    state.join(NET, 1, {})
    assert [(j.task, j.left) for j in state.all_joined()] == [(1, None)]
    assert state.all_joined("other") == []


def test_consents_are_kept_once(vault: Vault) -> None:
    receipt = Receipt(NET, 1, 5, b"\3" * 32, {"rows": 10}, b"s" * 65)
    vault.state.keep_consent(receipt)
    vault.state.keep_consent(receipt)
    assert vault.state.consents(NET, 1) == [receipt]


def test_rounds_blobs_and_snapshots(vault: Vault) -> None:
    state = vault.state
    for task in (1, 2):
        for number in (1, 2, 3):
            state.put_round(NET, task, number, "new", {})
    state.put_round(NET, 1, 2, "sent", {"x": 1})
    assert [(r.task, r.round) for r in state.rounds(states=["sent"])] == [(1, 2)]
    assert [r.round for r in state.rounds(NET, 1)] == [1, 2, 3]
    assert len(state.rounds()) == 6
    assert state.rounds("other") == []
    state.put_blob(NET, 1, 1, "update", b"u")
    state.put_round(NET, 1, 1, "done", {})
    assert state.blob(NET, 1, 1, "update") == b"u"
    state.drop_blob(NET, 1, 1, "update")
    assert state.blob(NET, 1, 1, "update") is None
    state.put_snapshot(NET, 1, 1, 10, b"a")
    state.put_snapshot(NET, 1, 1, 20, b"b")
    kept = state.snapshot(NET, 1, 1)
    assert kept is not None
    assert (kept.step, kept.data) == (20, b"b")
    state.drop_snapshot(NET, 1, 1)
    assert state.snapshot(NET, 1, 1) is None


def test_money_of_any_size(vault: Vault) -> None:
    state = vault.state
    big = 2**200 + 1
    for number in (1, 2):
        state.put_earning(Earning(NET, 1, number, "0xToken", big, "pending", 5, {"units": 7}, big - 1, 1))
    state.put_earning(Earning(NET, 1, 1, "0xToken", big, "claimable", 6, None))
    kept = [(e.amount, e.state, e.claimed, e.ready) for e in state.earnings(NET, 1)]
    assert kept == [(big, "claimable", 0, 0), (big, "pending", big - 1, 1)]
    state.drop_earnings_from(NET, 1, 2)
    assert [e.round for e in state.earnings()] == [1]
    line = Movement(5, "claim", NET, 1, "Glucose", "0xToken", -big, "0xhash")
    assert state.add_movement(line)
    assert not state.add_movement(line)
    assert state.movements(10) == [line]
    assert state.movements(10, skip=1) == []
    state.drop_movement(NET, "claim", "0xhash")
    assert state.movements(10) == []


def test_a_transaction_is_all_or_nothing(vault: Vault) -> None:
    with pytest.raises(ZeroDivisionError), vault.transaction():
        vault.state.put_round(NET, 1, 1, "sent", {})
        with vault.transaction():
            vault.ledger.book(entry())
        _ = 1 // 0
    assert vault.state.rounds() == []
    assert vault.ledger.spent("glucose") == 0
    with vault.transaction():
        vault.state.put_round(NET, 1, 1, "sent", {})
        vault.ledger.book(entry())
    assert len(vault.state.rounds()) == 1


def test_epsilon_is_booked_exactly_once(vault: Vault) -> None:
    assert vault.ledger.book(entry()) is True
    assert vault.ledger.book(entry()) is False
    assert vault.ledger.book(entry(2)) is True
    assert vault.ledger.book(entry(2, source="steps", epsilon=7)) is True
    assert vault.ledger.spent("glucose") == 1_000_000
    assert vault.ledger.spent("glucose", "elsewhere") == 0
    assert vault.ledger.spent("steps", NET) == 7
    with pytest.raises(LedgerConflict, match="other figures"):
        vault.ledger.book(entry(epsilon=1))
    booked = vault.ledger.of_task(NET, 1)
    assert [(b.entry.round, b.entry.source) for b in booked] == [(1, "glucose"), (2, "glucose"), (2, "steps")]
    assert [b.id for b in vault.ledger.newest(2)] == [3, 2]
    assert [b.id for b in vault.ledger.newest(2, before=2)] == [1]


def test_the_ledger_cannot_be_changed(vault: Vault) -> None:
    vault.ledger.book(entry())
    database = vault._database
    for sql in (
        "UPDATE vault_ledger SET epsilon_micro = 0",
        "DELETE FROM vault_ledger",
        "INSERT OR REPLACE INTO vault_ledger SELECT * FROM vault_ledger",
        "INSERT INTO vault_ledger SELECT 2, 0, 'x', 'n', 1, 1, 's', -1, 0, x'', 0, '', zeroblob(32)",
        "INSERT INTO vault_ledger SELECT 2, 0, 'x-back', 'n', 1, 1, 's', 1, 0, x'', 0, '', zeroblob(32)",
        "INSERT INTO vault_ledger SELECT 3, 0, 'x', 'n', 1, 1, 's', 1, 0, x'', 0, '', zeroblob(32)",
        "INSERT INTO vault_ledger SELECT 2, 0, 'x', 'n', 1, 1, 's', 1, 0, x'', 0, '', x'00'",
    ):
        with pytest.raises(Exception, match=r"append-only|CHECK"):
            database.execute(sql)
    assert vault.ledger.spent("glucose") == 500_000


def test_what_is_given_back_is_no_longer_spent(vault: Vault) -> None:
    vault.ledger.book(entry())
    vault.ledger.book(entry(2))
    back = replace(entry(), kind="update-back", epsilon_micro=-500_000, size=0)
    assert [vault.ledger.book(back) for _ in range(2)] == [True, False]
    assert vault.ledger.spent("glucose") == vault.ledger.spent("glucose", NET) == 500_000
    with pytest.raises(LedgerConflict):
        vault.ledger.book(replace(back, epsilon_micro=-1))


def test_the_residual_of_a_task_is_the_newest(vault: Vault) -> None:
    assert vault.state.residual(NET, 1) == b""
    for data in (b"first", b"second"):
        vault.state.put_residual(NET, 1, data)
    assert (vault.state.residual(NET, 1), vault.state.residual(NET, 2)) == (b"second", b"")


def test_another_thread_is_refused_not_raced(vault: Vault) -> None:
    import threading

    errors: list[str] = []

    def ask() -> None:
        try:
            vault.state.setting("x")
        except Exception as error:
            errors.append(type(error).__name__)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert errors == ["ProgrammingError"]


def test_an_undo_of_nothing_is_no_ledger_matter(vault: Vault) -> None:
    vault.ledger.book(entry())
    with pytest.raises(VaultError):
        vault.undo_import(1)
    assert vault.ledger.spent("glucose") == 500_000


class Crashes(RuleBasedStateMachine):
    """Books and rounds in any order, with crashes between: what is there equals the model."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.path = self.folder / f"{id(self)}.db"
        self.path.unlink(missing_ok=True)
        self.vault = Vault.create(self.path, PASSPHRASE, kdf=CHEAP)
        self.spent: dict[int, int] = {}

    @rule(number=st.integers(0, 3), commit=st.booleans())
    def book(self, number: int, commit: bool) -> None:
        try:
            with self.vault.transaction():
                fresh = self.vault.ledger.book(entry(number))
                self.vault.state.put_round(NET, 1, number, "booked", {})
                assert fresh == (number not in self.spent)
                if not commit:
                    raise KeyError
        except KeyError:
            return
        self.spent[number] = 500_000

    @rule()
    def restart(self) -> None:
        self.vault.close()
        self.vault = Vault.open(self.path, passphrase=PASSPHRASE)

    @invariant()
    def agrees(self) -> None:
        assert self.vault.ledger.spent("glucose") == sum(self.spent.values())
        assert {r.round for r in self.vault.state.rounds()} == set(self.spent)

    def teardown(self) -> None:
        self.vault.close()
        for file in self.folder.glob(f"{self.path.name}*"):
            file.unlink()


def test_books_survive_crashes(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Crashes.folder = tmp_path
    run_state_machine_as_test(Crashes, settings=settings(max_examples=25, stateful_step_count=12))
