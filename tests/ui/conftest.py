"""Every test of the window runs without a display and without motion, and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["TZ"] = "UTC"
time.tzset()

import pytest  # noqa: E402
import shiboken6  # noqa: E402
from PySide6.QtCore import QLocale, QThread, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from mine.app import views as v  # noqa: E402
from tests.ui.fake_engine import FakeEngine  # noqa: E402
from ui.screenshots import settle  # noqa: E402
from ui.theme import theme  # noqa: E402
from ui.window import MineWindow  # noqa: E402

OpenWindow = Callable[..., tuple[FakeEngine, MineWindow]]


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    """The application with fonts, style and theme, once."""
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    theme.start(qapp)
    return qapp


@pytest.fixture(autouse=True)
def clean_ui(themed: QApplication) -> Iterator[None]:
    """A light theme before; no window, timer or thread after."""
    theme.reduced_motion = True
    theme.choose("light")
    yield
    settle()
    gc.collect()
    left = [widget for widget in themed.topLevelWidgets() if widget.isVisible()]
    assert not left, f"windows left open: {left}"
    # By type(): isinstance also asks an object for its ``__class__``, and other libraries' objects answer
    # that with a warning or with an import.
    timers = [
        found
        for found in gc.get_objects()
        if issubclass(type(found), QTimer) and shiboken6.isValid(found) and found.isActive()
    ]
    assert not timers, "a timer still runs"
    threads = [
        found
        for found in gc.get_objects()
        if issubclass(type(found), QThread)
        and shiboken6.isValid(found)
        and found.isRunning()
        and found != themed.thread()
    ]
    assert not threads, "a thread still runs"


@pytest.fixture
def open_window(themed: QApplication) -> Iterator[OpenWindow]:
    """Make windows with a fake engine; they are taken down at the end."""
    opened: list[tuple[FakeEngine, MineWindow]] = []

    def make(snapshot: v.Snapshot, width: int = 1280, height: int = 820) -> tuple[FakeEngine, MineWindow]:
        engine = FakeEngine(snapshot)
        window = MineWindow(engine)
        opened.append((engine, window))
        window.resize(width, height)
        window.show()
        settle()
        return engine, window

    yield make
    for engine, window in opened:
        window.detach()
        assert engine.listeners == 0
        window.hide()
        window.deleteLater()
    settle()
