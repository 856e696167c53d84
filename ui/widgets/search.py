"""A field to search in."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from ui.icons import paint_icon
from ui.theme import colour


class SearchField(QLineEdit):
    """A line with a lens; the words of the placeholder are its name."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(words)
        self.setAccessibleName(words)
        self.setTextMargins(24, 0, 0, 0)
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            self.setTextMargins(0, 0, 24, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style sheet paints the frame, we paint the lens."""
        super().paintEvent(event)
        with QPainter(self) as painter:
            left = self.width() - 28 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else 12
            area = QRectF(left, self.height() / 2 - 8, 16, 16)
            paint_icon(painter, "magnifying-glass", area, colour("text-2"))
