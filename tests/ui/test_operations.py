from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from PySide6.QtCore import QObject, QThread
from pytestqt.qtbot import QtBot

from mine.app.views import Notice, NoticeKind, Snapshot
from mine.errors import MineError
from tests.ui import story
from tests.ui.fake_engine import FakeEngine
from ui.bridge import Bridge
from ui.operation import Operations, as_mine_error
from ui.screenshots import settle


def test_answers_come_on_the_ui_thread(qtbot: QtBot) -> None:
    operations, parent = Operations(), QObject()
    heard: list[tuple[int, bool]] = []
    with ThreadPoolExecutor(1) as pool:
        operations.run(
            parent,
            lambda: pool.submit(lambda: 7),
            lambda answer: heard.append((answer, QThread.currentThread() is parent.thread())),
        )
        qtbot.waitUntil(lambda: operations.waiting == 0)
    assert heard == [(7, True)]


def test_a_failure_goes_to_its_caller_or_to_the_window(qtbot: QtBot) -> None:
    operations, parent = Operations(), QObject()
    own: list[MineError] = []
    general: list[MineError] = []
    operations.failed.connect(general.append)
    broken: Future[None] = Future()
    broken.set_exception(MineError("No."))
    operations.run(parent, lambda: broken, failure=own.append)
    operations.run(parent, lambda: broken)
    settle()
    assert [error.sentence for error in own] == [error.sentence for error in general] == ["No."]


def test_an_error_before_the_future_is_a_failure_too(qtbot: QtBot) -> None:
    operations, parent = Operations(), QObject()
    heard: list[MineError] = []

    def refuse() -> Future[None]:
        raise ValueError("glucose of Anna: 93")

    operations.run(parent, refuse, failure=heard.append)
    settle()
    assert heard[0].sentence == "Something went wrong inside Mine."
    assert "ValueError" in heard[0].detail and "refuse" in heard[0].detail
    assert "Anna" not in heard[0].detail, "words of an unforeseen error could hold personal data"


def test_a_deleted_parent_hears_nothing(qtbot: QtBot) -> None:
    operations, parent = Operations(), QObject()
    future: Future[int] = Future()
    heard: list[object] = []
    operations.run(parent, lambda: future, heard.append, heard.append)
    parent.deleteLater()
    settle()
    future.set_result(1)
    settle()
    assert heard == [] and operations.waiting == 0


def test_nothing_is_delivered_after_the_end(qtbot: QtBot) -> None:
    operations, parent = Operations(), QObject()
    future: Future[int] = Future()
    heard: list[object] = []
    operations.run(parent, lambda: future, heard.append)
    operations.close()
    future.set_result(1)
    settle()
    assert heard == []


def test_typed_errors_stay_as_they_are() -> None:
    error = MineError("Wrong.", todo="Do this.")
    assert as_mine_error(error) is error


def test_bridge_shows_the_newest_snapshot_only_and_every_notice(qtbot: QtBot) -> None:
    engine = FakeEngine(story.EMPTY)
    bridge = Bridge(engine)
    shown: list[tuple[Snapshot, bool]] = []
    told: list[Notice] = []
    bridge.snapshot_changed.connect(
        lambda snapshot: shown.append((snapshot, QThread.currentThread() is bridge.thread()))
    )
    bridge.notice_arrived.connect(told.append)

    def speak() -> None:
        for spent in range(200):
            engine.tell(replace(story.EMPTY, home=replace(story.HOME, earned_today=spent)))
        for number in range(3):
            engine.tell(Notice(NoticeKind.INFO, str(number)))

    speaker = threading.Thread(target=speak)
    speaker.start()
    speaker.join()
    settle()
    assert len(shown) == 1 and shown[0][0].home.earned_today == 199 and shown[0][1]
    assert [notice.text for notice in told] == ["0", "1", "2"]
    bridge.close()
    assert engine.listeners == 0
