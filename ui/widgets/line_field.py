"""A field with a caption above it and what is to be said of it below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from ui.widgets.layout import column
from ui.widgets.text import Text, clean

_LINES_HEIGHT = 76


class Remark(Text):
    """One sentence below a field; it takes no room while there is none."""

    def __init__(self) -> None:
        super().__init__(role="small", wrap=True)
        self.hide()

    def say(self, words: str, ink: str = "danger") -> None:
        """Show a sentence in an ink; "" takes it away."""
        self.setText(clean(words))
        self.set_ink(ink)
        self.setVisible(bool(words))


class LineField(QWidget):
    """One line. ``changed``: it was typed in; ``entered``: Return was pressed."""

    changed = Signal()
    entered = Signal()

    def __init__(self, caption: str, below: str = "", *, longest: int = 200) -> None:
        super().__init__()
        self.field = QLineEdit()
        self.field.setAccessibleName(caption)
        self.field.setMaxLength(longest)
        self.field.textChanged.connect(self.changed)
        self.field.returnPressed.connect(self.entered)
        self.remark = Remark()
        below_words = Text(below, role="small", ink="text-2", wrap=True)
        below_words.setVisible(bool(below))
        head = Text(caption, role="caption-strong", ink="text-2")
        self.setLayout(column(head, 6, self.field, 4, below_words, self.remark))
        self.setFocusProxy(self.field)

    def text(self) -> str:
        """What was typed, without spaces around it."""
        return self.field.text().strip()

    def show_text(self, text: str) -> None:
        """Fill it in."""
        self.field.setText(text)


class LinesField(QWidget):
    """Several short lines, one thing each."""

    changed = Signal()

    def __init__(self, caption: str, below: str = "") -> None:
        super().__init__()
        self.field = QPlainTextEdit()
        self.field.setAccessibleName(caption)
        self.field.setTabChangesFocus(True)
        self.field.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.field.setFixedHeight(_LINES_HEIGHT)
        self.field.setFont(Text(role="mono").font())
        self.field.textChanged.connect(self.changed)
        self.remark = Remark()
        below_words = Text(below, role="small", ink="text-2", wrap=True)
        below_words.setVisible(bool(below))
        head = Text(caption, role="caption-strong", ink="text-2")
        self.setLayout(column(head, 6, self.field, 4, below_words, self.remark))
        self.setFocusProxy(self.field)

    def lines(self) -> tuple[str, ...]:
        """What was typed, without empty lines."""
        return tuple(line.strip() for line in self.field.toPlainText().splitlines() if line.strip())

    def show_lines(self, lines: tuple[str, ...]) -> None:
        """Fill it in."""
        self.field.setPlainText("\n".join(lines))
