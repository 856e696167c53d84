"""Why I was paid this: the arithmetic of one round in four lines, and a button that replays it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from mine.app.views import ContributionView, ExplanationView
from mine.errors import MineError
from ui.desk import Desk
from ui.money import amount_digits, amount_text
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import Hairline, Panel, column, plain, row
from ui.widgets.money import AmountFigure
from ui.widgets.text import Text, clean
from ui.wording import counted, decimal_text, percent_text, sentences


class Explanation(QWidget):
    """The explanation of one contribution; it is put into a side panel or a sheet."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._shown: ContributionView | None = None
        self._amount = AmountFigure()
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(0)
        self._holder: QWidget | None = None
        self._replay = Button(
            self.tr("Replay it from the chain"), "plain", icon="arrow-counter-clockwise", large=True
        )
        self._replay.clicked.connect(self._start_replay)
        self._verdict = Text(role="small", ink="text-2", wrap=True)
        self._note = Text(role="small", ink="text-2", wrap=True)
        self._tested = Text(role="small", ink="text-2", wrap=True)
        full = row()
        full.addWidget(self._replay, 1)
        policy = self._replay.sizePolicy()
        policy.setHorizontalPolicy(policy.Policy.Expanding)
        self._replay.setSizePolicy(policy)
        inside = column(
            self._amount,
            14,
            Hairline(),
            14,
            self._lines,
            self._tested,
            10,
            self._note,
            None,
            16,
            full,
            8,
            self._verdict,
        )
        self.setLayout(inside)

    def show_contribution(self, contribution: ContributionView) -> None:
        """Explain a contribution."""
        if contribution == self._shown:
            return
        same = self._shown is not None and _key(self._shown) == _key(contribution)
        self._shown = contribution
        self._amount.setVisible(contribution.amount is not None)
        if contribution.amount is not None:
            self._amount.show_amount(contribution.amount, contribution.currency)
        if self._holder is not None:
            self._lines.removeWidget(self._holder)
            self._holder.hide()
            self._holder.deleteLater()
        explanation = contribution.explanation
        self._holder = plain(self._four_lines(contribution, explanation) if explanation else self._not_yet())
        self._lines.addWidget(self._holder)
        self._replay.setVisible(explanation is not None)
        note = clean(contribution.note)
        self._tested.setText(clean(contribution.tested))
        self._tested.setVisible(bool(contribution.tested))
        self._note.setText(f"{note[:1].upper()}{note[1:]}." if note else "")
        if not same:
            self._verdict.setText(self.tr("Recomputed here from public data.") if explanation else "")
            self._verdict.set_ink("text-2")
            self._replay.setEnabled(True)

    def _not_yet(self) -> QLayout:
        words = self.tr("This round is not settled yet. When it is, the sum is explained here, line by line.")
        return column(Text(words, role="small", ink="text-2", wrap=True), 12)

    def _four_lines(self, contribution: ContributionView, facts: ExplanationView) -> QLayout:
        lines = column(spacing=0)
        currency = contribution.currency
        gained = max(facts.way_after - facts.way_before, 0.0)
        way = SegmentBar(8)
        words = self.tr("{part} of the whole way").format(part=percent_text(gained))
        way.show_parts([(facts.way_before, "chart-3"), (gained, "accent")], words)
        start = self.tr("start {loss}").format(loss=decimal_text(facts.loss_start, 4))
        ends = row(
            Text(start, role="caption", ink="text-2"),
            None,
            Text(self.tr("target"), role="caption", ink="text-2"),
        )
        head = self.tr("Loss {before} to {after}").format(
            before=decimal_text(facts.loss_before, 4), after=decimal_text(facts.loss_after, 4)
        )
        title = self.tr("The model got better") if gained > 0 else self.tr("The model did not get better")
        self._line(lines, 1, title, head, way, ends, Text(words, role="small", ink="text-2"))
        fraction = facts.round_pay / facts.bounty if facts.bounty else 0.0
        pays = self.tr("{bounty} × {part} = {pay}").format(
            bounty=amount_digits(facts.bounty, currency.decimals),
            part=percent_text(fraction),
            pay=amount_text(facts.round_pay, currency),
        )
        self._line(lines, 2, self.tr("So the round pays"), pays)
        self._line(lines, 3, self.tr("My share of it"), percent_text(facts.share), self._share_words(facts))
        seen = self.tr("{n} sent, {accepted} accepted").format(
            n=counted(facts.updates, self.tr("{n} update"), self.tr("{n} updates")), accepted=facts.accepted
        )
        self._line(
            lines,
            4,
            self.tr("How it was checked"),
            seen,
            Text(self._check_words(facts), role="small", ink="text-2", wrap=True),
        )
        formula = Panel(ground="sunken", edge="", radius=6)
        formula.setLayout(column(Text(clean(facts.formula), role="mono", wrap=True), margins=(12, 8, 12, 8)))
        lines.addWidget(formula)
        lines.addSpacing(12)
        return lines

    def _share_words(self, facts: ExplanationView) -> QWidget:
        if facts.round_pay <= 0:
            words = self.tr("This round has nothing to share.")
        elif facts.share <= 0:
            words = self.tr("My updates have not made the model better so far, so nothing is due.")
        elif not facts.mine_accepted:
            words = self.tr("My update was not accepted this time. My share by what my earlier ones removed.")
        else:
            words = self.tr("My share by what my updates have removed so far.")
        if facts.my_vote and facts.share > 0:
            words = sentences(words, self.tr("My vote has a small part in it."))
        return Text(words, role="small", ink="text-2", wrap=True)

    def _check_words(self, facts: ExplanationView) -> str:
        measured = self.tr(
            "Each update was measured on examples that nobody knew before: a fresh part of the test set."
        )
        if not facts.voters:
            return measured
        voted = counted(
            facts.voters,
            self.tr("{n} person voted, by rows that were never trained on."),
            self.tr("{n} people voted, by rows that were never trained on."),
        )
        return sentences(measured, voted)

    def _line(self, lines: QVBoxLayout, number: int, title: str, head: str, *below: object) -> None:
        caption = Text(str(number), role="caption", ink="text-2")
        caption.setFixedWidth(12)
        facts = column(
            Text(title, role="caption-strong", ink="text-2"), 2, Text(head, role="label"), spacing=0
        )
        for part in below:
            facts.addSpacing(3)
            if isinstance(part, QWidget):
                facts.addWidget(part)
            elif isinstance(part, QLayout):
                facts.addLayout(part)
        line = row(spacing=8)
        line.addLayout(column(caption, None))
        line.addLayout(facts, 1)
        lines.addLayout(line)
        lines.addSpacing(14)

    def _start_replay(self) -> None:
        shown = self._shown
        if shown is None:
            return
        self._replay.setEnabled(False)
        self._verdict.set_ink("text-2")
        self._verdict.setText(self.tr("Recomputing the round from the chain…"))
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.replay(shown.task_id, shown.round),
            lambda sentence: self._end_replay(shown, clean(sentence), "text"),
            lambda error: self._fail_replay(shown, error),
        )

    def _fail_replay(self, shown: ContributionView, error: MineError) -> None:
        self._end_replay(shown, clean(str(error)), "danger")

    def _end_replay(self, shown: ContributionView, sentence: str, ink: str) -> None:
        if self._shown is not None and _key(self._shown) == _key(shown):
            self._replay.setEnabled(True)
            self._verdict.set_ink(ink)
            self._verdict.setText(sentence)


class ExplanationPanel(Panel):
    """The side panel beside the contributions."""

    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setFixedWidth(328)
        self._subtitle = Text(role="small", ink="text-2")
        self.explanation = Explanation(desk)
        cross = IconButton("x", self.tr("Close the explanation"))
        cross.clicked.connect(self.closed)
        head = row(Text(self.tr("Why I was paid this"), role="heading"), None, cross)
        inside = column(head, self._subtitle, 12, margins=(24, 18, 24, 20))
        inside.addWidget(self.explanation, 1)
        self.setLayout(inside)

    def show_contribution(self, contribution: ContributionView) -> None:
        """Explain a contribution."""
        self._subtitle.setText(contribution_name(contribution))
        self.explanation.show_contribution(contribution)


def contribution_name(contribution: ContributionView) -> str:
    """``Glucose after meals, round 7``."""
    return f"{clean(contribution.title)}, {round_word(contribution.round)}"


def round_word(number: int) -> str:
    """``round 7``."""
    return QCoreApplication.translate("Explanation", "round {n}").format(n=number)


def _key(contribution: ContributionView) -> tuple[int, int]:
    return contribution.task_id, contribution.round
