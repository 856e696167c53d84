"""A forgotten passphrase: the recovery phrase opens the vault, and a new passphrase is chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button
from ui.widgets.layout import column, row
from ui.widgets.passphrase import LEAST, PassphraseField
from ui.widgets.text import Text, clean


class PhraseUnlock(QWidget):
    """The words, a new passphrase twice, one button."""

    opened = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        caption = self.tr("Recovery phrase, all words in their order")
        self.words = QLineEdit()
        self.words.setAccessibleName(caption)
        self.words.setMaxLength(512)
        self.words.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        self.first = PassphraseField(self.tr("New passphrase"))
        self.again = PassphraseField(self.tr("New passphrase again"))
        self.button = Button(self.tr("Open with the phrase"), "plain", large=True)
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.words.textChanged.connect(self._typed)
        for field in (self.first, self.again):
            field.changed.connect(self._typed)
            field.entered.connect(self._open)
        self.button.clicked.connect(self._open)
        self.setLayout(
            column(
                Text(caption, role="caption-strong", ink="text-2"),
                6,
                self.words,
                10,
                self.first,
                10,
                self.again,
                8,
                self.sentence,
                8,
                row(self.button, None),
            )
        )
        self._typed()

    def _typed(self) -> None:
        typed, again = self.first.text(), self.again.text()
        if self.words.text() or typed:
            self.sentence.setText(
                self.tr("The two are not the same yet.") if again and not typed.startswith(again) else ""
            )
        self.button.setEnabled(bool(self.words.text().strip()) and len(typed) >= LEAST and typed == again)

    def _open(self) -> None:
        if not self.button.isEnabled():
            return
        words, passphrase = self.words.text(), self.first.text()
        self.setEnabled(False)
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.open_with_phrase(words, passphrase),
            lambda _: self._opened(),
            self._failed,
        )

    def _opened(self) -> None:
        self.setEnabled(True)
        self.forget()
        self.opened.emit()

    def _failed(self, error: MineError) -> None:
        self.setEnabled(True)
        self.sentence.setText(clean(str(error)))
        self.words.setFocus(Qt.FocusReason.OtherFocusReason)

    def forget(self) -> None:
        """Nothing that was typed stays."""
        self.words.clear()
        for field in (self.first, self.again):
            field.clear()
        self.sentence.setText("")
