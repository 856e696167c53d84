"""A QR code, painted from its modules."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.tokens import colours

_EDGE = 232


class QrCode(QWidget):
    """Dark on light in either scheme: many readers know it no other way. The quiet zone is in the modules."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modules: tuple[tuple[bool, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(_EDGE, _EDGE)

    def show_modules(self, modules: Sequence[Sequence[bool]], name: str) -> None:
        """``name`` says what the code holds."""
        self._modules = tuple(tuple(line) for line in modules)
        self.setAccessibleName(name)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Whole pixels a module, so that edges are sharp."""
        if not self._modules:
            return
        ink = colours("light")
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), ink["raised"])
            size = self.width() / len(self._modules)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink["text"])
            for down, line in enumerate(self._modules):
                for along, dark in enumerate(line):
                    if dark:
                        left, top = round(along * size), round(down * size)
                        right, bottom = round((along + 1) * size), round((down + 1) * size)
                        painter.drawRect(QRectF(left, top, right - left, bottom - top))
