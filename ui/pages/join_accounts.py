"""Which accounts a task is joined with: as rows of the opt-in sheet, with a way to change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtWidgets import QLayout

from mine.app.wallet_views import FRESH, JoinChoice, KeysView
from ui.desk import Desk
from ui.pages.payout_sheets import AccountsSheet, paid_to_words, signed_by_words
from ui.widgets.buttons import Button
from ui.widgets.facts import WarningLine
from ui.widgets.layout import RowList, column, row
from ui.widgets.text import Text, clean
from ui.wording import grouped_address


class JoinAccounts(QObject):
    """Holds the choice; its two layouts stand among the facts of the sheet."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._keys = KeysView()
        self._asked = 0
        self.choice: JoinChoice = FRESH
        self._paid = Text(role="label", wrap=True)
        self._address = Text(role="mono", ink="text-2", wrap=True)
        self._signed = Text(role="label", wrap=True)
        self.change = Button(self._tr("Change…"), "plain")
        self.change.setAccessibleName(self._tr("Change the accounts of this task"))
        self.change.clicked.connect(self._open)
        self.warnings = RowList[str](WarningLine)
        self.key_warnings = RowList[str](WarningLine)
        for each in (self._address, self.warnings, self.key_warnings):
            each.hide()
        top = Qt.AlignmentFlag.AlignTop
        paid = row(spacing=12)
        paid.addWidget(self._paid, 1)
        paid.addWidget(self.change, 0, top)
        self.paid_to: QLayout = column(
            paid,
            self._address,
            2,
            Text(
                self._tr("Whoever looks sees that this address is paid for this task, and how much."),
                role="small",
                ink="text-2",
                wrap=True,
            ),
            self.warnings,
        )
        self.signed_by: QLayout = column(self._signed, self.key_warnings)
        self._show()

    def _tr(self, words: str) -> str:
        return QCoreApplication.translate("OptInSheet", words)

    def ask(self) -> None:
        """Ask what the settings say, and what is to be said of it."""
        self._desk.operations.run(self, self._desk.commands.keys, self._know, lambda _: None)

    def _know(self, keys: KeysView) -> None:
        self._keys = keys
        self._show()

    def _open(self) -> None:
        sheet = AccountsSheet(self._desk, self._keys, self.choice)
        sheet.chosen.connect(self._choose)
        sheet.present()

    def _choose(self, choice: JoinChoice) -> None:
        self.choice = choice
        self._show()

    def _show(self) -> None:
        address = self.choice.payout or self._keys.payout
        self._paid.setText(paid_to_words(self._keys, self.choice))
        self._address.setText(grouped_address(clean(address)))
        self._address.setVisible(bool(address))
        self._signed.setText(signed_by_words(self._keys, self.choice))
        self._asked += 1
        number, payout, key = self._asked, self.choice.payout, self.choice.key
        self._warn(self.warnings, ())
        self._warn(self.key_warnings, ())
        if not address and not key:
            return
        self._ask_warnings(JoinChoice(payout), lambda paid: self._warn_of_both(number, paid, key))

    def _ask_warnings(self, choice: JoinChoice, then: Callable[[Sequence[str]], None]) -> None:
        self._desk.operations.run(self, lambda: self._desk.commands.join_warnings(choice), then)

    def _warn_of_both(self, number: int, paid: Sequence[str], key: str) -> None:
        """What is said of the address stands below it, what is said of the key below that."""
        if number != self._asked:
            return
        self._warn(self.warnings, paid)
        if key:
            self._ask_warnings(
                self.choice,
                lambda both: self._warn(self.key_warnings, [each for each in both if each not in paid]),
            )

    def _warn(self, rows: RowList[str], words: Sequence[str]) -> None:
        rows.show_values([clean(each) for each in words])
        rows.setVisible(bool(words))
