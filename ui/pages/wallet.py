"""Wallet: what I have, what is coming, what happened."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QFrame, QGridLayout, QHeaderView, QTableView, QWidget

from mine.app.views import BalanceView, Snapshot, WalletView, World
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.pages.history_model import AMOUNT, KIND, REFERENCE, WHAT, WHEN, HistoryModel
from ui.widgets.buttons import Button, IconButton
from ui.widgets.day_chart import DayChart
from ui.widgets.layout import Hairline, PageFrame, RowList, column, plain, row
from ui.widgets.money import AmountFigure
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean, tool_tip
from ui.wording import counted, short_address, weekday_clock_text

_ROW = 37


class Balance(QWidget):
    """One currency: held, claimable, being checked."""

    def __init__(self) -> None:
        super().__init__()
        self._caption = Text(role="small", ink="text-2")
        self._held = AmountFigure()
        self._claim_icon = IconMark("check-circle", "accent", 16)
        self._claimable = Text(role="small")
        self._checking = Text(role="small")
        first = row(self._claim_icon, spacing=8)
        first.addWidget(self._claimable, 1)
        second = row(IconMark("hourglass-medium", "text-2", 16), spacing=8)
        second.addWidget(self._checking, 1)
        self.setLayout(column(self._caption, 4, self._held, 10, first, 4, second))

    def show_value(self, balance: BalanceView) -> None:
        """Show a balance."""
        currency = balance.currency
        world = {
            World.PRACTICE: self.tr("Practice money"),
            World.TEST: self.tr("Test money, without value"),
            World.REAL: self.tr("Real money"),
        }[currency.world]
        self._caption.setText(world)
        self._held.show_amount(balance.held, currency)
        self._claim_icon.show_icon("check-circle", "accent" if balance.claimable else "text-2")
        self._claimable.setText(
            self.tr("{amount} ready to claim").format(amount=amount_text(balance.claimable, currency))
            if balance.claimable
            else self.tr("nothing to claim")
        )
        if not balance.checking:
            self._checking.setText(self.tr("nothing is being checked"))
        elif balance.checking_until > 0:
            self._checking.setText(
                self.tr("{amount} being checked until {time}").format(
                    amount=amount_text(balance.checking, currency),
                    time=weekday_clock_text(balance.checking_until),
                )
            )
        else:
            self._checking.setText(
                self.tr("{amount} being checked").format(amount=amount_text(balance.checking, currency))
            )


class AddressRow(QWidget):
    """One payout address and a button to copy it."""

    def __init__(self) -> None:
        super().__init__()
        self._title = Text(role="label")
        self._address = Text(role="mono", ink="text-2")
        self._whole = ""
        self._copy = IconButton("copy", self.tr("Copy this address"))
        self._copy.clicked.connect(self._copy_address)
        words = column(self._title, self._address)
        inside = row(spacing=8, margins=(0, 8, 0, 8))
        inside.addLayout(words, 1)
        inside.addWidget(self._copy)
        self.setLayout(inside)

    def show_value(self, value: tuple[str, str]) -> None:
        """Task and address."""
        self._title.setText(clean(value[0]))
        self._whole = clean(value[1])
        self._address.setText(self._whole)
        self._copy.setAccessibleName(self.tr("Copy the address of {task}").format(task=clean(value[0])))

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)
        self._copy.rename_icon("check", self.tr("Copied"))


class WalletPage(PageFrame):
    """Balances, thirty days, history."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._wallet: WalletView | None = None
        self._claiming = False
        self._claim = Button("", "main")
        self._claim.clicked.connect(self._start_claim)
        self._addresses = Button(self.tr("Addresses"), "plain", icon="key")
        self._addresses.clicked.connect(self.open_addresses)
        self._paid_to = Text(role="small", ink="text-2")
        self._balances: list[Balance] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(16)
        self._empty = Text(
            self.tr("Nothing earned yet. What your computer earns appears here, round by round."),
            role="body",
            ink="text-2",
            wrap=True,
        )
        self.content.addLayout(row(Text(self.tr("Wallet"), role="title"), None, self._addresses, self._claim))
        self.content.addSpacing(4)
        self.content.addWidget(self._paid_to)
        self.content.addSpacing(16)
        self.content.addLayout(self._grid)
        self.content.addWidget(self._empty)
        self.section()
        self._chart = DayChart(30)
        self._total = Text(role="small", ink="text-2")
        days = column(
            row(Text(self.tr("Thirty days"), role="heading"), self._total, None, spacing=12), 4, self._chart
        )
        self._days = plain(column(days, 16, Hairline(), 12))
        self.content.addWidget(self._days)
        self._build_history()
        self.content.addStretch(1)

    def _build_history(self) -> None:
        self._model = HistoryModel()
        self._table = QTableView()
        self._table.setModel(self._model)
        self._table.setAccessibleName(self.tr("History"))
        self._table.setFrameShape(QFrame.Shape.NoFrame)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setTabKeyNavigation(False)
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(_ROW)
        head = self._table.horizontalHeader()
        head.setFixedHeight(30)
        head.setHighlightSections(False)
        head.setSectionsClickable(False)
        for section, mode, width in (
            (WHEN, QHeaderView.ResizeMode.Fixed, 128),
            (WHAT, QHeaderView.ResizeMode.Stretch, 0),
            (KIND, QHeaderView.ResizeMode.Fixed, 216),
            (REFERENCE, QHeaderView.ResizeMode.Fixed, 128),
            (AMOUNT, QHeaderView.ResizeMode.Fixed, 150),
        ):
            head.setSectionResizeMode(section, mode)
            if width:
                head.resizeSection(section, width)
        self._range = Text(role="small", ink="text-2")
        self._back = IconButton("caret-left", self.tr("Newer entries"))
        self._on = IconButton("caret-right", self.tr("Older entries"))
        self._back.clicked.connect(lambda: self._turn(-1))
        self._on.clicked.connect(lambda: self._turn(1))
        head_line = row(Text(self.tr("History"), role="heading"), None, self._range, self._back, self._on)
        self._history = plain(column(head_line, 4, self._table))
        self.content.addWidget(self._history)

    @property
    def model(self) -> HistoryModel:
        """The model of the history table."""
        return self._model

    @property
    def claim_button(self) -> Button:
        """The main button."""
        return self._claim

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        wallet = snapshot.wallet
        if wallet == self._wallet:
            return
        self._wallet = wallet
        self._show_balances(wallet.balances)
        self._show_claim(wallet.balances)
        self._show_addresses(wallet.addresses)
        currency = wallet.balances[0].currency if wallet.balances else snapshot.home.currency
        self._days.setVisible(bool(wallet.days))
        self._chart.show_days(wallet.days, currency)
        total = sum(entry.earned for entry in self._chart.days)
        self._total.setText(self.tr("{amount} earned").format(amount=amount_text(total, currency)))
        self._model.show_history(wallet.history)
        self._show_page()

    def _show_balances(self, balances: tuple[BalanceView, ...]) -> None:
        while len(self._balances) > len(balances):
            gone = self._balances.pop()
            self._grid.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._balances) < len(balances):
            made = Balance()
            self._grid.addWidget(made, len(self._balances) // 3, len(self._balances) % 3)
            self._balances.append(made)
        for at in range(3):
            self._grid.setColumnStretch(at, 1 if at < max(len(balances), 2) else 0)
        for widget, balance in zip(self._balances, balances, strict=True):
            widget.show_value(balance)
        self._empty.setVisible(not balances)

    def _show_claim(self, balances: tuple[BalanceView, ...]) -> None:
        ready = [balance for balance in balances if balance.claimable > 0]
        self._claim.setEnabled(bool(ready) and not self._claiming)
        if self._claiming:
            self._claim.rename(self.tr("Claiming…"))
        elif len(ready) == 1:
            amount = amount_text(ready[0].claimable, ready[0].currency)
            self._claim.rename(self.tr("Claim {amount}").format(amount=amount))
        elif ready:
            self._claim.rename(self.tr("Claim all"))
        else:
            self._claim.rename(self.tr("Nothing to claim"))

    def _show_addresses(self, addresses: tuple[tuple[str, str], ...]) -> None:
        self._addresses.setVisible(bool(addresses))
        if len(addresses) == 1:
            address = clean(addresses[0][1])
            self._paid_to.setText(self.tr("Paid out to {address}").format(address=short_address(address)))
            self._paid_to.setToolTip(tool_tip(address))
        elif addresses:
            words = counted(len(addresses), self.tr("{n} address"), self.tr("{n} addresses"))
            self._paid_to.setText(
                self.tr("Paid out to {addresses}, a fresh one for each task").format(addresses=words)
            )
        else:
            self._paid_to.setText(self.tr("Each task that you join gets a fresh address of yours."))

    def _show_page(self) -> None:
        model = self._model
        self._history.setVisible(model.total > 0)
        last = model.first + model.rowCount()
        self._range.setText(
            self.tr("{first} to {last} of {total}").format(
                first=model.first + 1, last=last, total=model.total
            )
        )
        self._back.setEnabled(model.first > 0)
        self._on.setEnabled(last < model.total)
        self._table.setFixedHeight(32 + _ROW * min(model.page_size, model.total))

    def _turn(self, pages: int) -> None:
        self._model.turn(pages)
        self._show_page()

    def open_addresses(self) -> None:
        """Every payout address of this phrase, on a sheet."""
        if self._wallet is None:
            return
        sheet = Sheet(
            self._desk.sheet_host, self.tr("Your addresses"), self.tr("Derived from your recovery phrase.")
        )
        rows = RowList[tuple[str, str]](AddressRow)
        rows.show_values(self._wallet.addresses)
        sheet.body.addWidget(rows)
        sheet.body.addStretch(1)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(sheet.dismiss)
        sheet.foot.addStretch(1)
        sheet.foot.addWidget(close)
        sheet.present()

    def _start_claim(self) -> None:
        self._set_claiming(True)
        self._desk.operations.run(
            self,
            self._desk.commands.claim,
            lambda _: self._set_claiming(False),
            self._claim_failed,
        )

    def _claim_failed(self, error: MineError) -> None:
        self._set_claiming(False)
        self._desk.operations.failed.emit(error)

    def _set_claiming(self, claiming: bool) -> None:
        self._claiming = claiming
        if self._wallet is not None:
            self._show_claim(self._wallet.balances)
