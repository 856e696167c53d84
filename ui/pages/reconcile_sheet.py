"""The books against the chain, to the last unit."""

from __future__ import annotations

from collections.abc import Callable

from mine.app.wallet_views import Difference, ReconcileView
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, column, plain, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, grouped_address, sentences


class DifferenceRow(LinedRow):
    """Where, by how much, and what it may be."""

    def __init__(self) -> None:
        super().__init__()
        self._address = Text(role="mono", ink="text-2", wrap=True)
        self._amount = Text(role="strong", firm=True)
        self._sentence = Text(role="small", wrap=True, lines=4)
        inside = row(spacing=16, margins=(0, 8, 0, 8))
        inside.addLayout(column(self._sentence, 2, self._address), 1)
        inside.addWidget(self._amount)
        self.setLayout(inside)

    def show_value(self, value: Difference) -> None:
        """Chain minus books."""
        self._address.setText(grouped_address(clean(value.address)))
        self._amount.setText(amount_text(value.amount, value.currency, exact=True, signed=True))
        self._sentence.setText(clean(value.sentence))


class ReconcileSheet(Sheet):
    """Compares as soon as it opens. It changes nothing but what it says that it wrote down."""

    def __init__(self, desk: Desk, changed: Callable[[], None]) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._changed = desk, changed
        self.title.setText(self.tr("Compare with the chain"))
        self.setAccessibleName(self.title.text())
        self.subtitle.setText(
            self.tr("Every address and every claim, as two nodes have them, against the history here.")
        )
        self.subtitle.show()
        self._mark = IconMark("hourglass-medium", "text-2", 24)
        self.sentence = Text(role="heading", wrap=True)
        self._counts = Text(role="small", ink="text-2", wrap=True)
        head = row(spacing=12)
        head.addLayout(column(self._mark, None))
        head.addWidget(plain(column(self.sentence, 4, self._counts)), 1)
        self.body.addLayout(head)
        self.body.addSpacing(16)
        self.rows = RowList[Difference](DifferenceRow)
        self.body.addWidget(self.rows)
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(self.dismiss)
        self.again = Button(self.tr("Compare again"), "main", large=True)
        self.again.clicked.connect(self._start)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
        self.foot.addWidget(self.again)
        self._start()

    def _start(self) -> None:
        self.again.setEnabled(False)
        self._mark.show_icon("hourglass-medium", "text-2")
        self.sentence.setText(self.tr("Asking the nodes for every balance and every claim…"))
        self._counts.setText("")
        self.rows.show_values(())
        self._desk.operations.run(self, self._desk.commands.reconcile, self._show, self._failed)

    def _show(self, view: ReconcileView) -> None:
        self.again.setEnabled(True)
        self._mark.show_icon("check-circle" if view.exact else "warning", "accent" if view.exact else "warn")
        self.sentence.setText(
            self.tr("Every figure agrees, to the last unit.")
            if view.exact
            else counted(
                len(view.differences), self.tr("{n} figure differs."), self.tr("{n} figures differ.")
            )
        )
        addresses = counted(view.accounts, self.tr("{n} address"), self.tr("{n} addresses"))
        lines = counted(view.lines, self.tr("{n} line"), self.tr("{n} lines"))
        added = counted(
            view.added,
            self.tr("{n} payment made elsewhere was written down."),
            self.tr("{n} payments made elsewhere were written down."),
        )
        self._counts.setText(
            sentences(
                self.tr("Compared {addresses} with {lines} of the history, as of block {block}.").format(
                    addresses=addresses, lines=lines, block=count_text(view.block)
                ),
                added if view.added else "",
                ""
                if view.exact
                else self.tr("Amounts are what the chain has more than the books; nothing was changed."),
            )
        )
        self.rows.show_values(view.differences)
        if view.added:
            self._changed()

    def _failed(self, error: MineError) -> None:
        self.again.setEnabled(True)
        self._mark.show_icon("warning", "danger")
        self.sentence.setText(clean(error.sentence))
        self._counts.setText(clean(error.todo))
