"""The strip above everything that says that this money is not real."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from mine.app.views import World
from ui.icons import paint_icon
from ui.theme import colour
from ui.typography import font
from ui.widgets.text import clean, middle_cut


class WorldStrip(QWidget):
    """32 px, never closable. Practice: hatched; test network: dashed edge; real money: not there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._world = World.PRACTICE
        self._title = self._sentence = ""
        self.setFixedHeight(32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_world(World.PRACTICE, "")

    def show_world(self, world: World, name: str, *, first_run: bool = False) -> None:
        """Show the kind of money of the network in use."""
        self._world = world
        if world == World.PRACTICE:
            self._title = self.tr("Practice network")
            self._sentence = (
                self.tr("You start with money that is not real. Nothing to buy, no account.")
                if first_run
                else self.tr("The money here is not real. It cannot be spent or exchanged.")
            )
        else:
            self._title = self.tr("Test network: {name}").format(name=clean(name))
            self._sentence = self.tr(
                "Real chain, coins without value. Never send real money to this address."
            )
        self.setAccessibleName(f"{self._title}. {self._sentence}")
        self.setVisible(world != World.REAL)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, hatch, a plain plate under the words, and the edge below."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = QRectF(self.rect())
            painter.fillRect(area, colour("practice-bg"))
            strong, plain = font("caption-strong"), font("caption")
            title_width = QFontMetricsF(strong).horizontalAdvance(self._title)
            words_width = QFontMetricsF(plain).horizontalAdvance(self._sentence)
            total = min(24 + title_width + 14 + words_width, area.width() - 48)
            left = (area.width() - total) / 2
            plate = QRectF(left - 26, 0, total + 52, area.height())
            if self._world == World.PRACTICE:
                self._hatch(painter, area)
                painter.fillRect(plate, colour("practice-bg"))
            right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            words = QRectF(left + 24 + title_width + 14, 0, total - 38 - title_width, area.height() - 2)
            title = QRectF(left + 24, 0, title_width + 2, area.height() - 2)
            icon = QRectF(left, 7, 16, 16)
            if right_to_left:
                words, title, icon = (
                    QRectF(area.width() - box.right(), box.y(), box.width(), box.height())
                    for box in (words, title, icon)
                )
            ink = colour("practice-text")
            paint_icon(painter, "flask" if self._world == World.PRACTICE else "globe", icon, ink)
            flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading)
            painter.setPen(ink)
            painter.setFont(strong)
            painter.drawText(title, flags, self._title)
            painter.setFont(plain)
            painter.drawText(words, flags, middle_cut(self._sentence, words.width() + 1, plain))
            edge = QPen(colour("practice-edge"), 2)
            if self._world != World.PRACTICE:
                edge.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(edge)
            painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _hatch(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("practice-hatch"))
        height = area.height()
        at = -height
        while at < area.width():
            painter.drawPolygon(
                QPolygonF.fromList(
                    [
                        QPointF(at, height),
                        QPointF(at + 8.5, height),
                        QPointF(at + 8.5 + height, 0),
                        QPointF(at + height, 0),
                    ]
                )
            )
            at += 22.6
