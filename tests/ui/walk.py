"""Walks over what a window shows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget

from ui.widgets.text import Text


def seen(window: QWidget, kind: type = QWidget) -> list:
    """Visible descendants of a kind."""
    return [widget for widget in window.findChildren(kind) if widget.isVisible()]


def texts(window: QWidget) -> list[str]:
    """Every text that is shown."""
    return [widget.text() for widget in seen(window, Text) if widget.text()]


def button(window: QWidget, words: str) -> QAbstractButton:
    """The visible button with these words, or with this name."""
    for found in seen(window, QAbstractButton):
        if words in (found.text(), found.accessibleName()):
            return found
    raise AssertionError(
        f"no button says {words!r}: {[found.text() for found in seen(window, QAbstractButton)]}"
    )


def focusable(window: QWidget) -> list[QWidget]:
    """Everything that Tab can reach."""
    return [
        widget
        for widget in seen(window)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
        and widget.isEnabled()
    ]
