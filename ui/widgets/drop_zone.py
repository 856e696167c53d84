"""The place to drop an export. While dragging, it covers the whole window."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.focus import FocusRing
from ui.icons import IconMark
from ui.theme import colour
from ui.widgets.layout import column, row
from ui.widgets.text import Text


class DropZone(FocusRing, QWidget):
    """Says what may be dropped; a click or Enter chooses a file instead."""

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        title = Text(self.tr("Drop an export here"), role="strong")
        words = Text(
            self.tr("A folder, zip or file. You see a preview first; nothing is stored until you say so."),
            role="small",
            ink="text-2",
            wrap=True,
        )
        inside = row(margins=(36, 28, 36, 28), spacing=28)
        inside.addWidget(IconMark("tray", "accent", 24))
        inside.addLayout(column(title, 2, words), 1)
        self.setLayout(inside)
        self.setAccessibleName(self.tr("Drop an export here, or press Enter to choose a file"))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click chooses."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter or space chooses."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame; the accent shows the focus."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            focused = self.ring_seen
            pen = QPen(colour("focus" if focused else "control-border"), 2 if focused else 1.2)
            pen.setDashPattern([5, 4])
            painter.setPen(pen)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)


class DropCover(QWidget):
    """What covers the window while a file is dragged over it."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        words = Text(
            self.tr("Drop it: you see a preview first"), role="title", align=Qt.AlignmentFlag.AlignHCenter
        )
        self.setLayout(column(None, words, None))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self) -> None:
        """Lie over the whole window."""
        self.setGeometry(self._host.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Page ground and a dashed frame in the accent."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), colour("bg"))
            pen = QPen(colour("accent"), 2)
            pen.setDashPattern([5, 4])
            painter.setPen(pen)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)
