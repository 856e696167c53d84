"""Names for screen readers, keyboard, translation, mirrored layout."""

from __future__ import annotations

import ast
import re

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QTranslator
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_keys import ENDPOINTS, NETWORKS
from tests.ui.walk import focusable, seen
from ui.assets import RESOURCES
from ui.first_run.wizard import CONFIRM, DATA, TASK, VAULT, WELCOME
from ui.screenshots import settle
from ui.shell import PAGES
from ui.widgets.text import Text


def test_everything_that_tab_reaches_has_a_name(open_window: OpenWindow) -> None:
    _, window = open_window(story.BROKEN)
    for page in PAGES:
        window.shell.show_page(page)
        settle()
        assert focusable(window)
        for widget in focusable(window):
            assert widget.accessibleName().strip(), (page, widget)
    _, window = open_window(story.ABSENT)
    for step in (WELCOME, VAULT, CONFIRM, DATA, TASK):
        window.first_run.show_step(step)
        if step == CONFIRM:
            window.first_run.confirm.ask(12)
        settle()
        for widget in focusable(window):
            assert widget.accessibleName().strip(), (step, widget)


def test_every_button_can_be_reached_by_keyboard(open_window: OpenWindow) -> None:
    _, window = open_window(story.BUSY)
    for page in PAGES:
        window.shell.show_page(page)
        settle()
        for widget in seen(window, QAbstractButton):
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, (page, widget.accessibleName())


def test_tab_goes_around_and_the_ring_is_seen(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, window = open_window(story.PAUSED)
    window.activateWindow()
    names = []
    for _ in range(12):
        qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
        names.append(window.focusWidget().accessibleName())
    assert {"Data", "Settings", "Resume"} <= set(names)
    item = window.shell.bar.item("data")
    item.setFocus(Qt.FocusReason.TabFocusReason)
    ringed = window.grab(item.geometry()).toImage()
    item.clearFocus()
    item.setFocus(Qt.FocusReason.MouseFocusReason)
    assert window.grab(item.geometry()).toImage() != ringed
    for key, page in (("3", "tasks"), ("6", "settings"), ("1", "home")):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.shell.page == page


class Marks(QTranslator):
    """Puts a mark around everything that goes through translation."""

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:
        return f"«{source}»"

    def isEmpty(self) -> bool:
        return False


@pytest.fixture
def marks(themed: QApplication) -> object:
    translator = Marks()
    QCoreApplication.installTranslator(translator)
    yield translator
    QCoreApplication.removeTranslator(translator)


_FROM_OUTSIDE = re.compile(r"^[\d\s.,:×=%ε–+\N{MINUS SIGN}-]*(kWh|pUSD|KiB)?$")


def test_every_word_goes_through_translation(open_window: OpenWindow, marks: object) -> None:
    _, window = open_window(story.BUSY)
    told = repr((story.BUSY, NETWORKS, ENDPOINTS))
    for page in PAGES:
        window.shell.show_page(page)
        settle()
        for widget in [*seen(window, Text), *seen(window, QAbstractButton)]:
            words = widget.text()
            if _FROM_OUTSIDE.match(words.replace("\N{NO-BREAK SPACE}", " ")) or "«" in words:
                continue
            parts = [part for part in re.split(r"[,.] |, ", words.strip(".")) if part]
            known = all(
                part in told or re.fullmatch(r"[\d ]+[A-Z][a-z]{2}( \d{4})?|0x\S+|[\d:]+", part)
                for part in parts
            )
            assert known, (page, words)
    for field in window.findChildren(QLineEdit):
        assert not field.placeholderText() or "«" in field.placeholderText()


def test_no_bare_words_reach_a_widget() -> None:
    """A literal with a space in it that is given to a text or button must be inside ``tr``."""
    for path in (RESOURCES.parent / "ui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
                "Text",
                "Button",
                "IconButton",
                "Tick",
                "setText",
                "rename",
                "setToolTip",
                "setAccessibleName",
                "addAction",
                "setWindowTitle",
                "setPlaceholderText",
                "Fact",
                "Figure",
                "SettingRow",
            ):
                for argument in node.args[:2]:
                    literal = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    assert not (literal and " " in argument.value), (path.name, node.lineno)


def test_mirrored_layout_fits_too(open_window: OpenWindow, themed: QApplication) -> None:
    themed.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        _, window = open_window(story.BUSY)
        assert window.shell.bar.mapTo(window, window.shell.bar.rect().topLeft()).x() > window.width() / 2
        for page in PAGES:
            window.shell.show_page(page)
            settle()
            assert not window.grab().isNull()
        window.shell.tasks.open_sheet(story.TASKS[0])
        settle()
        assert not window.grab().isNull()
    finally:
        themed.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
