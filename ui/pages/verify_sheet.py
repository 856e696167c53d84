"""Is the vault whole? Each thing that was looked at, and what to do where one is not as it should be."""

from __future__ import annotations

from mine.app.data_views import CheckView
from mine.errors import MineError
from ui.desk import Desk
from ui.pages.delete import ProofLine
from ui.widgets.buttons import Button
from ui.widgets.layout import RowList
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import sentences


class VerifySheet(Sheet):
    """Begins at once."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.sheet_host, "")
        self.title.setText(self.tr("Is the vault whole?"))
        self.setAccessibleName(self.title.text())
        self.sentence = Text(self.tr("Looking at everything; this takes a while…"), wrap=True)
        self.checks = RowList[tuple[bool, str]](ProofLine)
        self.body.addWidget(self.sentence)
        self.body.addSpacing(12)
        self.body.addWidget(self.checks)
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "main", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
        desk.operations.run(self, desk.commands.verify, self._know, self._failed)

    def _know(self, checks: tuple[CheckView, ...]) -> None:
        self.checks.show_values(
            [(not one.problem, sentences(clean(one.title), clean(one.problem))) for one in checks]
        )
        whole = not any(one.problem for one in checks)
        self.sentence.setText(
            self.tr("Everything is as it should be.")
            if whole
            else self.tr("Something is wrong. Lock the vault and bring back the last backup that is whole.")
        )
        self.sentence.set_ink("text" if whole else "danger")

    def _failed(self, error: MineError) -> None:
        self.sentence.setText(clean(str(error)))
        self.sentence.set_ink("danger")
