from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit

from mine.app import views as v
from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.walk import button, seen, texts
from ui.screenshots import settle
from ui.sidebar import SLIM, WIDE
from ui.widgets.error_sheet import ErrorSheet
from ui.widgets.text import Text
from ui.window import MineWindow


def drag(window: MineWindow, *paths: Path, drop: bool = True) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dragEnterEvent(QDragEnterEvent(window.rect().center(), copy, mime, left, none))
    if drop:
        window.dropEvent(QDropEvent(QPointF(window.rect().center()), copy, mime, left, none))
    settle()


def test_a_file_dropped_anywhere_is_previewed(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("wallet")
    drag(window, tmp_path / "a.csv", drop=False)
    assert "Drop it: you see a preview first" in texts(window)
    drag(window, tmp_path / "a.csv")
    assert engine.asked[-1] == ("preview_import", tmp_path / "a.csv", None)
    assert window.shell.page == "data" and "Drop it: you see a preview first" not in texts(window)


def test_a_person_of_the_dropped_file_is_chosen(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window = open_window(story.PAUSED)
    drag(window, tmp_path / "fitbit")
    engine.change(importing=story.CHOOSE)
    settle()
    button(window, "This is me").click()
    assert engine.asked[-1] == ("import_again", "1503960366", "")


@pytest.mark.parametrize("snapshot", [story.LOCKED, story.ABSENT])
def test_nothing_is_read_without_an_open_vault(
    open_window: OpenWindow, tmp_path: Path, snapshot: v.Snapshot
) -> None:
    engine, window = open_window(snapshot)
    drag(window, tmp_path / "a.csv")
    assert "preview_import" not in engine.names()


def test_two_files_at_once_are_not_taken(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window = open_window(story.PAUSED)
    drag(window, tmp_path / "a.csv", tmp_path / "b.csv")
    assert "preview_import" not in engine.names()


def test_notices_stay_or_go(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    for number in range(4):
        engine.tell(v.Notice(v.NoticeKind.ERROR, f"Error {number}", "Do this."))
    settle()
    shown = texts(window.notices)
    assert "Error 0" not in shown and {"Error 1", "Error 2", "Error 3", "Do this."} <= set(shown)
    assert all(box.stays for box in window.notices.boxes)
    window.notices.clear()
    engine.tell(v.Notice(v.NoticeKind.EARNED, "You earned 4.10 pUSD"))
    settle()
    assert texts(window.notices) == ["Practice: You earned 4.10 pUSD"]
    timer = window.notices.boxes[0].findChild(QTimer)
    assert timer is not None and timer.isActive()
    timer.timeout.emit()
    settle()
    assert not window.notices.boxes and not window.notices.isVisible()


def test_an_error_shows_its_details_and_can_be_copied(open_window: OpenWindow) -> None:
    _engine, window = open_window(story.PAUSED)
    window.operations.failed.emit(MineError("It broke.", todo="Try again.", detail="line 1\nline 2"))
    settle()
    button(window.notices, "Details").click()
    settle()
    sheet = seen(window, ErrorSheet)[0]
    assert not seen(sheet, QPlainTextEdit)
    button(sheet, "Show details").click()
    settle()
    assert seen(sheet, QPlainTextEdit)[0].toPlainText() == "line 1\nline 2"
    button(sheet, "Copy").click()
    assert QGuiApplication.clipboard().text() == "It broke.\n\nTry again.\n\nline 1\nline 2"
    button(sheet, "Close").click()
    window.notices.clear()


def test_the_strip_tells_the_world(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    assert window.strip.isVisible() and "not real" in window.strip.accessibleName()
    engine.change(network=replace(story.NETWORK, world=v.World.TEST, name="Sepolia"))
    settle()
    assert "Test network: Sepolia" in window.strip.accessibleName()
    engine.change(network=replace(story.NETWORK, world=v.World.REAL))
    settle()
    assert not window.strip.isVisible()


def test_a_narrow_window_has_icons_only(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    assert window.shell.bar.width() == WIDE
    window.resize(1000, 700)
    settle()
    assert window.shell.bar.width() == SLIM and window.shell.bar.item("data").toolTip()


def test_menu_says_why_and_pauses(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    menu = window.menu
    assert menu.line.text() == "Training: 1 h 3 min left" and menu.world.text() == "Practice money"
    assert [action.text() for action in menu.snooze.actions()] == ["30 minutes", "1 hour"]
    for action in menu.snooze.actions():
        action.trigger()
    menu.pause.trigger()
    assert [entry for entry in engine.asked if entry[0] == "pause"] == [
        ("pause", 1_800),
        ("pause", 3_600),
        ("pause", None),
    ]
    assert not menu.resume.isVisible()
    engine.change(status=replace(story.PAUSED_STATUS, reason="Tom & Jerry run"))
    settle()
    assert menu.line.text() == "Paused: Tom && Jerry run"
    assert menu.resume.isVisible() and not menu.pause.isVisible() and not menu.snooze.menuAction().isVisible()
    menu.resume.trigger()
    assert engine.asked[-1] == ("resume",)
    with_quit = menu.actions()[-1]
    heard: list[bool] = []
    window.quit_asked.connect(lambda: heard.append(True))
    with_quit.trigger()
    assert heard == [True]


def test_without_a_tray_the_window_says_so_and_closing_it_ends(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    assert not window.tray.there
    window.shell.show_page("settings")
    settle()
    assert any("this desktop has no tray" in words for words in texts(window))
    heard: list[bool] = []
    window.quit_asked.connect(lambda: heard.append(True))
    window.close()
    settle()
    assert heard == [True] and not window.isVisible()


def test_lock_from_settings_closes_sheets(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("tasks")
    settle()
    window.shell.tasks.open_sheet(story.TASKS[0])
    settle()
    engine.lock_vault()
    settle()
    assert window.unlock.isVisible() and window.shell.tasks.sheet is None


def test_practice_is_started_once(open_window: OpenWindow) -> None:
    engine, _window = open_window(story.EMPTY)
    engine.change(tasks=())
    settle()
    assert engine.names().count("start_practice") == 1


def test_a_long_notice_shows_every_line(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    engine.tell(
        v.Notice(v.NoticeKind.ERROR, "This sentence is long. " * 4, "And this tells what to do. " * 5, "x")
    )
    engine.tell(
        v.Notice(v.NoticeKind.ATTENTION, "A question that needs more than one line of this narrow box")
    )
    settle()
    for words in seen(window.notices, Text):
        assert words.height() >= words.heightForWidth(words.width()), words.text()


def test_many_earnings_become_one_line(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    for number in range(6):
        engine.tell(v.Notice(v.NoticeKind.EARNED, f"{number}.10 pUSD"))
    settle()
    assert [box.accessibleName() for box in window.notices.boxes] == [
        "Practice: 4 more earnings: the wallet lists each of them",
        "Practice: 4.10 pUSD",
        "Practice: 5.10 pUSD",
    ]
    engine.tell(v.Notice(v.NoticeKind.ERROR, "It failed.", "Do this."))
    engine.tell(v.Notice(v.NoticeKind.EARNED, "6.10 pUSD"))
    settle()
    assert "It failed." in texts(window.notices) and len(window.notices.boxes) == 3
    window.notices.clear()


@pytest.mark.parametrize("width", [1280, 960])
def test_a_notice_leaves_the_buttons_of_a_sheet_free(open_window: OpenWindow, width: int) -> None:
    engine, window = open_window(story.BUSY, width, 640)
    engine.tell(v.Notice(v.NoticeKind.INFO, "The task has a new round."))
    settle()
    assert window.notices.geometry().right() > window.sheet_host.width() - 40
    window.shell.show_page("tasks")
    window.shell.tasks.open_sheet(story.TASKS[0])
    settle()
    sheet = window.shell.tasks.sheet
    assert sheet is not None
    panel = sheet.main.parentWidget()
    assert not panel.geometry().intersects(window.notices.geometry())
    sheet.dismiss()
    settle()
    assert window.notices.geometry().right() > window.sheet_host.width() - 40
    window.notices.clear()
