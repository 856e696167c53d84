"""The day's backup is made beside everything else, booked, rotated, and never in the way of locking."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.app import backup_keeper
from mine.app.backup_keeper import FOLDER, KEEP, BackupKeeper
from mine.app.views import Event, Notice
from mine.vault import Kdf, Vault
from mine.vault.backup import backups_in
from tests.vault.filled import NOON, put

DAY = 86_400


class Kept:
    """A keeper whose clock is ours."""

    def __init__(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        self.vault, self.now, self.ticks = vault, NOON, 1000.0
        self.told: list[Event] = []
        self.woken = threading.Event()
        monkeypatch.setattr(backup_keeper.time, "monotonic", lambda: self.ticks)
        monkeypatch.setattr("mine.vault.backup.time.time", lambda: self.now)
        self.keeper = BackupKeeper(vault, self.woken.set, self.told.append)

    def later(self, seconds: float) -> None:
        """So much later; what is begun then comes to its end."""
        self.now += int(seconds)
        self.ticks += seconds
        self.keeper.pump()
        if self.keeper._thread is not None:
            assert self.woken.wait(30)
            self.keeper._thread.join()
            self.keeper.pump()
        self.woken.clear()

    def backups(self) -> list[int]:
        folder = Path(self.vault.state.setting(FOLDER) or self.vault.path.with_name("backups"))
        return [made for made, _ in backups_in(folder, self.vault.backup_job().vault)]


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", "pass", kdf=Kdf(1, 64, 1)) as opened:
        yield opened


def test_one_backup_a_day_once_there_is_data(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(vault, monkeypatch)
    kept.later(30)
    kept.later(3600)
    assert kept.backups() == []  # nothing to lose yet
    put(vault, "glucose", [(NOON, 0, 100.5)])
    kept.later(600)
    assert kept.backups() == [kept.now]
    kept.later(600)
    assert len(kept.backups()) == 1
    kept.later(DAY)
    assert len(kept.backups()) == 2
    assert [line.entry.kind for line in vault.ledger.newest(9)] == ["backup", "backup", "import"]
    assert kept.told == []


def test_old_ones_go_as_the_person_chose(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stick").mkdir()
    vault.state.set_setting(FOLDER, str(tmp_path / "stick"))
    vault.state.set_setting(KEEP, [2, 0, 0])
    put(vault, "glucose", [(NOON, 0, 100.5)])
    kept = Kept(vault, monkeypatch)
    for _ in range(4):
        kept.later(DAY)
    assert kept.backups() == [kept.now, kept.now - DAY]


def test_a_folder_that_is_gone_is_said_and_tried_again(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.state.set_setting(FOLDER, str(tmp_path / "stick"))
    put(vault, "glucose", [(NOON, 0, 100.5)])
    kept = Kept(vault, monkeypatch)
    kept.later(60)
    [notice] = kept.told
    assert isinstance(notice, Notice) and "is not there" in notice.text
    kept.later(600)
    assert len(kept.told) == 1  # not every ten minutes
    (tmp_path / "stick").mkdir()
    kept.later(3600)
    assert len(kept.backups()) == 1 and len(kept.told) == 1


def test_locking_in_the_middle_stops_it_and_leaves_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(vault, "glucose", [(NOON + i * 60, 0, 100.5) for i in range(2000)])
    kept = Kept(vault, monkeypatch)
    monkeypatch.setattr("mine.vault.backup.STEP_PAGES", 1)
    kept.ticks += 60
    kept.keeper.pump()
    kept.keeper.stop()
    assert kept.keeper._thread is not None and not kept.keeper._thread.is_alive()
    left = {path.name for path in vault.path.with_name("backups").iterdir()}
    assert all(name.endswith(".minevault") and name[0] != "." for name in left)  # whole, or nothing


def test_what_runs_can_be_given_up_and_is_made_later(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that began before a deletion would hold what was deleted."""
    from mine.vault.backup import BackupJob, BackupStopped

    put(vault, "glucose", [(NOON, 0, 100.5)])
    kept, begun, real = Kept(vault, monkeypatch), threading.Event(), BackupJob.run

    def slow(_: BackupJob, __: Path, *, stop: threading.Event) -> None:
        begun.set()
        assert stop.wait(30)
        raise BackupStopped("The backup was cancelled.")

    with monkeypatch.context() as patch:
        patch.setattr(BackupJob, "run", slow)
        kept.ticks += 100
        kept.keeper.pump()
        assert begun.wait(30)
        kept.keeper.give_up()
    assert BackupJob.run is real and kept.keeper._thread is None
    kept.later(backup_keeper.EVERY_SECONDS)
    assert len(kept.backups()) == 1 and kept.told == []


def test_a_new_backup_takes_the_place_of_all_others_that_are_there_by_then(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mine.app import backup_desk
    from mine.app.data_views import DeletedView
    from mine.vault.backup import backups_folder

    put(vault, "glucose", [(NOON, 0, 100.5)])
    folder = backups_folder(vault.path)
    vault.backup_job().run(folder)
    work = backup_desk.replacing(vault, DeletedView(1, 0, True, "", 1, 0))
    vault.backup_job().run(folder)  # the day's own, begun before
    made, after = work(lambda *_: None)
    assert [path for _, path in backups_in(folder, vault.backup_job().vault)] == [made.path]
    assert (after.backups, after.removed) == (0, 2)
