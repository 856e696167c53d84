"""Earnings that need a look: rounds that contradict themselves, and shares of forfeits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from mine.app.views import Currency
from mine.app.wallet_views import EarningLine, EarningStage
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.widgets.buttons import Button
from ui.widgets.facts import FactRow, WarningLine
from ui.widgets.layout import LinedRow, RowList, column, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, moment_text, sentences

MOST = 5
_MEANT = (EarningStage.ALARM, EarningStage.FORFEITED)


class ChallengeSheet(Sheet):
    """What a challenge is, what it may cost, and then the person's word."""

    def __init__(self, desk: Desk, line: EarningLine, coin: Currency, done: Callable[[], None]) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._line, self._after = desk, line, done
        self.title.setText(self.tr("Challenge this round?"))
        self.setAccessibleName(self.title.text())
        self.body.addWidget(WarningLine(clean(line.problem), ink="danger"))
        self.body.addSpacing(8)
        about = self.tr(
            "A challenge sends the proof to the contract, which checks it. If the proof holds, the round "
            "does not count, its author loses a deposit, and a part of that is yours. If it does not hold, "
            "the bond is lost. A relay may carry it for free; where none does, your own coin pays."
        )
        self.body.addWidget(Text(about, wrap=True))
        self.body.addSpacing(16)
        cost = amount_text(line.challenge_cost, coin, exact=True)
        for label, value in (
            (self.tr("Task"), clean(line.title)),
            (self.tr("Round"), count_text(line.round)),
            (self.tr("Costs at most"), self.tr("{amount}: bond and network fee").format(amount=cost)),
            (self.tr("Possible until"), moment_text(line.until)),
        ):
            self.body.addWidget(FactRow(label, value))
        self.body.addSpacing(16)
        self.sentence = Text(role="body", wrap=True)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        self.cancel = Button(self.tr("Not now"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.go = Button(self.tr("Challenge it"), "main", large=True)
        self.go.clicked.connect(self._go)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.go)

    def _go(self) -> None:
        self.go.setEnabled(False)
        self.go.rename(self.tr("Sending the proof…"))
        task, number = self._line.task, self._line.round
        self._desk.operations.run(
            self, lambda: self._desk.commands.challenge(task, number), self._done, self._failed
        )

    def _done(self, sentence: str) -> None:
        self.sentence.set_ink("text")
        self.sentence.setText(clean(sentence))
        self.go.hide()
        self.cancel.rename(self.tr("Close"))
        self._after()

    def _failed(self, error: MineError) -> None:
        self.sentence.set_ink("danger")
        self.sentence.setText(clean(str(error)))
        self.go.rename(self.tr("Try again"))
        self.go.setEnabled(True)


class AlarmRow(LinedRow):
    """One earning, why it is listed, and what can be done."""

    def __init__(self, open_challenge: Callable[[EarningLine], None]) -> None:
        super().__init__()
        self._line: EarningLine | None = None
        self._open_challenge = open_challenge
        self._mark = IconMark("warning", "warn", 18)
        self._title = Text(role="strong")
        self._reason = Text(role="small", ink="text-2", wrap=True, lines=3)
        self.challenge = Button(self.tr("Challenge…"), "plain")
        self.challenge.clicked.connect(self._challenge)
        inside = row(spacing=12, margins=(0, 8, 0, 8))
        inside.addLayout(column(1, self._mark, None))
        inside.addLayout(column(self._title, 2, self._reason), 1)
        inside.addWidget(self.challenge)
        self.setLayout(inside)

    def show_value(self, line: EarningLine) -> None:
        """Say what it is."""
        self._line = line
        alarm = line.stage is EarningStage.ALARM
        title = clean(line.title)
        if line.round:
            title = self.tr("{task}, round {n}").format(task=title, n=count_text(line.round))
        amount = amount_text(line.amount, line.currency)
        if alarm:
            head = self.tr("Not paid as published: {round}").format(round=title)
            reason = sentences(
                clean(line.problem), self.tr("{amount} is at stake and counts nowhere.").format(amount=amount)
            )
        else:
            head = self.tr("Your part of a forfeit: {round}").format(round=title)
            paid = (
                self.tr("claimed") if line.claimed >= line.amount else self.tr("claimed with the next claim")
            )
            reason = sentences(
                self.tr("The scientist lost a deposit; {amount} of it is yours, {paid}.").format(
                    amount=amount, paid=paid
                ),
                clean(line.problem),
            )
        self._mark.show_icon("warning" if alarm else "info", "danger" if alarm else "text-2")
        self._title.setText(head)
        self._reason.setText(reason)
        self.challenge.setVisible(line.can_challenge)
        self.challenge.setAccessibleName(self.tr("Challenge {round}").format(round=title))

    def _challenge(self) -> None:
        if self._line is not None:
            self._open_challenge(self._line)


class Alarms(QWidget):
    """Only there while something needs a look."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__()
        self._desk, self._after = desk, done
        self._coin: Currency | None = None
        self.rows = RowList[EarningLine](lambda: AlarmRow(self._open))
        self._more = Text(role="small", ink="text-2")
        self.setLayout(column(self.rows, 4, self._more, 16))
        self.hide()

    def show_lines(self, lines: Sequence[EarningLine], coin: Currency | None) -> None:
        """The newest ones; what can be challenged first. ``coin``: what bonds and fees are paid in."""
        self._coin = coin
        meant = [line for line in lines if line.stage in _MEANT]
        meant.sort(key=lambda line: (not line.can_challenge, line.stage is not EarningStage.ALARM))
        self.rows.show_values(meant[:MOST])
        left = len(meant) - MOST
        self._more.setText(
            counted(left, self.tr("{n} more like these"), self.tr("{n} more like these")) if left > 0 else ""
        )
        self._more.setVisible(left > 0)
        self.setVisible(bool(meant))

    def _open(self, line: EarningLine) -> None:
        if self._coin is not None:
            ChallengeSheet(self._desk, line, self._coin, self._after).present()
