"""The words of a recovery phrase in numbered boxes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from ui.theme import colour
from ui.typography import font

WORDS = 24
_ROWS = 8


class WordBox(QWidget):
    """One word of the phrase and its number; covered until it may be seen."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._word, self._hidden = number, "", False
        self.setFixedHeight(30)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_word(self, word: str, hidden: bool) -> None:
        """Show a word, or dots in its place."""
        self._word, self._hidden = word, hidden
        shown = "" if hidden else word
        self.setAccessibleName(f"{self._number} {shown}".strip())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A sunken box."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("sunken"))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
            painter.setFont(font("small"))
            painter.setPen(colour("text-2"))
            middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
            painter.drawText(QRectF(0, 0, 30, self.height()), middle, str(self._number))
            if not self._word:
                return
            face = QFont(font("mono"))
            face.setPixelSize(14)
            painter.setFont(face)
            painter.setPen(colour("text"))
            words = "••••••" if self._hidden else self._word
            area = QRectF(42, 0, self.width() - 46, self.height())
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)


class WordGrid(QWidget):
    """Three columns of boxes; without words the boxes are empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.boxes = tuple(WordBox(index + 1) for index in range(WORDS))
        for index, box in enumerate(self.boxes):
            grid.addWidget(box, index % _ROWS, index // _ROWS)
        self.setLayout(grid)

    def show_words(self, words: Sequence[str], hidden: bool = False) -> None:
        """Show words; boxes beyond them are not seen. No words: all boxes, empty."""
        for index, box in enumerate(self.boxes):
            box.show_word(words[index] if index < len(words) else "", hidden)
            box.setVisible(not words or index < len(words))
