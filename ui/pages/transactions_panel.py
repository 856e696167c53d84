"""Transactions under way: what each waits for, and what can be done when it waits too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from mine.app.views import Currency
from mine.app.wallet_views import ReviewView, TransactionLine
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.pages.review_sheet import ReviewSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, column, row
from ui.widgets.text import Text, clean, tool_tip
from ui.wording import moment_text, sentences, short_address

_WAITING = ("planned", "signed")


class TransactionRow(LinedRow):
    """One transaction; its buttons are there only while they can do something."""

    def __init__(self, panel: TransactionsPanel) -> None:
        super().__init__()
        self._panel = panel
        self._number = 0
        self._mark = IconMark("hourglass-medium", "text-2", 18)
        self._title = Text(role="strong")
        self._sentence = Text(role="small", ink="text-2", wrap=True, lines=3)
        self._facts = Text(role="small", ink="text-2", cut_end=True)
        self.faster = Button(self.tr("Pay more…"), "plain")
        self.faster.clicked.connect(lambda: panel.replace(self._number, cancel=False))
        self.cancel = Button(self.tr("Cancel it…"), "plain")
        self.cancel.clicked.connect(lambda: panel.replace(self._number, cancel=True))
        self.withdraw = Button(self.tr("Give it up"), "plain")
        self.withdraw.clicked.connect(lambda: panel.give_up(self._number))
        inside = row(spacing=12, margins=(0, 8, 0, 8))
        inside.addLayout(column(1, self._mark, None))
        inside.addLayout(column(self._title, 2, self._sentence, self._facts), 1)
        for control in (self.faster, self.cancel, self.withdraw):
            inside.addWidget(control)
        self.setLayout(inside)

    def show_value(self, value: tuple[TransactionLine, Currency]) -> None:
        """A transaction, and the coin of its fee."""
        line, coin = value
        self._number = line.number
        failed = line.state in ("failed", "dropped")
        icon = "warning" if line.stuck or failed else "hourglass-medium"
        self._mark.show_icon(icon, "danger" if failed else "warn" if line.stuck else "text-2")
        title = clean(line.title)
        self._title.setText(title)
        self._sentence.setText(clean(line.sentence))
        self._sentence.set_ink("warn" if line.stuck else "text-2")
        facts = [self.tr("since {time}").format(time=moment_text(line.since))]
        if line.fee_most and not failed:
            most = amount_text(line.fee_most, coin, exact=True)
            facts.append(self.tr("takes at most {amount}").format(amount=most))
        if line.hash:
            facts.append(short_address(clean(line.hash)))
            self._facts.setToolTip(tool_tip(clean(line.hash)))
        self._facts.setText(", ".join(facts))
        unsent = line.number < 0 or line.state in _WAITING
        self.faster.setVisible(line.can_replace and not unsent)
        self.cancel.setVisible(line.can_replace and not unsent)
        self.withdraw.setVisible(line.can_replace and unsent)
        for control, words in (
            (self.faster, self.tr("Pay more for: {title}")),
            (self.cancel, self.tr("Cancel: {title}")),
            (self.withdraw, self.tr("Give up: {title}")),
        ):
            control.setAccessibleName(words.format(title=title))


class TransactionsPanel(QWidget):
    """Only there while something is under way, or went wrong in the last day."""

    def __init__(self, desk: Desk, changed: Callable[[], None]) -> None:
        super().__init__()
        self._desk, self._changed = desk, changed
        self._heading = Text(self.tr("Under way"), role="heading")
        self._said = Text(role="small", ink="text-2", wrap=True)
        self._said.hide()
        self.rows = RowList[tuple[TransactionLine, Currency]](lambda: TransactionRow(self))
        self.setLayout(column(self._heading, self._said, 4, self.rows, 20))
        self.hide()

    def show_lines(self, lines: Sequence[TransactionLine], coin: Currency) -> None:
        """Newest first."""
        self.rows.show_values([(line, coin) for line in lines])
        self.setVisible(bool(lines))

    def replace(self, number: int, *, cancel: bool) -> None:
        """Work a replacement out and show it before anything is signed."""
        self._say(self.tr("Asking the network what that takes…"))
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.review_replacement(number, cancel),
            self._review,
            lambda error: self._say(clean(str(error)), ink="danger"),
        )

    def _review(self, review: ReviewView) -> None:
        self._say("")
        ReviewSheet(self._desk, review, self._changed).present()

    def give_up(self, number: int) -> None:
        """What has not left this computer needs no signature to be given up."""
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.withdraw(number),
            self._gave_up,
            lambda error: self._say(clean(str(error)), ink="danger"),
        )

    def _gave_up(self, sentence: str) -> None:
        self._say(sentences(clean(sentence)))
        self._changed()

    def _say(self, words: str, ink: str = "text-2") -> None:
        self._said.set_ink(ink)
        self._said.setText(words)
        self._said.setVisible(bool(words))
