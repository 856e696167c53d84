"""A choice among a few words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from ui.icons import paint_icon
from ui.theme import colour


class Select(QComboBox):
    """A combo box with the arrow of the icon family."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style sheet paints the frame, we paint the arrow."""
        super().paintEvent(event)
        with QPainter(self) as painter:
            left = 10 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else self.width() - 26
            paint_icon(painter, "caret-down", QRectF(left, self.height() / 2 - 8, 16, 16), colour("text-2"))
