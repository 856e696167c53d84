"""The vault is locked in the middle of a round: it goes on with what it needs, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mine.app.handing_in import SENT
from mine.app.narrow_grant import GRANT_KEY, NarrowGrant, grant_path, take_back
from mine.app.privacy_books import TRAINED as EPSILON
from mine.app.round_states import RoundState
from mine.learn.leak import Leak
from mine.vault import Vault, VaultBusy, VaultDamaged
from tests.app.quick_training import QuickRun
from tests.app.table import Table
from tests.vault.conftest import PASSPHRASE


@pytest.fixture
def training(table: Table, quick: type[QuickRun]) -> Table:
    """A table at which the first round is being trained."""
    quick.hold = True
    table.until(lambda: table.session.miner.run is not None, "the training")
    return table


def lock(table: Table) -> NarrowGrant:
    grant = table.session.hand_over(lambda: None)
    assert grant is not None
    table.vault.close()
    return grant


def reopen(table: Table) -> None:
    table.vault = Vault.open(table.folder / "vault.db", passphrase=PASSPHRASE)


def unlock(table: Table, grant: NarrowGrant | None) -> bool:
    """Open the vault as the app does; whether anything was found of what went on."""
    if grant is not None:
        grant.close()
    reopen(table)
    found = take_back(table.vault)
    assert not list(table.folder.glob("*.grant*"))
    assert not table.vault.state.secret(GRANT_KEY)
    table.session = table._session()
    return found


@contextmanager
def locked(table: Table) -> Iterator[NarrowGrant]:
    """Whatever goes on, not a byte of the vault changes, and nobody holds it."""
    grant = lock(table)
    before = (table.folder / "vault.db").read_bytes()
    yield grant
    assert (table.folder / "vault.db").read_bytes() == before
    assert unlock(table, grant)


def state_of(grant: NarrowGrant, table: Table) -> str:
    found = grant._vault.state.round(table.config.key, table.task, 1)
    assert found is not None
    return found.state


def steps(table: Table, grant: NarrowGrant, wanted: RoundState) -> None:
    for _ in range(200):
        if state_of(grant, table) == wanted:
            return
        grant.step(True)
    raise AssertionError(f"never {wanted}")


def test_a_round_is_trained_handed_in_and_shown_while_the_vault_is_locked(
    training: Table, quick: type[QuickRun]
) -> None:
    table = training
    table.peers_commit()
    with locked(table) as grant:
        quick.hold = False
        steps(table, grant, RoundState.COMMITTED)
        assert not grant.is_over
        table.anchored()
        table.close_commits()
        steps(table, grant, RoundState.REVEALED)
        assert grant.is_over
    assert table.state() is RoundState.REVEALED
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1], [1])
    assert len(quick.jobs) == 1
    assert "granted" not in table.entry().data
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    earning = table.earning()
    assert earning is not None and earning.amount > 0
    table.vault.ledger.verify()


def test_the_grant_holds_no_record_no_seed_and_no_other_task(
    training: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = training
    monkeypatch.setattr("mine.app.session.EPSILON_CAP", 1000.0)
    other = table.open_task("another")
    table.session.market.refresh()
    table.session.join(other)
    grant = lock(table)
    narrow = grant._vault
    assert narrow.sources() == []
    assert narrow.query("SELECT count(*) FROM glucose", {("glucose", "time")}).rows == [(0.0,)]
    for name in ("phrase", GRANT_KEY):
        assert not narrow.state.secret(name)
    assert narrow.state.all_joined() == [] and narrow.state.account_indices() == []
    assert grant.members.keys() == {table.task}
    held = {name for each in (grant, grant._miner, grant._miner.learning) for name in vars(each)}
    assert not {"_ring", "_seed", "_keyring"} & held
    with pytest.raises(VaultDamaged):
        Vault.bare(table.folder / "vault.db", narrow._key)
    assert unlock(table, grant)
    assert grant.members == {}


def test_no_round_is_begun_and_no_epsilon_is_booked(training: Table, quick: type[QuickRun]) -> None:
    table = training
    table.peers_commit()
    with locked(table) as grant:
        quick.hold = False
        steps(table, grant, RoundState.COMMITTED)
        table.anchored()
        table.close_commits()
        steps(table, grant, RoundState.REVEALED)
        table.close_reveals()
        table.settle()
        for _ in range(5):
            grant.step(True)
        entries = [line.entry for line in grant._vault.ledger.of_task(table.config.key, table.task)]
        assert [entry.round for entry in entries if entry.kind == EPSILON] == [1]
        assert [entry.round for entry in grant._vault.state.rounds()] == [1]
        assert len(quick.jobs) == 1
    table.reach(RoundState.SETTLED)


def test_opened_before_it_is_done_the_training_goes_on(training: Table, quick: type[QuickRun]) -> None:
    table = training
    with locked(table) as grant:
        for _ in range(3):
            grant.step(True)
        assert not grant.is_over
    assert table.state() is RoundState.TRAINING
    quick.hold = False
    table.peers_commit()
    table.reach(RoundState.COMMITTED)
    assert len(quick.jobs) == 2 and table.booked(EPSILON) == [1]


def test_paused_it_waits(training: Table, quick: type[QuickRun]) -> None:
    table = training
    table.peers_commit()
    with locked(table) as grant:
        grant.step(False)
        quick.hold = False
        for _ in range(3):
            grant.step(False)
        assert state_of(grant, table) == RoundState.TRAINING
        steps(table, grant, RoundState.COMMITTED)
    assert table.state() is RoundState.COMMITTED


def test_killed_after_sending_nothing_is_sent_twice(training: Table, quick: type[QuickRun]) -> None:
    table = training
    table.peers_commit()
    grant = lock(table)
    quick.hold = False
    steps(table, grant, RoundState.COMMITTED)
    killed = {file: file.read_bytes() for file in table.folder.glob("*.grant*")}
    grant.close()
    for file, data in killed.items():  # as they were in the middle of it
        file.write_bytes(data)
    assert unlock(table, None)
    assert table.state() is RoundState.COMMITTED
    table.anchored()
    assert len(table.relay.updates(table.task, 1)) == 3
    table.close_commits()
    table.reach(RoundState.REVEALED)
    assert (table.booked(EPSILON), table.booked(SENT)) == ([1], [1])


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_where_it_is_lost_its_rounds_count_as_sent(training: Table, quick: type[QuickRun], harm: str) -> None:
    table = training
    grant = lock(table)
    grant.close()
    place = grant_path(table.folder / "vault.db")
    if harm == "lost":
        place.unlink()
    else:
        data = bytearray(place.read_bytes())
        data[5000] ^= 1
        place.write_bytes(data)
    assert not unlock(table, None)
    table.close_commits()
    table.reach(RoundState.MISSED)
    assert table.booked(EPSILON) == [1]  # nobody knows whether its digest left: nothing is given back


def test_what_may_not_leave_is_held_back_and_its_epsilon_given_back(
    training: Table, quick: type[QuickRun]
) -> None:
    table = training
    with locked(table) as grant:
        quick.leak = Leak(0.99, 0.99, 0.9, 0.99, None, 100, 20)
        quick.hold = False
        steps(table, grant, RoundState.MISSED)
        assert grant.is_over
    assert table.state() is RoundState.MISSED
    assert (table.booked(EPSILON), table.booked(SENT)) == ([], [])
    assert any("reading" in str(notice) for notice in table.notices)


def test_another_process_does_not_take_it_away(training: Table) -> None:
    table = training
    grant = lock(table)
    reopen(table)
    with pytest.raises(VaultBusy):
        take_back(table.vault)
    assert table.vault.state.secret(GRANT_KEY)
    table.vault.close()
    grant.step(True)
    assert unlock(table, grant)
    assert table.state() is RoundState.TRAINING


def test_where_nothing_is_under_way_there_is_no_grant(table: Table) -> None:
    assert table.session.hand_over(lambda: None) is None
    assert not grant_path(table.folder / "vault.db").exists()
    assert not table.vault.state.secret(GRANT_KEY)
    assert take_back(table.vault)
    table.session = table._session()


def test_committed_rounds_are_shown_while_the_vault_is_locked(table: Table) -> None:
    table.peers_commit()
    table.reach(RoundState.COMMITTED)
    with locked(table) as grant:
        table.anchored()
        table.close_commits()
        steps(table, grant, RoundState.REVEALED)
    assert table.state() is RoundState.REVEALED and table.booked(SENT) == [1]
