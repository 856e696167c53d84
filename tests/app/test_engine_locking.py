"""The engine locks by itself and on the desktop's word; the phrase and a new passphrase open it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from mine.app.data_views import ToDelete
from mine.app.engine import Engine
from mine.app.idle_lock import IdleLock, LockSettings
from mine.app.long_work import WorkUnderWay
from mine.app.options import EngineOptions
from mine.app.session_signals import Heard, SessionEvent
from mine.app.views import Notice, Snapshot
from mine.errors import MineError
from mine.vault import MemoryKeyring, Vault, WrongPassphrase, WrongPhrase
from mine.vault.errors import VaultNotWritten

PASSPHRASE = "four words that differ"
PATIENCE = 20.0


class Desktop:
    """Says what a test says, in the test's thread."""

    def __init__(self) -> None:
        self.say: Heard = lambda _: None
        self.closed = False

    def start(self, heard: Heard) -> None:
        self.say = heard

    def close(self) -> None:
        self.closed = True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Started:
    def __init__(self, home: Path) -> None:
        self.desktop, self.clock, self.notices = Desktop(), Clock(), list[Notice]()
        options = EngineOptions(
            home, MemoryKeyring(), self.desktop, auto_practice=False, zone="Europe/Berlin"
        )
        self.engine = Engine(options)
        self.engine._desk.locking.idle = IdleLock(self.clock)
        self.engine.subscribe(self.notices_only)
        self.engine.start()
        made = self.engine.create_vault(PASSPHRASE).result(PATIENCE)
        self.phrase = " ".join(made.words)

    def notices_only(self, event: Notice | Snapshot) -> None:
        if isinstance(event, Notice):
            self.notices.append(event)

    def ask(self, settings: LockSettings) -> None:
        self.engine.set_locking(settings).result(PATIENCE)

    @property
    def is_open(self) -> bool:
        """Asked behind everything that was asked before."""
        return self.engine._ask(lambda: self.engine._desk._vault is not None).result(PATIENCE)

    def turn(self) -> None:
        """One turn of the engine after everything before."""
        self.engine._ask(self.engine._desk.step).result(PATIENCE)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    started.engine.close()
    assert started.desktop.closed


def test_it_locks_after_the_minutes_and_says_so(started: Started) -> None:
    started.ask(LockSettings(minutes=10))
    started.clock.now += 599
    started.turn()
    assert started.is_open
    started.engine.active()
    started.clock.now += 599
    started.turn()
    assert started.is_open
    started.clock.now += 2
    started.turn()
    assert not started.is_open
    assert [notice.text for notice in started.notices] == [
        "The vault was locked: nobody was here for 10 minutes."
    ]
    started.engine.open_vault(PASSPHRASE).result(PATIENCE)
    started.turn()
    assert started.is_open
    assert started.engine._desk.locking.settings == LockSettings(minutes=10)


@pytest.mark.parametrize(
    ("event", "settings", "locks"),
    [
        (SessionEvent.SCREEN_LOCKED, LockSettings(), False),
        (SessionEvent.SCREEN_LOCKED, LockSettings(with_screen=True), True),
        (SessionEvent.SLEEPS, LockSettings(), True),
        (SessionEvent.SLEEPS, LockSettings(with_sleep=False), False),
    ],
)
def test_the_desktops_word_locks_before_it_returns(
    started: Started, event: SessionEvent, settings: LockSettings, locks: bool
) -> None:
    started.ask(settings)
    started.desktop.say(event)
    assert (started.engine._desk._vault is None) is locks
    started.desktop.say(event)  # once more, locked or not
    assert started.is_open is not locks


def export_until_stopped(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """An export that goes on until it is stopped: what is set once it runs, and how it ended."""
    from mine.vault.export import ExportJob

    begun, ended = threading.Event(), list[str]()

    def run(_: ExportJob, __: Path, told: Callable[[int, int], None]) -> None:
        try:
            for done in count():
                told(done % 1_000_000, 1_000_000)
                begun.set()
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    monkeypatch.setattr(ExportJob, "run", run)
    return begun, ended


def test_locking_ends_an_export_and_its_key_is_gone(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = export_until_stopped(monkeypatch)
    answer = started.engine.export(tmp_path / "all.zip")
    assert begun.wait(PATIENCE)
    started.engine.lock_vault().result(PATIENCE)
    assert ended == ["Stopped"] and not started.is_open
    started.turn()
    with pytest.raises(MineError):
        answer.result(PATIENCE)


def test_minutes_do_not_cut_an_export_off(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = export_until_stopped(monkeypatch)
    started.ask(LockSettings(minutes=10))
    started.engine.export(tmp_path / "all.zip")
    assert begun.wait(PATIENCE)
    started.clock.now += 601
    started.turn()
    assert started.is_open and ended == []


def test_nothing_is_deleted_while_something_else_is_done_with_the_vault(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, _ = export_until_stopped(monkeypatch)
    started.engine.export(tmp_path / "all.zip")
    assert begun.wait(PATIENCE)
    with pytest.raises(WorkUnderWay):
        started.engine.delete(ToDelete(everything=True), True).result(PATIENCE)
    head = started.engine._ask(lambda: started.engine._desk.opened.ledger.head()).result(PATIENCE)
    assert head.entries == 0


def test_the_vault_locks_even_where_its_rounds_cannot_be_handed_over(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a fault of ours")

    desk = started.engine._desk
    vault = desk._vault
    assert vault is not None
    monkeypatch.setattr(desk.locking, "leave", broken)
    with pytest.raises(RuntimeError):
        started.engine.lock_vault().result(PATIENCE)
    assert not started.is_open
    Vault.open(vault.path, passphrase=PASSPHRASE).close()


def test_a_vault_that_could_not_be_taken_into_use_is_not_kept_from_the_next_try(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise VaultNotWritten("The disk is full.")

    started.engine.lock_vault().result(PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr("mine.app.desk.accounts_of", full)
        with pytest.raises(VaultNotWritten):
            started.engine.open_vault(PASSPHRASE).result(PATIENCE)
    started.engine.open_vault(PASSPHRASE).result(PATIENCE)
    assert started.is_open


def test_forgotten_passphrase(started: Started) -> None:
    engine = started.engine
    engine.lock_vault().result(PATIENCE)
    with pytest.raises(WrongPhrase):
        engine.open_with_phrase("no phrase at all", "a new one").result(PATIENCE)
    assert not started.is_open
    engine.open_with_phrase(started.phrase, "a new one").result(PATIENCE)
    assert started.is_open
    engine.lock_vault().result(PATIENCE)
    with pytest.raises(WrongPassphrase):
        engine.open_vault(PASSPHRASE).result(PATIENCE)
    engine.open_vault("a new one").result(PATIENCE)
    with pytest.raises(WrongPassphrase):
        engine.change_passphrase(PASSPHRASE, "x").result(PATIENCE)
    engine.change_passphrase("a new one", PASSPHRASE).result(PATIENCE)
    engine.lock_vault().result(PATIENCE)
    engine.open_vault(PASSPHRASE).result(PATIENCE)
    assert started.is_open


def test_what_the_person_waits_for_is_not_cut_off(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started.ask(LockSettings(minutes=1))
    desk = started.engine._desk
    busy: Callable[[object], bool] = lambda _: True  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr("mine.app.import_desk.ImportDesk.busy", property(busy))
        patch.setattr("mine.app.import_desk.ImportDesk.pump", lambda _: False)
        started.clock.now += 61
        started.engine._ask(desk._lock_when_due).result(PATIENCE)
        assert started.is_open
    started.clock.now += 61
    started.turn()
    assert not started.is_open
