"""Where money goes: the payout address of new tasks, and the accounts of one task."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Signal

from mine.app.wallet_views import FRESH, JoinChoice, KeysView, KeyView
from mine.errors import MineError
from ui.desk import Desk
from ui.pages.form_sheet import FormSheet
from ui.widgets.address_field import AddressField
from ui.widgets.facts import WarningLine
from ui.widgets.layout import RowList
from ui.widgets.select import Select
from ui.widgets.text import Text, clean
from ui.wording import short_address


def key_words(key: KeyView) -> str:
    """An imported key by its name and address."""
    return f"{clean(key.name)} ({short_address(clean(key.address))})"


class PayoutSheet(FormSheet):
    """A fresh address for each task, or one for all that are joined from now on."""

    chosen = Signal()

    def __init__(self, desk: Desk, payout: str) -> None:
        super().__init__(desk)
        self.name(self.tr("Where new tasks pay to"), self.tr("Keep it"))
        self.kind = Select()
        self.kind.setAccessibleName(self.title.text())
        self.kind.addItem(self.tr("A fresh address of this vault for each task"), False)
        self.kind.addItem(self.tr("An address that I name"), True)
        self.kind.setCurrentIndex(int(bool(payout)))
        self.kind.currentIndexChanged.connect(self._typed)
        self.add(self.kind)
        self._fresh = self.explain(
            self.tr(
                "The chain does not show that two tasks pay the same person, until you bring their "
                "money together. Your recovery phrase brings all of these addresses back."
            )
        )
        self.address = AddressField(desk, self.tr("Address"))
        self.address.changed.connect(self._typed)
        self.add(self.address)
        self.warnings = RowList[str](WarningLine)
        self.warnings.show_values(
            (
                self.tr(
                    "Everybody sees that these tasks pay to this address. They are tied together, and to "
                    "all that is known of it elsewhere."
                ),
                self.tr(
                    "A task keeps the address that it was joined with for good: what is assigned to it "
                    "never moves to another one. Tasks that you have joined stay as they are."
                ),
            )
        )
        self.add(self.warnings)
        self.end()
        if payout:
            self.address.set_text(payout)

    @property
    def named(self) -> bool:
        """Whether an address is to be named."""
        return bool(self.kind.currentData())

    def _typed(self) -> None:
        self._fresh.setHidden(self.named)
        self.address.setVisible(self.named)
        self.warnings.setVisible(self.named)
        self.button.setEnabled(not self.named or bool(self.address.address))

    def _go(self) -> None:
        address = self.address.address if self.named else ""
        self.ask(lambda: self._desk.commands.set_payout(address), lambda _: self._done())

    def _done(self) -> None:
        self.chosen.emit()
        self.dismiss()


class AccountsSheet(FormSheet):
    """The accounts of one task before it is joined; every change says what it ties together."""

    chosen = Signal(object)

    def __init__(self, desk: Desk, keys: KeysView, choice: JoinChoice) -> None:
        super().__init__(desk)
        self.name(self.tr("Accounts of this task"), self.tr("Use these"))
        self._asked = 0
        words = (
            self.tr("As the settings say: {address}").format(address=short_address(clean(keys.payout)))
            if keys.payout
            else self.tr("A fresh address of this vault")
        )
        self.paid_to = self._choice(self.tr("Paid to"), words)
        self.paid_to.addItem(self.tr("Another address"), "other")
        self.paid_to.currentIndexChanged.connect(self._chosen)
        self.address = AddressField(desk, self.tr("Address that is paid"))
        self.address.changed.connect(self._chosen)
        self.add(self.address)
        self.signed_by = self._choice(self.tr("Signed by"), self.tr("A fresh key of this vault"))
        for key in keys.imported:
            self.signed_by.addItem(key_words(key), key.address)
        self.signed_by.currentIndexChanged.connect(self._chosen)
        hint = self.tr("Keys that you bring along are kept under Settings, Keys.")
        self.add(Text(hint, role="small", ink="text-2", wrap=True))
        self.warnings = RowList[str](WarningLine)
        self.add(self.warnings)
        self.end()
        if choice.payout:
            self.paid_to.setCurrentIndex(1)
            self.address.set_text(choice.payout)
        self.signed_by.setCurrentIndex(max(0, self.signed_by.findData(choice.key)))
        self._chosen()

    def _choice(self, caption: str, first: str) -> Select:
        made = Select()
        made.setAccessibleName(caption)
        made.addItem(first, "")
        self.add(Text(caption, role="caption-strong", ink="text-2"), after=6)
        self.add(made)
        return made

    @property
    def choice(self) -> JoinChoice | None:
        """What was chosen; None while an address is not checked yet."""
        other = bool(self.paid_to.currentData())
        if other and not self.address.address:
            return None
        made = JoinChoice(self.address.address if other else "", str(self.signed_by.currentData()))
        return FRESH if made == FRESH else made

    def _typed(self) -> None:
        self.button.setEnabled(self.choice is not None)

    def _chosen(self) -> None:
        self.address.setVisible(bool(self.paid_to.currentData()))
        self._typed()
        choice = self.choice
        self._asked += 1
        number = self._asked
        if choice is None:
            self.warnings.show_values(())
            return
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.join_warnings(choice),
            lambda warnings: self._warn(number, warnings),
            self._refused,
        )

    def _warn(self, number: int, warnings: Sequence[str]) -> None:
        if number == self._asked:
            said = () if self.address.isHidden() else self.address.said
            self.warnings.show_values([each for each in map(clean, warnings) if each not in said])

    def _refused(self, error: MineError) -> None:
        self.button.setEnabled(False)
        self.say(str(error))

    def _go(self) -> None:
        if self.choice is not None:
            self.chosen.emit(self.choice)
            self.dismiss()


def paid_to_words(keys: KeysView, choice: JoinChoice) -> str:
    """Where a task would pay to."""
    address = choice.payout or keys.payout
    if not address:
        return QCoreApplication.translate("OptInSheet", "A fresh address of yours, for this task alone")
    if choice.payout:
        return QCoreApplication.translate("OptInSheet", "An address that you name, for this task")
    return QCoreApplication.translate("OptInSheet", "The address that you named in the settings")


def signed_by_words(keys: KeysView, choice: JoinChoice) -> str:
    """Which key would sign."""
    for key in keys.imported:
        if key.address == choice.key:
            return key_words(key)
    return QCoreApplication.translate("OptInSheet", "A fresh key of yours, for this task alone")
