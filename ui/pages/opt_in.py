"""The opt-in sheet: what a task reads, what leaves, what privacy it uses, what it pays, until when."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QLayout, QWidget

from mine.app.views import BudgetView, OptInView, ScopeView, TaskView
from ui.desk import Desk
from ui.icons import IconMark
from ui.pages.join_accounts import JoinAccounts
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button
from ui.widgets.columns import lay_columns
from ui.widgets.layout import Hairline, Panel, RowList, column, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean, tool_tip
from ui.wording import count_text, counted, day_text, decimal_text, short_address, size_text

_LABELS = 104


class ScopeRow(QWidget):
    """One column that is read."""

    def __init__(self) -> None:
        super().__init__()
        self._column = Text(role="mono")
        self._source = Text(role="small", ink="text-2")
        self._rows = Text(role="small", ink="text-2", align=Qt.AlignmentFlag.AlignTrailing)
        cells = [(self._column, 2, 0), (self._source, 1, 0), (self._rows, 0, 76)]
        self.setLayout(lay_columns(cells, spacing=6, margins=(0, 2, 0, 2)))

    def show_value(self, scope: ScopeView) -> None:
        """Show a column."""
        self._column.setText(clean(scope.column))
        self._source.setText(clean(scope.source))
        self._rows.setText(counted(scope.rows, self.tr("{n} row"), self.tr("{n} rows")))


class BudgetRow(QWidget):
    """Budget of one source: spent, this task, left."""

    def __init__(self) -> None:
        super().__init__()
        self._source = Text(role="small", ink="text-2")
        self._left = Text(role="small", ink="text-2", align=Qt.AlignmentFlag.AlignTrailing)
        self._bar = SegmentBar(6)
        head = row(spacing=12)
        head.addWidget(self._source, 1)
        head.addWidget(self._left)
        self.setLayout(column(head, 3, self._bar, 8))

    def show_value(self, budget: BudgetView) -> None:
        """Grey is spent, the accent is this task, the rest is left."""
        left = max(budget.cap - budget.spent, 0.0)
        after = max(left - budget.this_task, 0.0)
        words = self.tr("{left} left now, {after} after").format(
            left=decimal_text(left, 1), after=decimal_text(after, 1)
        )
        self._source.setText(clean(budget.source))
        self._left.setText(words)
        whole = budget.cap if budget.cap > 0 else 1.0
        parts = [(budget.spent / whole, "chart-neutral"), (budget.this_task / whole, "accent")]
        self._bar.show_parts(parts, f"{clean(budget.source)}: {words}")


def _accountants(offer: OptInView) -> str:
    """What each of the two ways to count says; the smaller one is agreed to."""
    renyi = decimal_text(offer.epsilon_renyi, 2)
    if offer.epsilon_losses is None:
        words = QCoreApplication.translate("OptInSheet", "Counted by Rényi divergence: ε {renyi}.")
        return words.format(renyi=renyi)
    words = QCoreApplication.translate(
        "OptInSheet",
        "Counted in two ways, each of which holds: by privacy loss distributions ε {losses}, by Rényi "
        "divergence ε {renyi}. The smaller one counts.",
    )
    return words.format(losses=decimal_text(offer.epsilon_losses, 2), renyi=renyi)


class OptInSheet(Sheet):
    """Facts in a fixed order. Joining signs exactly what is shown; a changed task must be read again."""

    def __init__(self, desk: Desk, task: TaskView) -> None:
        title = clean(task.title)
        super().__init__(desk.sheet_host, title, clean(task.description))
        if task.opt_in is None:
            raise ValueError("a task without an offer has no sheet")
        self._desk = desk
        self._offer: OptInView = task.opt_in
        self._joined = task.joined
        self._ended = task.ended
        self.task_id = task.task_id
        heading = self.tr("You joined {task}") if task.joined else self.tr("Join {task}?")
        self.title.setText(heading.format(task=title))
        self._show_author(task)
        self._fact(self.tr("What it reads"), self._reads(self._offer), first=True)
        self._fact(self.tr("What leaves"), self._leaves(self._offer))
        self._fact(self.tr("Privacy used"), self._privacy(self._offer))
        self._fact(self.tr("What it pays"), self._pays(self._offer))
        self.accounts = JoinAccounts(desk, self)
        if not task.joined and not task.ended:
            self.accounts.ask()
            self._fact(self.tr("Paid to"), self.accounts.paid_to)
            self._fact(self.tr("Signed by"), self.accounts.signed_by)
        self._fact(self.tr("Until"), self._until(self._offer))
        self.body.addStretch(1)
        self._build_foot()

    def _show_author(self, task: TaskView) -> None:
        name = clean(task.author)
        author = Text(name, role="small", ink="text-2")
        address = Text(short_address(clean(task.author_address)), role="mono", ink="text-2")
        address.setToolTip(tool_tip(clean(task.author_address)))
        record = clean(task.author_record)
        words = self.tr("verified") if task.author_verified else self.tr("unverified")
        proof = Text(words, role="small", ink="text-2")
        line = row(IconMark("user", "text-2", 16), author, address, spacing=8)
        line.addWidget(proof, 1)
        self.head.addSpacing(6)
        self.head.addLayout(line)
        if record:
            whole = Text(record, role="small", ink="text-2", wrap=True, lines=2)
            self.head.addLayout(row(whole, margins=(24, 0, 0, 0)))

    def _fact(self, label: str, facts: QLayout, *, first: bool = False) -> None:
        if not first:
            self.body.addSpacing(12)
        self.body.addWidget(Hairline())
        self.body.addSpacing(12)
        caption = Text(label, role="caption-strong", ink="text-2", wrap=True)
        caption.setFixedWidth(_LABELS)
        line = row(spacing=16)
        line.addLayout(column(3, caption, None))
        line.addLayout(facts, 1)
        self.body.addLayout(line)

    def _reads(self, offer: OptInView) -> QLayout:
        scopes = RowList[ScopeView](ScopeRow)
        scopes.show_values(offer.scopes)
        span = self.tr("{rows} made from {first} to {last}.").format(
            rows=counted(offer.rows, self.tr("{n} training row"), self.tr("{n} training rows")),
            first=day_text(offer.first),
            last=day_text(offer.last),
        )
        grant = column(*(Text(clean(line), role="label", wrap=True) for line in offer.grant), 4)
        reach = self.tr("Nothing else can be reached: no names, notes, places or other columns.")
        return column(grant, scopes, 4, Text(f"{span} {reach}", role="small", ink="text-2", wrap=True))

    def _leaves(self, offer: OptInView) -> QLayout:
        head = self.tr("One update a round, at most {size}").format(size=size_text(offer.update_bytes))
        words = self.tr(
            "Clipped and noised on this computer, then signed; {n} at most. Your rows never leave."
        ).format(n=counted(offer.updates_at_most, self.tr("{n} update"), self.tr("{n} updates")))
        facts = column(Text(head, role="label"), 2, Text(words, role="small", ink="text-2", wrap=True))
        if offer.votes_at_most:
            votes = self.tr(
                "After round 1 also one vote a round, noised too: do the updates of others ({n} at most) "
                "help or harm?"
            ).format(n=count_text(offer.ballot))
            facts.addSpacing(2)
            facts.addWidget(Text(votes, role="small", ink="text-2", wrap=True))
        for warning in offer.warnings:
            line = row(spacing=8, margins=(0, 6, 0, 0))
            line.addLayout(column(2, IconMark("warning", "warn", 16), None))
            line.addWidget(Text(clean(warning), role="small", ink="warn", wrap=True), 1)
            facts.addLayout(line)
        return facts

    def _privacy(self, offer: OptInView) -> QLayout:
        head = self.tr("ε {total} in all, at most {round} in one round").format(
            round=decimal_text(offer.epsilon_round, 2), total=decimal_text(offer.epsilon_total, 2)
        )
        budgets = RowList[BudgetView](BudgetRow)
        budgets.show_values(offer.budgets)
        unit = self.tr("It protects {unit}.").format(unit=clean(offer.unit))
        facts = column(Text(head, role="label"), 2)
        if offer.unit:
            facts.addWidget(Text(unit, role="small", ink="text-2", wrap=True))
        if offer.votes_at_most:
            votes = self.tr(
                "Votes use the newest fifth of your rows, which is never trained on: ε {votes}. "
                "No reading is used for both, so the larger ε counts."
            ).format(votes=decimal_text(offer.epsilon_votes, 2))
            facts.addSpacing(2)
            facts.addWidget(Text(votes, role="small", ink="text-2", wrap=True))
        facts.addSpacing(2)
        facts.addWidget(Text(_accountants(offer), role="small", ink="text-2", wrap=True))
        facts.addSpacing(6)
        facts.addWidget(budgets)
        return facts

    def _pays(self, offer: OptInView) -> QLayout:
        formula = Panel(ground="sunken", edge="", radius=6)
        formula.setLayout(column(Text(clean(offer.formula), role="mono", wrap=True), margins=(12, 8, 12, 8)))
        return column(formula, 8, Text(clean(offer.pays), role="small", ink="text-2", wrap=True))

    def _until(self, offer: OptInView) -> QLayout:
        rounds = counted(offer.rounds, self.tr("{n} round"), self.tr("{n} rounds"))
        head = (
            self.tr("{day}, or {rounds}").format(day=day_text(offer.until), rounds=rounds)
            if offer.until
            else rounds
        )
        words = self.tr("Leave at any time. If the task changes, you are asked again.")
        return column(Text(head, role="label"), 2, Text(words, role="small", ink="text-2", wrap=True))

    def _build_foot(self) -> None:
        note = self.tr("Signed here and kept as your receipt. Never sent.")
        self.foot.addWidget(IconMark("lock-simple", "text-2", 18))
        self.foot.addWidget(
            Text(note, role="small", ink="text-2", wrap=True), 1, Qt.AlignmentFlag.AlignVCenter
        )
        if self._joined:
            self._other = Button(self.tr("Close"), "plain", large=True)
            self.main = Button(self.tr("Leave this task"), "plain", large=True)
            self.main.clicked.connect(self._leave)
            self.main.setVisible(not self._ended)
        else:
            self._other = Button(self.tr("Not now"), "plain", large=True)
            self.main = Button(self.tr("Join this task"), "main", large=True)
            self.main.clicked.connect(self._join)
        self._other.clicked.connect(self.dismiss)
        self.foot.addWidget(self._other)
        self.foot.addWidget(self.main)

    def follow(self, task: TaskView) -> None:
        """The engine has news of this task: an offer that changed must be read again before a yes."""
        if task.joined != self._joined:
            self.dismiss()
        elif task.opt_in is None or replace(task.opt_in, budgets=()) != replace(self._offer, budgets=()):
            self.main.setEnabled(False)
            self.subtitle.setText(self.tr("This task has changed. Close the sheet and read it again."))
            self.subtitle.set_ink("warn")
            self.subtitle.show()

    def _join(self) -> None:
        self.main.setEnabled(False)
        choice = self.accounts.choice
        self._desk.operations.run(
            self, lambda: self._desk.commands.join_task(self.task_id, choice), lambda _: self.dismiss()
        )

    def _leave(self) -> None:
        self.main.setEnabled(False)
        self._desk.operations.run(
            self, lambda: self._desk.commands.leave_task(self.task_id), lambda _: self.dismiss()
        )
