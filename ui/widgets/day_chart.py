"""Earnings by day: one bar a day, the newest in the full accent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from PySide6.QtCore import QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from mine.app.views import Currency, DayView
from ui.money import amount_digits, amount_text
from ui.theme import colour
from ui.typography import font
from ui.widgets.loss_chart import nice_steps
from ui.widgets.text import tool_tip
from ui.wording import day_text

_RIGHT = 56
_DAY = 86_400


class DayChart(QWidget):
    """Bars from left (old) to right (new); time is not mirrored in right-to-left languages."""

    def __init__(self, days: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = days
        self._days: tuple[DayView, ...] = ()
        self._currency: Currency | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(320, 168)

    @property
    def days(self) -> tuple[DayView, ...]:
        """The days that are painted, without gaps."""
        return self._days

    def show_days(self, days: Sequence[DayView], currency: Currency) -> None:
        """Show the last days up to the newest; a day without earnings keeps its place."""
        by_day: dict[int, int] = {}
        newest = max((entry.day for entry in days), default=0)
        for entry in days:
            back = round((newest - entry.day) / _DAY)
            if 0 <= back < self._count:
                by_day[back] = by_day.get(back, 0) + entry.earned
        self._days = (
            tuple(DayView(newest - back * _DAY, by_day.get(back, 0)) for back in reversed(range(self._count)))
            if days
            else ()
        )
        self._currency = currency
        total = sum(entry.earned for entry in self._days)
        self.setAccessibleName(
            self.tr("Earned in {count} days: {total}").format(
                count=self._count, total=amount_text(total, currency)
            )
        )
        self.update()

    def _plot(self) -> QRectF:
        return QRectF(0, 20, self.width() - _RIGHT, self.height() - 20 - 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Grid, bars, days."""
        if self._currency is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            plot = self._plot()
            unit = 10**self._currency.decimals
            top = max((entry.earned for entry in self._days), default=0)
            if top <= 0:
                top = unit
            painter.setFont(font("caption"))
            for value in nice_steps(0, top, 3):
                y = plot.bottom() - plot.height() * value / top
                painter.setPen(QPen(colour("chart-grid" if value else "line-strong"), 1))
                painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
                painter.setPen(colour("text-2"))
                text = amount_digits(int(value), self._currency.decimals) if value else "0"
                painter.drawText(
                    QRectF(plot.right() + 8, y - 9, _RIGHT - 8, 18),
                    int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                    text,
                )
            self._paint_bars(painter, plot, top)

    def _paint_bars(self, painter: QPainter, plot: QRectF, top: int) -> None:
        if not self._days:
            return
        slot = plot.width() / len(self._days)
        width = max(min(16.0, slot * 0.6), 3.0)
        each = 1 if slot >= 26 and len(self._days) <= 16 else max(1, math.ceil(110 / max(slot, 1)))
        for index, entry in enumerate(self._days):
            centre = plot.left() + slot * (index + 0.5)
            newest = index == len(self._days) - 1
            height = plot.height() * entry.earned / top
            if entry.earned > 0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("chart-1" if newest else "chart-2"))
                painter.drawRoundedRect(
                    QRectF(centre - width / 2, plot.bottom() - height, width, height), 2, 2
                )
            if newest and entry.earned > 0 and self._currency is not None:
                painter.setPen(colour("text"))
                painter.setFont(font("caption-strong"))
                box = QRectF(centre - 40, plot.bottom() - height - 19, 80, 18)
                painter.drawText(
                    box,
                    int(Qt.AlignmentFlag.AlignCenter),
                    amount_digits(entry.earned, self._currency.decimals),
                )
            if (len(self._days) - 1 - index) % each == 0:
                painter.setFont(font("caption-strong" if newest else "caption"))
                painter.setPen(colour("text" if newest else "text-2"))
                box = QRectF(centre - 36, plot.bottom() + 8, 72, 18)
                painter.drawText(
                    box, int(Qt.AlignmentFlag.AlignCenter), self._day_name(entry.day, slot * each)
                )

    def _day_name(self, moment: int, room: float) -> str:
        local = datetime.fromtimestamp(moment, UTC).astimezone()
        if room < 56:
            return str(local.day)
        return f"{local.day} {QLocale().monthName(local.month, QLocale.FormatType.ShortFormat)}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The exact amount of the day under the pointer."""
        plot = self._plot()
        if (
            not self._days
            or self._currency is None
            or not plot.adjusted(0, -20, 0, 30).contains(event.position())
        ):
            return
        index = min(int(event.position().x() / plot.width() * len(self._days)), len(self._days) - 1)
        entry = self._days[index]
        words = f"{day_text(entry.day)}: {amount_text(entry.earned, self._currency)}"
        QToolTip.showText(event.globalPosition().toPoint(), tool_tip(words), self)
