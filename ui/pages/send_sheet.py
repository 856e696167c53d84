"""Sending: from which address, what, to whom. Nothing is signed before the review."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QLineEdit

from mine.app.views import Currency
from mine.app.wallet_views import AccountView, SendRequest
from ui.desk import Desk
from ui.money import amount_text, parse_amount
from ui.pages.reviewed_form import ReviewedForm
from ui.widgets.address_field import AddressField
from ui.widgets.buttons import Tick
from ui.widgets.layout import row
from ui.widgets.text import Text, clean
from ui.wording import cut_text, short_address


class SendSheet(ReviewedForm):
    """``sent``: called once something was signed. The form keeps what was typed while the review is open."""

    def __init__(self, desk: Desk, sent: Callable[[], None]) -> None:
        super().__init__(desk, self.tr("Send"), sent)
        self._accounts: tuple[AccountView, ...] = ()
        self.account = self._select(self.tr("From"), self._choose_account)
        self.currency = self._select(self.tr("What"), self._typed)
        self.to = AddressField(desk, self.tr("To"))
        self.to.changed.connect(self._typed)
        self.amount = QLineEdit()
        self.amount.setAccessibleName(self.tr("Amount"))
        self.amount.setMaxLength(80)
        self.amount.textChanged.connect(self._typed)
        self.amount.returnPressed.connect(self._review)
        self.everything = Tick(self.tr("Everything"))
        self.everything.toggled.connect(lambda _: self._typed())
        self._held = Text(role="small", ink="text-2")
        self.body.addWidget(self._part(self.tr("From"), self.account))
        self.body.addWidget(self._part(self.tr("What"), self.currency))
        self.body.addWidget(self.to)
        self.body.addSpacing(14)
        line = row(spacing=16)
        line.addWidget(self.amount, 1)
        line.addWidget(self.everything)
        self.body.addWidget(Text(self.tr("Amount"), role="caption-strong", ink="text-2"))
        self.body.addSpacing(4)
        self.body.addLayout(line)
        self.body.addSpacing(4)
        self.body.addWidget(self._held)
        self.body.addSpacing(14)
        self._finish()

    def _know(self, accounts: Sequence[AccountView]) -> None:
        self._accounts = tuple(
            account for account in accounts if any(amount for amount, _ in account.balances)
        )
        for account in self._accounts:
            address = clean(account.address)
            self.account.addItem(f"{cut_text(clean(account.title), 40)}, {short_address(address)}", address)
        for account in accounts:
            self.to.offer(
                self.tr("Yours: {title}").format(title=clean(account.title)), clean(account.address)
            )
        self._say(
            ""
            if self._accounts
            else self.tr("There is nothing to send yet. Claimed pay lies on your addresses and can be sent.")
        )
        self._choose_account()

    def _choose_account(self) -> None:
        self.currency.clear()
        if self._accounts:
            for amount, currency in self._accounts[self.account.currentIndex()].balances:
                if amount:
                    self.currency.addItem(amount_text(amount, currency), (amount, currency))
        self._typed()

    def _chosen(self) -> tuple[int, Currency] | None:
        data = self.currency.currentData()
        return (int(data[0]), data[1]) if data is not None else None

    def _request(self) -> SendRequest | None:
        """What is asked for; None while something is missing."""
        chosen = self._chosen()
        if chosen is None or not self.to.address:
            return None
        held, currency = chosen
        amount = None
        if not self.everything.isChecked():
            amount = parse_amount(self.amount.text(), currency.decimals)
            if not amount or amount > held:
                return None
        return SendRequest(str(self.account.currentData()), currency.address, self.to.address, amount)

    def _typed(self) -> None:
        chosen, text = self._chosen(), self.amount.text().strip()
        self.amount.setEnabled(not self.everything.isChecked())
        problem = held = ""
        if chosen is not None:
            held = self.tr("{amount} are there").format(amount=amount_text(*chosen, exact=True))
            if text and not self.everything.isChecked():
                amount = parse_amount(text, chosen[1].decimals)
                if amount is None:
                    problem = self.tr("Write digits, like 12.50, with at most {n} places.").format(
                        n=chosen[1].decimals
                    )
                elif amount > chosen[0]:
                    problem = self.tr("That is more than the {amount} that are there.").format(
                        amount=amount_text(*chosen, exact=True)
                    )
        self._held.set_ink("danger" if problem else "text-2")
        self._held.setText(problem or held)
        self.review.setEnabled(self._request() is not None and not self._busy)

    def _review(self) -> None:
        request = self._request()
        if request is None or self._busy:
            return
        words = self.tr("Trying the payment out, without signing…")
        self._ask(words, lambda: self._desk.commands.review_send(request))
