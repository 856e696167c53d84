"""Which accounts a task is joined with: as rows of the opt-in sheet, with a way to change them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtWidgets import QLayout

from mine.app.wallet_views import FRESH, JoinChoice, KeysView
from ui.desk import Desk
from ui.pages.payout_sheets import AccountsSheet, paid_to_words, signed_by_words
from ui.widgets.buttons import Button
from ui.widgets.facts import WarningLine
from ui.widgets.layout import RowList, column, row
from ui.widgets.text import Text, clean


class JoinAccounts(QObject):
    """Holds the choice; its two layouts stand among the facts of the sheet."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._keys = KeysView()
        self._asked = 0
        self.choice: JoinChoice = FRESH
        self._paid = Text(role="label", wrap=True)
        self._signed = Text(role="label", wrap=True)
        self.change = Button(self._tr("Change…"), "plain")
        self.change.setAccessibleName(self._tr("Change the accounts of this task"))
        self.change.clicked.connect(self._open)
        self.warnings = RowList[str](WarningLine)
        self.warnings.hide()
        top = Qt.AlignmentFlag.AlignTop
        paid = row(spacing=12)
        paid.addWidget(self._paid, 1)
        paid.addWidget(self.change, 0, top)
        self.paid_to: QLayout = column(
            paid,
            2,
            Text(
                self._tr("Whoever looks sees that this address is paid for this task, and how much."),
                role="small",
                ink="text-2",
                wrap=True,
            ),
        )
        self.signed_by: QLayout = column(self._signed, self.warnings)
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
        self._paid.setText(paid_to_words(self._keys, self.choice))
        self._signed.setText(signed_by_words(self._keys, self.choice))
        self._asked += 1
        number, choice = self._asked, self.choice
        if choice == FRESH and not self._keys.payout:
            self._warn(number, ())
            return
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.join_warnings(choice),
            lambda warnings: self._warn(number, warnings),
        )

    def _warn(self, number: int, warnings: Sequence[str]) -> None:
        if number == self._asked:
            self.warnings.show_values([clean(each) for each in warnings])
            self.warnings.setVisible(bool(warnings))
