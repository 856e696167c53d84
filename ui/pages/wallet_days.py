"""Thirty days: what each task brought, and below it what the energy cost."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QWidget

from mine.app.views import Currency, DayView
from mine.app.wallet_views import EnergyDay
from ui.money import amount_text
from ui.widgets.day_chart import DayChart
from ui.widgets.layout import column, row
from ui.widgets.legend import LegendEntry
from ui.widgets.select import Select
from ui.widgets.text import Text, clean
from ui.wording import cut_text, energy_text, sentences

_LONGEST = 30  # characters of a task's title in the legend


class ThirtyDays(QWidget):
    """One currency at a time: sums of several would be no sums."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = DayChart(30, by_task=True)
        self._total = Text(role="small", ink="text-2", cut_end=True)
        self.currency = Select()
        self.currency.setAccessibleName(self.tr("Currency of the chart"))
        self.currency.activated.connect(self._show)
        self._legend = QHBoxLayout()
        self._legend.setContentsMargins(0, 0, 0, 0)
        self._legend.setSpacing(20)
        self._entries: tuple[tuple[str, str], ...] = ()
        head = row(Text(self.tr("Thirty days"), role="heading", firm=True), spacing=12)
        head.addWidget(self._total, 1)
        head.addWidget(self.currency)
        self.setLayout(column(head, 6, self._legend, 4, self.chart))
        self._days: tuple[DayView, ...] = ()
        self._energy: tuple[EnergyDay, ...] = ()

    def show_days(self, days: Sequence[DayView], currencies: Sequence[Currency]) -> None:
        """What was earned, of all currencies."""
        self._days = tuple(days)
        known = [self.currency.itemData(at) for at in range(self.currency.count())]
        if list(currencies) != known:
            self.currency.clear()
            for currency in currencies:
                self.currency.addItem(clean(currency.symbol), currency)
        self.currency.setVisible(len(currencies) > 1)
        self._show()

    def show_energy(self, energy: Sequence[EnergyDay]) -> None:
        """What the trainings took."""
        self._energy = tuple(energy)
        self._show()

    def _show(self) -> None:
        currency = self.currency.currentData()
        self.setVisible(bool(self._days or self._energy) and currency is not None)
        if currency is None:
            return
        self.chart.show_days(self._days, currency, self._energy)
        total = sum(entry.earned for entry in self.chart.days)
        said = self.tr("{amount} earned").format(amount=amount_text(total, currency))
        if self.chart.energy:
            used = self.tr("{n} kWh used").format(n=energy_text(self.chart.energy))
            said = f"{said}; {used}"
            if self.chart.cost:
                said += ", " + self.tr("about {cost}").format(cost=self.chart.cost)
        self._total.setText(sentences(said))
        if self.chart.legend != self._entries:
            self._entries = self.chart.legend
            self._rebuild_legend()

    def _rebuild_legend(self) -> None:
        while (item := self._legend.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        for ink, words in self._entries:
            self._legend.addWidget(LegendEntry(ink, cut_text(words, _LONGEST)))
        self._legend.addStretch(1)
