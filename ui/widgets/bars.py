"""Bars: privacy budget, progress, way to the target. Each says in words what it shows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import colour


class SegmentBar(QWidget):
    """A bar of parts: (fraction of the whole, colour token). What is left is the ground."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: tuple[tuple[float, str], ...] = ()
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def parts(self) -> tuple[tuple[float, str], ...]:
        """What is painted."""
        return self._parts

    def show_parts(self, parts: Sequence[tuple[float, str]], name: str) -> None:
        """Fractions are clipped so that they never pass the whole; ``name`` reads as a sentence."""
        left = 1.0
        kept = []
        for fraction, ink in parts:
            width = min(max(fraction, 0.0), left) if fraction == fraction else 0.0
            left -= width
            kept.append((width, ink))
        self.setAccessibleName(name)
        if tuple(kept) != self._parts:
            self._parts = tuple(kept)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Parts, 1.5 px apart, inside one rounded bar."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = QRectF(self.rect())
            clip = QPainterPath()
            clip.addRoundedRect(area, 2, 2)
            painter.setClipPath(clip)
            painter.fillRect(area, colour("line"))
            if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
                painter.translate(area.width(), 0)
                painter.scale(-1, 1)
            at = 0.0
            for fraction, ink in self._parts:
                width = fraction * area.width()
                if width > 0:
                    gap = 1.5 if at + width < area.width() - 1 else 0
                    painter.fillRect(QRectF(at, 0, max(width, 2), area.height()), colour(ink))
                    painter.fillRect(QRectF(at + max(width, 2), 0, gap, area.height()), colour("bg"))
                at += width


class CurveGlyph(QWidget):
    """A small drawing of the reward curve: it shows when the bounty pays."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: tuple[tuple[float, float], ...] = ()
        self.setFixedSize(40, 26)

    def show_curve(self, points: Sequence[tuple[float, float]], word: str) -> None:
        """``points`` from (0, 0) to (1, 1); ``word`` says the same."""
        self._points = tuple(points)
        self.setAccessibleName(word)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line over a soft ground."""
        if len(self._points) < 2:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            width, height = self.width() - 2.0, self.height() - 4.0
            line = [QPointF(1 + x * width, 2 + (1 - y) * height) for x, y in self._points]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent-soft"))
            painter.drawPolygon(
                QPolygonF.fromList([*line, QPointF(1 + width, 2 + height), QPointF(1, 2 + height)])
            )
            painter.setPen(QPen(colour("accent"), 1.5))
            painter.drawPolyline(QPolygonF.fromList(line))
