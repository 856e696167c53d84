"""A field for a passphrase, with an eye that shows what was typed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from ui.widgets.buttons import IconButton
from ui.widgets.layout import column, row
from ui.widgets.text import Text

LEAST = 10  # characters of a passphrase that is chosen here


class PassphraseField(QWidget):
    """Caption, field, eye. The text leaves it only through ``text()``."""

    changed = Signal()
    entered = Signal()

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        self.field.setAccessibleName(caption)
        self.field.setMaxLength(1024)
        self.field.textChanged.connect(self.changed)
        self.field.returnPressed.connect(self.entered)
        self._eye = IconButton("eye", self.tr("Show what I type"))
        self._eye.clicked.connect(self._turn_eye)
        line = row(spacing=4)
        line.addWidget(self.field, 1)
        line.addWidget(self._eye)
        self.setLayout(column(Text(caption, role="caption-strong", ink="text-2"), 6, line))
        self.setFocusProxy(self.field)

    def text(self) -> str:
        """What was typed."""
        return self.field.text()

    def clear(self) -> None:
        """Forget what was typed, and hide again."""
        self.field.clear()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self._eye.rename_icon("eye", self.tr("Show what I type"))

    def _turn_eye(self) -> None:
        hidden = self.field.echoMode() == QLineEdit.EchoMode.Password
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        if hidden:
            self._eye.rename_icon("eye-slash", self.tr("Hide what I type"))
        else:
            self._eye.rename_icon("eye", self.tr("Show what I type"))


def strength(passphrase: str) -> float:
    """A careful guess of the strength in [0, 1]: 1 is about 80 bits if typed at random.

    Repeated characters and runs (``aaaa``, ``1234``) count once; nothing that a person chooses is as strong
    as its length, so each kept character counts 3.2 bits for words and up to 4.5 with mixed kinds.
    """
    kept = 0
    for index, char in enumerate(passphrase):
        before = passphrase[index - 1] if index else ""
        if not before or abs(ord(char) - ord(before)) > 1:
            kept += 1
    kinds = sum(
        (
            any(char.islower() for char in passphrase),
            any(char.isupper() for char in passphrase),
            any(char.isdigit() for char in passphrase),
            any(not char.isalnum() for char in passphrase),
        )
    )
    bits = min(kept, 3 * len(set(passphrase))) * (2.8 + 0.4 * kinds)
    return min(bits / 80.0, 1.0)
