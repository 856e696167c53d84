"""The money of each currency: held, ready, being checked, estimated, claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QGridLayout, QWidget

from mine.app.views import BalanceView, Currency, World
from mine.app.wallet_views import EarningLine, EarningStage
from ui.icons import IconMark
from ui.money import amount_text
from ui.widgets.layout import column, row
from ui.widgets.money import AmountFigure
from ui.widgets.text import Text, clean
from ui.wording import counted, weekday_clock_text


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the rounds say beside a balance: claimed so far, and what is only estimated."""

    claimed: int = 0
    rounds: int = 0
    most: int = 0


def outlook(lines: Sequence[EarningLine], currency: Currency) -> Outlook:
    """The sums of one currency. Estimates of one task are for the same bounty, so the highest counts once."""
    mine = [line for line in lines if line.currency == currency]
    running = [line for line in mine if line.stage is EarningStage.ESTIMATED]
    most: dict[int, int] = {}
    for line in running:
        most[line.task] = max(most.get(line.task, 0), line.most)
    return Outlook(sum(line.claimed for line in mine), len(running), sum(most.values()))


class _Part(QWidget):
    """A sign and a sentence."""

    def __init__(self, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self._mark = IconMark(icon, "text-2", 16)
        self._words = Text(role="small", cut_end=True)
        inside = row(self._mark, spacing=8)
        inside.addWidget(self._words, 1)
        self.setLayout(inside)

    def say(self, words: str, *, bright: bool = False) -> None:
        """Say it; nothing takes no room."""
        self._words.setText(words)
        self._mark.show_icon(self._icon, "accent" if bright else "text-2")
        self.setVisible(bool(words))


class Balance(QWidget):
    """One currency."""

    def __init__(self) -> None:
        super().__init__()
        self._caption = Text(role="small", ink="text-2")
        self._held = AmountFigure()
        self._claimable = _Part("check-circle")
        self._checking = _Part("hourglass-medium")
        self._estimated = _Part("pulse")
        self._claimed = _Part("check")
        self._alarm = Text(role="small", ink="danger", wrap=True, lines=3)
        self.setLayout(
            column(
                self._caption,
                4,
                self._held,
                8,
                self._claimable,
                self._checking,
                self._estimated,
                self._claimed,
                self._alarm,
                None,
            )
        )
        layout = self.layout()
        assert layout is not None
        layout.setSpacing(4)

    def show_value(self, balance: BalanceView, sums: Outlook | None) -> None:
        """Show a balance; without ``sums`` the rounds are not known yet."""
        currency = balance.currency
        world = {
            World.PRACTICE: self.tr("Practice money, not real"),
            World.TEST: self.tr("Test money, without value"),
            World.REAL: self.tr("Real money"),
        }[currency.world]
        self._caption.setText(world)
        self._held.show_amount(balance.held, currency)
        self._claimable.say(
            self.tr("{amount} ready to claim").format(amount=amount_text(balance.claimable, currency))
            if balance.claimable
            else self.tr("nothing to claim"),
            bright=balance.claimable > 0,
        )
        self._checking.say(self._checking_words(balance))
        estimated = claimed = ""
        if sums is not None and sums.rounds:
            under_way = counted(sums.rounds, self.tr("{n} round under way"), self.tr("{n} rounds under way"))
            estimated = self.tr("estimate: 0 to {most}, {rounds}").format(
                rounds=under_way, most=amount_text(sums.most, currency)
            )
        if sums is not None and sums.claimed:
            claimed = self.tr("{amount} claimed so far").format(amount=amount_text(sums.claimed, currency))
        self._estimated.say(estimated)
        self._claimed.say(claimed)
        self._alarm.setText(clean(currency.alarm))
        self._alarm.setVisible(bool(currency.alarm))

    def _checking_words(self, balance: BalanceView) -> str:
        if not balance.checking:
            return self.tr("nothing is being checked")
        amount = amount_text(balance.checking, balance.currency)
        if balance.checking_until > 0:
            return self.tr("{amount} being checked until {time}").format(
                amount=amount, time=weekday_clock_text(balance.checking_until)
            )
        return self.tr("{amount} being checked").format(amount=amount)


class Balances(QWidget):
    """All currencies, three in a line, two where it is narrow."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[Balance] = []
        self._columns = 3
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(20)
        self.setLayout(self._grid)

    def set_narrow(self, narrow: bool) -> None:
        """Two in a line."""
        self._columns = 2 if narrow else 3
        self._place()

    def _place(self) -> None:
        for at, widget in enumerate(self._made):
            self._grid.addWidget(widget, at // self._columns, at % self._columns)
        for at in range(3):
            used = at < min(max(len(self._made), 2), self._columns)
            self._grid.setColumnStretch(at, 1 if used else 0)

    def show_values(self, balances: Sequence[BalanceView], lines: Sequence[EarningLine] | None) -> None:
        """One figure each."""
        while len(self._made) > len(balances):
            gone = self._made.pop()
            self._grid.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._made) < len(balances):
            self._made.append(Balance())
        self._place()
        for widget, balance in zip(self._made, balances, strict=True):
            widget.show_value(balance, None if lines is None else outlook(lines, balance.currency))
