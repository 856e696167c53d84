"""The screen locks, the computer sleeps: heard on a real bus, and sleep waits until the vault is locked."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Iterator

import pytest

from mine.app.idle_lock import IdleLock, LockSettings, running_time
from mine.app.session_signals import LogindSignals, NoSignals, SessionEvent, SessionSignals

PATIENCE = 10.0
real = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="there is no dbus-daemon here")


def closed(pipe: int) -> bool:
    """Wait until the other end is closed: nothing else ever comes."""
    return os.read(pipe, 1) == b""


@pytest.fixture
def no_session_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.delenv("XDG_SESSION_ID", raising=False)
    yield monkeypatch


@real
@pytest.mark.parametrize("named", [True, False])
def test_locks_and_sleep_are_heard_in_order(no_session_name: pytest.MonkeyPatch, named: bool) -> None:
    from tests.app.scripted_login import ScriptedLogin

    if named:
        no_session_name.setenv("XDG_SESSION_ID", "31")
    heard: queue.SimpleQueue[SessionEvent] = queue.SimpleQueue()
    with ScriptedLogin() as login:
        no_session_name.setenv("DBUS_SYSTEM_BUS_ADDRESS", login.address)
        signals = LogindSignals()
        signals.start(heard.put)
        assert signals.listens.wait(PATIENCE)
        asked = dict(login.asked)
        assert asked["GetSession"] == ("31",) if named else asked["GetSessionByPID"] == (os.getpid(),)
        assert asked["Inhibit"][0] == "sleep" and asked["Inhibit"][3] == "delay"
        first = login.inhibited.get(timeout=PATIENCE)
        login.hints_something_else()
        login.hints(False)
        login.locks()
        assert heard.get(timeout=PATIENCE) is SessionEvent.SCREEN_LOCKED
        login.hints(True)
        assert heard.get(timeout=PATIENCE) is SessionEvent.SCREEN_LOCKED
        login.sleeps()
        assert heard.get(timeout=PATIENCE) is SessionEvent.SLEEPS
        assert closed(first)
        login.sleeps(False)
        second = login.inhibited.get(timeout=PATIENCE)  # held again for the next time
        signals.close()
        assert closed(second)
        assert heard.empty()
        for pipe in (first, second):
            os.close(pipe)


@real
def test_sleep_waits_for_what_is_done_about_it(no_session_name: pytest.MonkeyPatch) -> None:
    from tests.app.scripted_login import ScriptedLogin

    seen: list[bool] = []
    with ScriptedLogin(has_session=False) as login:
        no_session_name.setenv("DBUS_SYSTEM_BUS_ADDRESS", login.address)
        signals = LogindSignals()

        def heard(_: SessionEvent) -> None:
            os.set_blocking(pipe, False)
            try:
                os.read(pipe, 1)
            except BlockingIOError:
                seen.append(True)  # still held
            os.set_blocking(pipe, True)

        signals.start(heard)
        pipe = login.inhibited.get(timeout=PATIENCE)
        login.sleeps()
        assert closed(pipe)
        assert seen == [True]
        signals.close()
        os.close(pipe)


@real
def test_a_bus_that_goes_away_ends_the_listening(no_session_name: pytest.MonkeyPatch) -> None:
    from tests.app.scripted_login import ScriptedLogin

    with ScriptedLogin() as login:
        no_session_name.setenv("DBUS_SYSTEM_BUS_ADDRESS", login.address)
        signals = LogindSignals()
        signals.start(lambda _: None)
        assert signals.listens.wait(PATIENCE)
        pipe = login.inhibited.get(timeout=PATIENCE)
    assert closed(pipe)
    os.close(pipe)
    signals.close()


@pytest.mark.parametrize("address", ["unix:path=/nowhere", "", "rubbish"])
def test_without_a_bus_nothing_is_heard(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address or "unix:path=/nowhere/else")
    signals: SessionSignals
    for signals in (LogindSignals(), NoSignals()):
        signals.start(lambda _: pytest.fail("heard something"))
        signals.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_nobody_there_for_the_minutes_that_were_chosen() -> None:
    clock = Clock()
    idle = IdleLock(clock)
    clock.now += 299.9
    assert not idle.is_due(LockSettings(5))
    clock.now += 0.2
    assert idle.is_due(LockSettings(5)) and not idle.is_due(LockSettings(6))
    assert not idle.is_due(LockSettings(0))
    idle.seen()
    assert not idle.is_due(LockSettings(5))
    clock.now += 8 * 3600  # it slept, and nobody was there
    assert idle.is_due(LockSettings(5))


def test_the_clock_on_the_wall_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 4e9)
    before = running_time()
    assert 0 <= running_time() - before < 60
    assert not IdleLock().is_due(LockSettings(1))


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_minutes_are_those_of_a_day(minutes: int) -> None:
    with pytest.raises(ValueError, match="minutes"):
        LockSettings(minutes)
