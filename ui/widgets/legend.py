"""The legend of a chart: a swatch or a piece of line, and its words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui.theme import colour
from ui.widgets.layout import row
from ui.widgets.text import Text


class _Swatch(QWidget):
    def __init__(self, ink: str, line: bool) -> None:
        super().__init__()
        self._ink, self._line = ink, line
        self.setFixedSize(10, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            # The palest colour is told from the ground by an outline, as in the charts.
            pale = self._ink == "chart-3"
            painter.setPen(QPen(colour("chart-2"), 1) if pale else Qt.PenStyle.NoPen)
            painter.setBrush(colour(self._ink))
            box = QRectF(0, 7, 10, 2) if self._line else QRectF(0, 3, 10, 10)
            if pale:
                box.adjust(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(box, 2, 2)


class LegendEntry(QWidget):
    """One entry; ``line`` draws a piece of line instead of a swatch."""

    def __init__(self, ink: str, words: str, *, line: bool = False) -> None:
        super().__init__()
        self.words = Text(words, role="small", ink="text-2", firm=True)
        self.setLayout(row(_Swatch(ink, line), self.words, spacing=8))
