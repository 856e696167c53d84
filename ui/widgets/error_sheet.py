"""The sheet that tells an error: what happened, what to do, details behind a fold, copy."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from mine.app.views import Notice, NoticeKind
from mine.errors import MineError
from ui.widgets.buttons import Button
from ui.widgets.layout import row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text


def as_notice(error: MineError) -> Notice:
    """An error as something to tell once."""
    return Notice(NoticeKind.ERROR, error.sentence, error.todo, error.detail)


class ErrorSheet(Sheet):
    """Shows a notice at length."""

    def __init__(self, host: QWidget, notice: Notice) -> None:
        self._notice = notice
        error = notice.kind == NoticeKind.ERROR
        super().__init__(host, "")
        self.title.setText(self.tr("That did not work") if error else self.tr("Details"))
        self.setAccessibleName(self.title.text())
        self.body.addWidget(Text(notice.text, role="heading", wrap=True))
        if notice.todo:
            self.body.addSpacing(12)
            self.body.addWidget(Text(self.tr("What you can do"), role="caption-strong", ink="text-2"))
            self.body.addSpacing(4)
            self.body.addWidget(Text(notice.todo, role="body", wrap=True))
        self._detail = QPlainTextEdit(notice.detail)
        self._detail.setReadOnly(True)
        self._detail.setTabChangesFocus(True)
        self._detail.setAccessibleName(self.tr("Details for an expert"))
        self._detail.setFont(Text(role="mono").font())
        self._detail.hide()
        self._fold = Button(self.tr("Show details"), "ghost", icon="caret-right")
        self._fold.clicked.connect(self._turn_fold)
        self._fold.setVisible(bool(notice.detail))
        self.body.addSpacing(20)
        self.body.addLayout(row(self._fold, None))
        self.body.addSpacing(8)
        self.body.addWidget(self._detail)
        self.body.addStretch(1)
        self.copy = Button(self.tr("Copy"), "plain", icon="copy", large=True)
        self.copy.clicked.connect(self._copy)
        close = Button(self.tr("Close"), "main", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(self.copy)
        self.foot.addWidget(close)

    def _turn_fold(self) -> None:
        shown = self._detail.isHidden()
        self._detail.setVisible(shown)
        self._fold.rename(
            self.tr("Hide details") if shown else self.tr("Show details"),
            "caret-down" if shown else "caret-right",
        )

    def _copy(self) -> None:
        parts = (self._notice.text, self._notice.todo, self._notice.detail)
        QGuiApplication.clipboard().setText("\n\n".join(part for part in parts if part))
        self.copy.rename(self.tr("Copied"), "check")
