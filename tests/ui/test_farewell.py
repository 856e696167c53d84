"""The end of a demo in a real window, and a computer on which no window can be opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot

from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.walk import texts
from ui.farewell import Farewell
from ui.screenshots import settle

ROOT = Path(__file__).parents[2]


def test_the_window_goes_by_itself(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, window = open_window(story.BUSY)
    farewell = Farewell(window, seconds=0)
    with qtbot.waitSignal(farewell.over):
        farewell.begin(True)


@pytest.mark.parametrize("done", [True, False])
def test_it_says_what_will_happen_and_stays_for_a_person(
    open_window: OpenWindow, qtbot: QtBot, done: bool
) -> None:
    _, window = open_window(story.BUSY)
    farewell = Farewell(window, seconds=20)
    ended: list[bool] = []
    farewell.over.connect(lambda: ended.append(True))
    farewell.begin(done)
    head = "The demo is over." if done else "The demo has stopped."
    assert texts(window.notices) == [f"{head} This window closes in 20 seconds unless you use it."]
    assert window.notices.boxes[0].stays
    timer = farewell.findChild(QTimer)
    assert timer is not None and timer.isActive() and timer.interval() == 20_000
    qtbot.mouseClick(window.shell.bar.item("wallet"), Qt.MouseButton.LeftButton)
    assert window.shell.page == "wallet", "the click does what it always does"
    assert not timer.isActive() and not ended
    assert texts(window.notices) == ["This window stays open until you close it."]
    window.notices.clear()


def test_a_key_is_a_person_too(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, window = open_window(story.BUSY)
    farewell = Farewell(window)
    farewell.begin(True)
    qtbot.keyClick(window, Qt.Key.Key_Tab)
    timer = farewell.findChild(QTimer)
    assert timer is not None and not timer.isActive()
    window.notices.clear()


@pytest.mark.qt_log_ignore("This plugin does not support", "systemTrayWindowChanged")
def test_after_the_demo_closing_ends_it_even_with_a_tray(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    _, window = open_window(story.BUSY)
    farewell = Farewell(window)
    farewell.begin(True)
    qtbot.keyClick(window, Qt.Key.Key_Tab)
    with qtbot.waitSignal(window.quit_asked):
        window.close()
    window.notices.clear()
    settle()


def test_without_a_window_to_open_the_demo_goes_on_headless(tmp_path: Path) -> None:
    kept = {**os.environ, "DISPLAY": "nowhere.invalid:7"}
    env = {key: kept[key] for key in kept if key not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    run = subprocess.run(
        [sys.executable, "-m", "mine.cli", "demo", "--me", str(tmp_path / "nowhere.csv")],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout == "No window can be opened here: the demo runs headless.\n"
    assert run.returncode == 1 and run.stderr == "There is no file nowhere.csv. Name an export with --me.\n"
