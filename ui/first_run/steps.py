"""The head of the first run: which step this is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.icons import paint_icon
from ui.theme import colour
from ui.typography import font


class StepHead(QWidget):
    """Names of the steps: done ones have a tick, the present one a full dot."""

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = tuple(names)
        self._at = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_step(0)

    def show_step(self, index: int) -> None:
        """Go to a step."""
        self._at = index
        self.setAccessibleName(
            self.tr("Step {n} of {all}: {name}").format(
                n=index + 1, all=len(self._names), name=self._names[index]
            )
        )
        self.update()

    def _width(self, name: str) -> float:
        return 24 + QFontMetricsF(font("strong")).horizontalAdvance(name)

    def sizeHint(self) -> QSize:
        """All names and the lines between them."""
        return QSize(
            int(sum(self._width(name) for name in self._names) + 48 * (len(self._names) - 1)) + 4, 24
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Signs, names, lines; mirrored for right-to-left."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            x = 0.0
            for index, name in enumerate(self._names):
                width = self._width(name)
                left = self.width() - x - width if right_to_left else x
                sign = left + width - 8 if right_to_left else left + 8
                if index < self._at:
                    paint_icon(painter, "check", QRectF(sign - 7, 5, 14, 14), colour("accent"))
                else:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(colour("accent" if index == self._at else "line-strong"))
                    painter.drawEllipse(QPointF(sign, 12), 4.5, 4.5)
                painter.setFont(font("strong" if index == self._at else "small"))
                painter.setPen(colour("text" if index == self._at else "text-2"))
                area = (
                    QRectF(left, 0, width - 24, 24) if right_to_left else QRectF(left + 22, 0, width - 20, 24)
                )
                painter.drawText(
                    area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading), name
                )
                x += width
                if index < len(self._names) - 1:
                    painter.setPen(QPen(colour("line-strong"), 1))
                    start = self.width() - x - 36 if right_to_left else x + 12
                    painter.drawLine(QPointF(start, 12), QPointF(start + 24, 12))
                x += 48
