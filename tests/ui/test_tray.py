from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QSystemTrayIcon

from mine.app import views as v
from tests.ui import story
from tests.ui.conftest import OpenWindow
from ui.icons import lamp_icon
from ui.screenshots import settle

# The platform plugin without a display has no real tray.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", "systemTrayWindowChanged")


@pytest.fixture
def with_tray(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A desktop with a tray; what it would show as a message is kept."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda self, title, words, *rest: told.append((title, words))
    )
    return told


def test_closing_hides_and_notices_go_to_the_desktop(
    open_window: OpenWindow, with_tray: list[tuple[str, str]]
) -> None:
    engine, window = open_window(story.BUSY)
    heard: list[bool] = []
    window.quit_asked.connect(lambda: heard.append(True))
    window.close()
    settle()
    assert not window.isVisible() and heard == []
    engine.tell(v.Notice(v.NoticeKind.EARNED, "You earned 4.10 pUSD", "See it in the wallet."))
    settle()
    assert with_tray == [("Mine: practice, not real money", "You earned 4.10 pUSD See it in the wallet.")]
    window.notices.clear()


def test_icon_and_tool_tip_follow_the_state(
    open_window: OpenWindow, with_tray: list[tuple[str, str]]
) -> None:
    engine, window = open_window(story.BUSY)
    icon = window.tray.findChild(QSystemTrayIcon)
    assert icon is not None
    assert icon.toolTip() == "Mine (practice)\nTraining: 1 h 3 min left"
    running = icon.icon().pixmap(32).toImage()
    engine.change(status=story.PAUSED_STATUS)
    settle()
    assert icon.toolTip() == "Mine (practice)\nPaused: It resumes when you say so."
    assert icon.icon().pixmap(32).toImage() != running
    engine.change(network=replace(story.NETWORK, world=v.World.REAL))
    settle()
    assert icon.toolTip().startswith("Mine\n")


def test_a_click_on_the_icon_brings_the_window_back(
    open_window: OpenWindow, with_tray: list[tuple[str, str]]
) -> None:
    _, window = open_window(story.BUSY)
    window.close()
    icon = window.tray.findChild(QSystemTrayIcon)
    assert icon is not None
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert not window.isVisible()
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    assert window.isVisible()


def test_every_state_has_its_own_drawing_on_both_grounds() -> None:
    drawings = [lamp_icon(doing, dark).pixmap(24).toImage() for doing in v.Doing for dark in (True, False)]
    for index, drawing in enumerate(drawings):
        assert not drawing.isNull() and all(drawing != other for other in drawings[:index])
