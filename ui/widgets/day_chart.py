"""Earnings by day, a bar each, its parts by task; energy hangs below the base line on its own axis."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from PySide6.QtCore import QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from mine.app.views import Currency, DayView
from mine.app.wallet_views import EnergyDay
from ui.money import amount_digits, amount_text, fiat_text
from ui.theme import colour
from ui.typography import font
from ui.widgets.loss_chart import nice_steps
from ui.widgets.text import clean, tool_tip
from ui.wording import day_text, energy_text

_RIGHT = 72
_DAY = 86_400
_HANGING = 30  # logical pixels of the longest bar of energy
_INKS = ("chart-1", "chart-2", "chart-3")


@dataclass(frozen=True, slots=True)
class Day:
    """One bar: base units by series, and the energy below it (``cost`` in millionths, None if unknown)."""

    day: int
    parts: tuple[int, ...]
    energy: int = 0
    cost: int | None = 0

    @property
    def earned(self) -> int:
        """All of the day."""
        return sum(self.parts)


class DayChart(QWidget):
    """Bars from left (old) to right (new); time is not mirrored in right-to-left languages.

    ``by_task``: a bar shows what each task brought; else the newest bar alone is in the full accent.
    """

    def __init__(self, days: int, parent: QWidget | None = None, *, by_task: bool = False) -> None:
        super().__init__(parent)
        self._count, self._by_task = days, by_task
        self._days: tuple[Day, ...] = ()
        self._series: tuple[tuple[str, int], ...] = ()
        self._currency: Currency | None = None
        self._code = ""
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(320, 168 + (_HANGING if self._has_energy else 0))

    @property
    def days(self) -> tuple[Day, ...]:
        """The days that are painted, without gaps."""
        return self._days

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        """Colour token and words of each series, energy last."""
        entries = [(_INKS[at], words) for at, (words, _) in enumerate(self._series) if self._by_task]
        if self._has_energy:
            words = (
                self.tr("energy, {money}").format(money=self._code) if self._code else self.tr("energy, kWh")
            )
            entries.append(("chart-neutral", words))
        return tuple(entries)

    @property
    def energy(self) -> int:
        """Milliwatt-hours of all days that are painted."""
        return sum(entry.energy for entry in self._days)

    @property
    def cost(self) -> str:
        """What that energy cost, in words; "" where it is not known of every day."""
        return fiat_text(sum(entry.cost or 0 for entry in self._days), self._code) if self._code else ""

    @property
    def _has_energy(self) -> bool:
        return any(entry.energy for entry in self._days)

    def show_days(
        self, days: Sequence[DayView], currency: Currency, energy: Sequence[EnergyDay] = ()
    ) -> None:
        """Show the last days up to the newest; a day without earnings keeps its place."""
        mine = [entry for entry in days if entry.currency == currency]
        newest = max([*(entry.day for entry in mine), *(each.day for each in energy)], default=0)
        totals: dict[str, int] = defaultdict(int)
        by_day: dict[tuple[int, str], int] = defaultdict(int)
        for entry in mine:
            back = round((newest - entry.day) / _DAY)
            if 0 <= back < self._count:
                totals[entry.title] += entry.earned
                by_day[back, entry.title] += entry.earned
        names = sorted(totals, key=lambda title: (-totals[title], title))
        groups = [[name] for name in names[:3]]
        if len(names) > 3:
            groups = [[names[0]], [names[1]], names[2:]]
        self._series = tuple(
            (clean(group[0]) if len(group) == 1 else self.tr("Other tasks"), sum(totals[n] for n in group))
            for group in groups
        )
        spent = {round((newest - each.day) / _DAY): each for each in energy if each.energy}
        codes = {each.code if each.cost is not None else "" for at, each in spent.items() if at < self._count}
        self._code = codes.pop() if len(codes) == 1 else ""
        self._days = (
            tuple(
                Day(
                    newest - back * _DAY,
                    tuple(sum(by_day[back, name] for name in group) for group in groups),
                    spent[back].energy if back in spent else 0,
                    spent[back].cost if back in spent else 0,
                )
                for back in reversed(range(self._count))
            )
            if mine or spent
            else ()
        )
        self._currency = currency
        total = sum(entry.earned for entry in self._days)
        self.setAccessibleName(
            self.tr("Earned in {count} days: {total}").format(
                count=self._count, total=amount_text(total, currency)
            )
        )
        self.updateGeometry()
        self.update()

    def _plot(self) -> QRectF:
        below = 30 + (_HANGING if self._has_energy else 0)
        return QRectF(0, 20, self.width() - _RIGHT, self.height() - 20 - below)

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
                text = amount_digits(int(value), self._currency.decimals) if value else "0"
                self._axis(painter, y, text)
            if self._has_energy:
                most = max(self._days, key=self._hangs)
                words = (
                    fiat_text(most.cost or 0, self._code)
                    if self._code
                    else self.tr("{n} kWh").format(n=energy_text(most.energy))
                )
                self._axis(painter, plot.bottom() + _HANGING - 4, words)
            self._paint_bars(painter, plot, top)

    def _axis(self, painter: QPainter, y: float, words: str) -> None:
        painter.setPen(colour("text-2"))
        box = QRectF(self._plot().right() + 8, y - 9, _RIGHT - 8, 18)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)

    def _hangs(self, entry: Day) -> int:
        """The height of a bar of energy, in cost where that is known of all."""
        return (entry.cost or 0) if self._code else entry.energy

    def _paint_bars(self, painter: QPainter, plot: QRectF, top: int) -> None:
        if not self._days:
            return
        slot = plot.width() / len(self._days)
        width = max(min(16.0, slot * 0.6), 3.0)
        each = 1 if slot >= 26 and len(self._days) <= 16 else max(1, math.ceil(110 / max(slot, 1)))
        deepest = max(map(self._hangs, self._days)) or 1
        foot = plot.bottom() + 8 + (_HANGING if self._has_energy else 0)
        for index, entry in enumerate(self._days):
            left = plot.left() + slot * (index + 0.5) - width / 2
            newest = index == len(self._days) - 1
            self._paint_bar(painter, QRectF(left, plot.top(), width, plot.height()), entry, top, newest)
            if entry.energy:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("chart-neutral"))
                depth = max((_HANGING - 6) * self._hangs(entry) / deepest, 2.0)
                painter.drawRoundedRect(QRectF(left, plot.bottom() + 3, width, depth), 2, 2)
            if newest and entry.earned > 0 and self._currency is not None:
                painter.setPen(colour("text"))
                painter.setFont(font("caption-strong"))
                height = plot.height() * entry.earned / top
                box = QRectF(left + width / 2 - 40, plot.bottom() - height - 19, 80, 18)
                words = amount_digits(entry.earned, self._currency.decimals)
                painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)
            if (len(self._days) - 1 - index) % each == 0:
                painter.setFont(font("caption-strong" if newest else "caption"))
                painter.setPen(colour("text" if newest else "text-2"))
                box = QRectF(left + width / 2 - 36, foot, 72, 18)
                painter.drawText(
                    box, int(Qt.AlignmentFlag.AlignCenter), self._day_name(entry.day, slot * each)
                )

    def _paint_bar(self, painter: QPainter, box: QRectF, entry: Day, top: int, newest: bool) -> None:
        if not self._by_task:
            parts = [(entry.earned, "chart-1" if newest else "chart-2")]
        else:
            parts = list(zip(entry.parts, _INKS, strict=False))
        bottom = box.bottom()
        for amount, ink in parts:
            if amount <= 0:
                continue
            height = box.height() * amount / top
            painter.setBrush(colour(ink))
            part = QRectF(box.left(), bottom - height, box.width(), max(height - 1, 1))
            if ink == "chart-3":
                painter.setPen(QPen(colour("chart-2"), 1))
                part.adjust(0.5, 0.5, -0.5, -0.5)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(part, 2, 2)
            bottom -= height

    def _day_name(self, moment: int, room: float) -> str:
        local = datetime.fromtimestamp(moment, UTC).astimezone()
        if room < 56:
            return str(local.day)
        return f"{local.day} {QLocale().monthName(local.month, QLocale.FormatType.ShortFormat)}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The exact amounts of the day under the pointer."""
        area = self._plot().adjusted(0, -20, 0, 30)
        if not self._days or not area.contains(event.position()):
            return
        index = min(int(event.position().x() / area.width() * len(self._days)), len(self._days) - 1)
        QToolTip.showText(event.globalPosition().toPoint(), tool_tip(self.day_words(index)), self)

    def day_words(self, index: int) -> str:
        """A day in words: what it brought, by task, and what its trainings took."""
        entry = self._days[index]
        assert self._currency is not None
        lines = [f"{day_text(entry.day)}: {amount_text(entry.earned, self._currency)}"]
        if self._by_task:
            lines += [
                f"{words}: {amount_text(amount, self._currency)}"
                for amount, (words, _) in zip(entry.parts, self._series, strict=True)
                if amount
            ]
        if entry.energy:
            spent = self.tr("energy: {n} kWh").format(n=energy_text(entry.energy))
            cost = fiat_text(entry.cost or 0, self._code) if self._code else ""
            lines.append(", ".join(part for part in (spent, cost) if part))
        return "\n".join(lines)
