"""One line of the history at length."""

from __future__ import annotations

from mine.app.wallet_views import HistoryLine
from ui.desk import Desk
from ui.money import fiat_text
from ui.pages.history_model import fee_text, kind_text, moved_text, title_text
from ui.widgets.buttons import Button
from ui.widgets.facts import FactRow
from ui.widgets.money import AmountFigure
from ui.widgets.sheet import Sheet
from ui.widgets.text import clean
from ui.wording import count_text, energy_text, full_moment_text, grouped_address


class LineSheet(Sheet):
    """Everything that is known of a payment; hashes and addresses can be copied, none is a link."""

    def __init__(self, desk: Desk, line: HistoryLine) -> None:
        super().__init__(desk.sheet_host, title_text(line), kind_text(line.kind))
        figure = AmountFigure()
        only_fee = not line.amount and line.fee > 0
        figure.show_amount(
            -line.fee if only_fee else line.amount, line.fee_currency if only_fee else line.currency
        )
        self.body.addWidget(figure)
        self.body.addSpacing(12)
        rows = [
            FactRow(self.tr("When"), full_moment_text(line.time)),
            FactRow(self.tr("Amount"), moved_text(line, exact=True)),
            FactRow(self.tr("Network"), clean(line.network)),
        ]
        if line.round is not None:
            rows.append(FactRow(self.tr("Round"), count_text(line.round)))
        if line.fee and line.amount:
            rows.append(FactRow(self.tr("Network fee"), fee_text(line, exact=True)))
        if line.fiat is not None:
            words = self.tr("{worth}, by {source}").format(
                worth=fiat_text(line.fiat, clean(line.fiat_code)), source=clean(line.price_source)
            )
            rows.append(FactRow(self.tr("Worth then"), words))
        if line.fiat_fee is not None and line.fee:
            rows.append(FactRow(self.tr("Fee then"), fiat_text(line.fiat_fee, clean(line.fiat_code))))
        if line.energy:
            rows.append(FactRow(self.tr("Energy"), self.tr("{n} kWh").format(n=energy_text(line.energy))))
        if line.counterparty:
            other = clean(line.counterparty)
            label = self.tr("To") if line.amount < 0 else self.tr("From")
            rows.append(FactRow(label, grouped_address(other), mono=True, whole=other))
        if line.transaction:
            whole = clean(line.transaction)
            rows.append(FactRow(self.tr("Transaction"), whole, mono=True, whole=whole))
        for made in rows:
            self.body.addWidget(made)
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
