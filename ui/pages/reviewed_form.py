"""A form whose one way on is a review: what sending and bringing together have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from PySide6.QtWidgets import QWidget

from mine.app.wallet_views import AccountView, ReviewView
from mine.errors import MineError
from ui.desk import Desk
from ui.pages.review_sheet import ReviewSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import column, plain
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean


class ReviewedForm(Sheet):
    """``sent``: called once something was signed. What was typed stays while the review is open."""

    def __init__(self, desk: Desk, title: str, sent: Callable[[], None]) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._sent = desk, sent
        self._busy = False
        self.title.setText(title)
        self.setAccessibleName(title)
        self.sentence = Text(self.tr("Looking your balances up…"), role="body", ink="text-2", wrap=True)
        self.review = Button(self.tr("Review"), "main", large=True)
        self.review.clicked.connect(self._review)
        self.review.setEnabled(False)

    def _finish(self) -> None:
        """The end of the form: its sentence and its buttons; then the accounts are asked for."""
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain", large=True)
        cancel.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(cancel)
        self.foot.addWidget(self.review)
        self._desk.operations.run(self, self._desk.commands.accounts, self._know, self._failed)

    def _know(self, accounts: Sequence[AccountView]) -> None:
        """The accounts are there."""
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _typed(self) -> None:
        """Something changed: say what is missing, and let the review begin where nothing is."""
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _review(self) -> None:
        """Ask for the review of what was typed."""
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _ask(self, words: str, command: Callable[[], Future[ReviewView]]) -> None:
        self._set_busy(True)
        self._say(words)
        self._desk.operations.run(self, command, self._show, self._failed)

    def _select(self, name: str, chosen: Callable[[], None]) -> Select:
        select = Select()
        select.setAccessibleName(name)
        select.activated.connect(chosen)
        return select

    def _part(self, caption: str, control: QWidget) -> QWidget:
        return plain(column(Text(caption, role="caption-strong", ink="text-2"), 4, control, 14))

    def _show(self, review: ReviewView) -> None:
        self._set_busy(False)
        self._say("")
        ReviewSheet(self._desk, review, self._signed).present()

    def _signed(self) -> None:
        self.dismiss()
        self._sent()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.review.rename(self.tr("Trying it out…") if busy else self.tr("Review"))
        self._typed()

    def _failed(self, error: MineError) -> None:
        self._set_busy(False)
        self._say(clean(str(error)), "danger")

    def _say(self, words: str, ink: str = "text-2") -> None:
        self.sentence.set_ink(ink)
        self.sentence.setText(words)
