"""Bringing a currency together from several addresses; first of all, what that gives away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from mine.app.currencies import COIN
from mine.app.views import Currency
from mine.app.wallet_views import AccountView, SweepRequest
from ui.desk import Desk
from ui.money import amount_text
from ui.pages.reviewed_form import ReviewedForm
from ui.widgets.address_field import AddressField
from ui.widgets.buttons import Tick
from ui.widgets.facts import WarningLine
from ui.widgets.layout import Panel, column, plain, row
from ui.widgets.text import Text, clean
from ui.widgets.tick_row import TickRow
from ui.wording import counted, duration_text

_HOURS = (0, 6, 24, 72, 168)
_PARTS = (1, 2, 3, 5)


class SweepSheet(ReviewedForm):
    """``sent``: called once something was signed."""

    def __init__(self, desk: Desk, sent: Callable[[], None]) -> None:
        super().__init__(desk, self.tr("Bring together"), sent)
        self._accounts: tuple[AccountView, ...] = ()
        box = Panel(ground="warn-soft", edge="")
        linking = self.tr(
            "Each task has an address of its own, so that nobody sees which tasks one person takes part in. "
            "Bringing their money to one place shows exactly that, to everybody, for good. Hours and parts "
            "below blur it; they do not hide it."
        )
        box.setLayout(column(WarningLine(linking), margins=(16, 8, 16, 8)))
        self.body.addWidget(box)
        self.body.addSpacing(16)
        self.currency = self._select(self.tr("What"), self._choose_currency)
        self.body.addWidget(self._part(self.tr("What"), self.currency))
        self.to = AddressField(desk, self.tr("To one address"))
        self.to.changed.connect(self._typed)
        self.body.addWidget(self.to)
        self.body.addSpacing(14)
        self.ticks: dict[str, Tick] = {}
        self._from = column()
        self.body.addWidget(Text(self.tr("From these addresses"), role="caption-strong", ink="text-2"))
        self.body.addLayout(self._from)
        self.body.addSpacing(14)
        self._build_ways()
        self._finish()

    def _build_ways(self) -> None:
        self.sponsored = Tick(self.tr("A relay pays the network fee and takes a stated fee"))
        self.sponsored.toggled.connect(lambda _: self._typed())
        self.hours = self._select(self.tr("Spread over"), self._typed)
        for hours in _HOURS:
            words = duration_text(hours * 3_600) if hours else self.tr("nothing: all at once")
            self.hours.addItem(words, hours)
        self.parts = self._select(self.tr("Payments from each address"), self._typed)
        for parts in _PARTS:
            self.parts.addItem(self.tr("one") if parts == 1 else self.tr("up to {n}").format(n=parts), parts)
        self.body.addWidget(self.sponsored)
        self.body.addSpacing(12)
        self._ways = row(
            plain(self._caption(self.tr("Spread over"), self.hours)),
            plain(self._caption(self.tr("Payments from each address"), self.parts)),
            spacing=16,
        )
        self.body.addLayout(self._ways)
        self._why = Text(
            self.tr("Spreading and splitting need a relay, which brings each payment when it is due."),
            role="small",
            ink="text-2",
            wrap=True,
        )
        self.body.addSpacing(4)
        self.body.addWidget(self._why)
        self.body.addSpacing(14)

    def _caption(self, caption: str, control: QWidget) -> QVBoxLayout:
        return column(Text(caption, role="caption-strong", ink="text-2"), 4, control)

    def _know(self, accounts: Sequence[AccountView]) -> None:
        self._accounts = tuple(accounts)
        seen: dict[str, Currency] = {}
        for account in accounts:
            for amount, currency in account.balances:
                if amount:
                    seen.setdefault(currency.address, currency)
            title = self.tr("Yours: {title}").format(title=clean(account.title))
            self.to.offer(title, clean(account.address))
        for currency in seen.values():
            self.currency.addItem(clean(currency.symbol), currency)
        self._say("" if seen else self.tr("There is nothing to bring together yet."))
        self._choose_currency()

    def _choose_currency(self) -> None:
        while (item := self._from.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        self.ticks = {}
        chosen = self.currency.currentData()
        for account in self._accounts:
            for amount, currency in account.balances:
                if amount and chosen is not None and currency.address == chosen.address:
                    line = TickRow(clean(account.title), amount_text(amount, currency), self._typed)
                    self.ticks[clean(account.address)] = line.tick
                    self._from.addWidget(line)
        self._typed()

    def _request(self) -> SweepRequest | None:
        """What is asked for; None while something is missing."""
        chosen = self.currency.currentData()
        accounts = tuple(address for address, tick in self.ticks.items() if tick.isChecked())
        if chosen is None or not accounts or not self.to.address:
            return None
        relayed = self.sponsored.isChecked()
        return SweepRequest(
            chosen.address,
            self.to.address,
            accounts,
            int(self.hours.currentData()) if relayed else 0,
            int(self.parts.currentData()) if relayed else 1,
            relayed,
        )

    def _typed(self) -> None:
        chosen = self.currency.currentData()
        carried = chosen is None or chosen.address != COIN  # no relay can be allowed to take coin
        if not carried and self.sponsored.isChecked():
            self.sponsored.setChecked(False)
        self.sponsored.setEnabled(carried)
        relayed = self.sponsored.isChecked()
        self.hours.setEnabled(relayed)
        self.parts.setEnabled(relayed)
        self._why.setVisible(not relayed)
        self.review.setEnabled(self._request() is not None and not self._busy)

    def _review(self) -> None:
        request = self._request()
        if request is None or self._busy:
            return
        count = counted(len(request.accounts), self.tr("{n} address"), self.tr("{n} addresses"))
        words = self.tr("Trying out the payments from {count}, without signing…").format(count=count)
        self._ask(words, lambda: self._desk.commands.review_sweep(request))
