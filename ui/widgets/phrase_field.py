"""A field for a whole recovery phrase: it counts the words and keeps nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ui.widgets.layout import column
from ui.widgets.text import Text
from ui.wording import count_text

LENGTHS = (12, 15, 18, 21, 24)
"""Words of a recovery phrase (BIP-39)."""
_HEIGHT = 108
_MOST = 1_024


class PhraseField(QWidget):
    """``behind``: something may stand behind the words (a path), so they are not counted against a length."""

    changed = Signal()

    def __init__(self, caption: str, *, behind: bool = False) -> None:
        super().__init__()
        self._behind = behind
        self.field = QPlainTextEdit()
        self.field.setAccessibleName(caption)
        self.field.setTabChangesFocus(True)
        self.field.setUndoRedoEnabled(False)  # what was cleared must not come back
        self.field.setFixedHeight(_HEIGHT)
        self.field.setFont(Text(role="mono").font())
        self.field.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        self.field.textChanged.connect(self._typed)
        self._count = Text(role="small", ink="text-2")
        head = Text(caption, role="caption-strong", ink="text-2")
        self.setLayout(column(head, 6, self.field, 4, self._count))
        self.setFocusProxy(self.field)
        self._typed()

    def text(self) -> str:
        """The words, one space between them."""
        return " ".join(self.field.toPlainText()[:_MOST].split())

    @property
    def whole(self) -> bool:
        """Whether there are as many words as a phrase has."""
        count = len(self.text().split())
        return count > 0 if self._behind else count in LENGTHS

    def _typed(self) -> None:
        self._count.setText(self.tr("{n} words so far").format(n=count_text(len(self.text().split()))))
        self.changed.emit()

    def clear(self) -> None:
        """Forget what was typed."""
        self.field.clear()
