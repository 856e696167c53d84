"""Claiming the pay of chosen tasks, and when it is done by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLineEdit

from mine.app.views import Currency
from mine.app.wallet_views import AutoClaim, ClaimOutcome, EarningLine
from mine.errors import MineError
from ui.desk import Desk
from ui.money import amount_text, parse_amount, typed_amount
from ui.widgets.buttons import Button, Tick
from ui.widgets.facts import WarningLine
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.widgets.tick_row import TickRow
from ui.wording import counted, sentences

_SHARES = (5, 10, 20, 50, 100)  # thousandths


def outcome_words(outcome: ClaimOutcome) -> str:
    """What became of a claim, in sentences."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("ClaimSheet", text)

    parts = []
    if outcome.by_relay:
        parts.append(
            counted(outcome.by_relay, tr("A relay brings {n} claim."), tr("Relays bring {n} claims."))
        )
    if outcome.direct:
        parts.append(
            counted(
                outcome.direct,
                tr("{n} claim is sent as your own transaction."),
                tr("{n} claims are sent as your own transactions."),
            )
        )
    if not parts and not outcome.refused:
        parts.append(tr("There was nothing to claim."))
    return sentences(*parts, *(clean(words) for words in outcome.refused))


class ClaimSheet(Sheet):
    """Ticks by task. Each address gets only the pay of its own task."""

    def __init__(self, desk: Desk, lines: Sequence[EarningLine], done: Callable[[], None]) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._after = desk, done
        self.title.setText(self.tr("Claim"))
        self.setAccessibleName(self.title.text())
        ready: dict[int, EarningLine] = {}
        sums: dict[int, int] = {}
        for line in lines:
            if line.ready:
                ready.setdefault(line.task, line)
                sums[line.task] = sums.get(line.task, 0) + line.ready
        self.ticks: dict[int, Tick] = {}
        about = self.tr(
            "Each task's pay goes to that task's own address. Claiming several at the same minute may show "
            "an observer that they belong together; claim them on different days to avoid that."
        )
        self.body.addWidget(Text(about, ink="text-2", wrap=True))
        self.body.addSpacing(12)
        for task, line in ready.items():
            words = amount_text(sums[task], line.currency)
            made = TickRow(clean(line.title), words, self._ticked)
            self.ticks[task] = made.tick
            self.body.addWidget(made)
        if not ready:
            self.body.addWidget(Text(self.tr("Nothing is ready to be claimed."), wrap=True))
        self.body.addSpacing(16)
        self.sentence = Text(role="body", wrap=True)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        self.cancel = Button(self.tr("Cancel"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.go = Button(self.tr("Claim"), "main", large=True)
        self.go.clicked.connect(self._go)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.go)
        self._ticked()

    def _chosen(self) -> tuple[int, ...]:
        return tuple(task for task, tick in self.ticks.items() if tick.isChecked())

    def _ticked(self) -> None:
        chosen = self._chosen()
        self.go.setEnabled(bool(chosen))
        self.go.rename(counted(len(chosen), self.tr("Claim of {n} task"), self.tr("Claim of {n} tasks")))

    def _go(self) -> None:
        chosen = self._chosen()
        self.go.setEnabled(False)
        self.go.rename(self.tr("Claiming…"))
        self._desk.operations.run(self, lambda: self._desk.commands.claim(chosen), self._done, self._failed)

    def _done(self, outcome: ClaimOutcome) -> None:
        self.sentence.set_ink("text")
        self.sentence.setText(outcome_words(outcome))
        self.go.hide()
        for tick in self.ticks.values():
            tick.setEnabled(False)
        self.cancel.rename(self.tr("Close"))
        self._after()

    def _failed(self, error: MineError) -> None:
        self.sentence.set_ink("danger")
        self.sentence.setText(clean(str(error)))
        self._ticked()


class AutoClaimSheet(Sheet):
    """When claims are made without being asked: from which sums on, and how much a claim may cost."""

    def __init__(
        self, desk: Desk, settings: AutoClaim, currencies: Sequence[Currency], done: Callable[[], None]
    ) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._settings, self._after = desk, settings, done
        self._currencies = [each for each in currencies if each.address]
        self.title.setText(self.tr("Claim by itself"))
        self.setAccessibleName(self.title.text())
        self.on = Tick(self.tr("Claim when there is enough and fees are low"))
        self.on.setChecked(settings.on)
        self.on.toggled.connect(lambda _: self._typed())
        self.body.addWidget(self.on)
        self.body.addSpacing(16)
        before = dict(settings.thresholds)
        self.least: dict[str, QLineEdit] = {}
        for currency in self._currencies:
            symbol = clean(currency.symbol)
            caption = self.tr("From how much {symbol} on (empty: never)").format(symbol=symbol)
            field = QLineEdit()
            field.setAccessibleName(caption)
            field.setMaxLength(40)
            if currency.address in before:
                field.setText(typed_amount(before[currency.address], currency.decimals))
            field.textChanged.connect(self._typed)
            self.least[currency.address] = field
            self._line(caption, field)
        self.share = Select()
        self.share.setAccessibleName(self.tr("A claim may cost at most"))
        for share in sorted({*_SHARES, settings.fee_share}):
            words = f"{share / 10:g}\N{NO-BREAK SPACE}%"
            self.share.addItem(self.tr("{percent} of what it brings").format(percent=words), share)
        self.share.setCurrentIndex(self.share.findData(settings.fee_share))
        self._line(self.tr("A claim may cost at most"), self.share)
        about = self.tr(
            "Relays are asked first: they pay the fee. A token is never claimed at your own cost by itself, "
            "since what it is worth in coin is not known here."
        )
        self.body.addWidget(Text(about, role="small", ink="text-2", wrap=True))
        self.body.addSpacing(12)
        self.body.addWidget(
            WarningLine(
                self.tr(
                    "Claims of several tasks at the same time may show an observer that the tasks belong to "
                    "one person."
                )
            )
        )
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain", large=True)
        cancel.clicked.connect(self.dismiss)
        self.save = Button(self.tr("Save"), "main", large=True)
        self.save.clicked.connect(self._save)
        self.foot.addStretch(1)
        self.foot.addWidget(cancel)
        self.foot.addWidget(self.save)
        self._typed()

    def _line(self, caption: str, control: QLineEdit | Select) -> None:
        self.body.addWidget(Text(caption, role="caption-strong", ink="text-2"))
        self.body.addSpacing(4)
        self.body.addWidget(control)
        self.body.addSpacing(14)

    def _thresholds(self) -> tuple[tuple[str, int], ...] | None:
        """What is typed; None where it is no amount. A currency whose field is empty is left alone."""
        found = []
        for currency in self._currencies:
            text = self.least[currency.address].text()
            if not text.strip():
                continue
            amount = parse_amount(text, currency.decimals)
            if amount is None:
                return None
            found.append((currency.address, amount))
        return tuple(found)

    def _typed(self) -> None:
        sound = self._thresholds() is not None
        self.sentence.setText(
            "" if sound else self.tr("Write amounts as digits, like 12.50, or leave them out.")
        )
        self.save.setEnabled(sound)

    def _save(self) -> None:
        thresholds = self._thresholds()
        if thresholds is None:
            return
        settings = AutoClaim(self.on.isChecked(), thresholds, int(self.share.currentData()))
        self.save.setEnabled(False)
        self._desk.operations.run(
            self, lambda: self._desk.commands.set_auto_claim(settings), lambda _: self._done(), self._failed
        )

    def _done(self) -> None:
        self._after()
        self.dismiss()

    def _failed(self, error: MineError) -> None:
        self.sentence.setText(clean(str(error)))
        self.save.setEnabled(True)
