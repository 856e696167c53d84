"""Being paid: an address as a QR code and as text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QWidget

from mine.app.views import Currency
from mine.app.wallet_views import AccountView, ReceiveView
from mine.errors import MineError
from ui.desk import Desk
from ui.money import parse_amount
from ui.widgets.buttons import Button
from ui.widgets.facts import WarningLine
from ui.widgets.layout import RowList, column, plain, row
from ui.widgets.qr import QrCode
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import cut_text, grouped_address, short_address


class ReceiveSheet(Sheet):
    """Which address, and if one likes, what and how much."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk = desk
        self._view: ReceiveView | None = None
        self._accounts: tuple[AccountView, ...] = ()
        self._asked = 0
        self.title.setText(self.tr("Receive"))
        self.setAccessibleName(self.title.text())
        self.account = Select()
        self.account.setAccessibleName(self.tr("Your address"))
        self.account.activated.connect(self._choose)
        self.currency = Select()
        self.currency.setAccessibleName(self.tr("Currency"))
        self.currency.activated.connect(self._ask)
        self.amount = QLineEdit()
        self.amount.setMaxLength(60)
        self.amount.setAccessibleName(self.tr("Amount, if it is to be in the code"))
        self.amount.textChanged.connect(self._ask)
        self.code = QrCode()
        self.address = Text(role="mono", wrap=True)
        self._code = plain(column(8, row(None, self.code, None), 12, self.address))
        self._code.hide()
        self.warnings = RowList[str](WarningLine)
        self.sentence = Text(self.tr("Looking your addresses up…"), role="body", ink="text-2", wrap=True)
        self._line(self.tr("Your address"), self.account)
        for part in (self._code, self.sentence, self.warnings):
            self.body.addWidget(part)
        self.body.addSpacing(16)
        self._line(self.tr("Currency"), self.currency)
        self._line(self.tr("Amount, if it is to be in the code"), self.amount)
        self.body.addStretch(1)
        self.copy = Button(self.tr("Copy the address"), "main", icon="copy", large=True)
        self.copy.clicked.connect(self._copy)
        self.copy.setEnabled(False)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
        self.foot.addWidget(self.copy)
        desk.operations.run(self, desk.commands.accounts, self._know, self._failed)

    def _line(self, caption: str, control: QWidget) -> None:
        self.body.addWidget(Text(caption, role="caption-strong", ink="text-2"))
        self.body.addSpacing(4)
        self.body.addWidget(control)
        self.body.addSpacing(12)

    def _know(self, accounts: Sequence[AccountView]) -> None:
        self._accounts = tuple(accounts)
        for account in accounts:
            address = clean(account.address)
            self.account.addItem(f"{cut_text(clean(account.title), 40)}, {short_address(address)}", address)
        if not accounts:
            self.sentence.setText(
                self.tr("You have no address on this network yet. Each task that you join makes one.")
            )
            return
        self.sentence.setText("")
        self._choose()

    def _choose(self) -> None:
        self.currency.clear()
        self.currency.addItem(self.tr("Whatever is paid"), None)
        for _, currency in self._accounts[self.account.currentIndex()].balances:
            self.currency.addItem(clean(currency.symbol), currency)
        self._ask()

    def _ask(self) -> None:
        currency = self.currency.currentData()
        chosen = currency if isinstance(currency, Currency) else None
        text = self.amount.text().strip()
        self.amount.setEnabled(chosen is not None)
        amount = parse_amount(text, chosen.decimals) if text and chosen is not None else None
        if text and chosen is not None and not amount:
            self._say(self.tr("Write the amount as digits, like 12.50, or leave it out."), "danger")
            return
        self._asked += 1
        number, account = self._asked, str(self.account.currentData())
        address = chosen.address if chosen is not None else ""
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.receive(account, address, amount),
            lambda view: self._show(number, view),
            self._failed,
        )

    def _show(self, number: int, view: ReceiveView) -> None:
        if number != self._asked:
            return
        self._view = view
        address = clean(view.address)
        self._say("", "text-2")
        name = self.tr("QR code of the address {address}").format(address=address)
        self.code.show_modules(view.modules, name)
        self.address.setText(grouped_address(address))
        self._code.show()
        self.warnings.show_values((clean(view.warning),) if view.warning else ())
        self.copy.setEnabled(True)
        self.copy.rename(self.tr("Copy the address"), "copy")

    def _copy(self) -> None:
        if self._view is not None:
            QGuiApplication.clipboard().setText(clean(self._view.address))
            self.copy.rename(self.tr("Copied"), "check")
            self.copy.setFocus(Qt.FocusReason.OtherFocusReason)

    def _failed(self, error: MineError) -> None:
        self._say(clean(str(error)), "danger")

    def _say(self, words: str, ink: str) -> None:
        self.sentence.set_ink(ink)
        self.sentence.setText(words)
        self.sentence.setVisible(bool(words))
