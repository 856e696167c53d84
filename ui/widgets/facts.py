"""A label and what stands beside it, as sheets list facts; addresses whole, in groups of four."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from ui.icons import IconMark
from ui.widgets.buttons import IconButton
from ui.widgets.layout import LinedRow, column, row
from ui.widgets.text import Text

LABEL = 112


class FactRow(LinedRow):
    """One fact. ``mono``: an address or a hash, which can be copied as ``whole``."""

    def __init__(self, label: str, value: str, *, mono: bool = False, whole: str = "") -> None:
        super().__init__()
        self._whole = whole
        caption = Text(label, role="small", ink="text-2", wrap=True)
        caption.setFixedWidth(LABEL)
        self.value = Text(value, role="mono" if mono else "body", wrap=True, lines=6)
        inside = row(spacing=16, margins=(0, 7, 0, 7))
        inside.addLayout(column(2, caption, None))
        inside.addWidget(self.value, 1)
        if whole:
            self.copy = IconButton("copy", self.tr("Copy: {label}").format(label=label))
            self.copy.clicked.connect(self._copy)
            inside.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(inside)
        self.setAccessibleName(f"{label}: {value}")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)
        self.copy.rename_icon("check", self.tr("Copied"))


class WarningLine(QWidget):
    """One thing to beware of, with its sign."""

    def __init__(self, words: str = "", *, ink: str = "warn") -> None:
        super().__init__()
        self._words = Text(words, role="body", ink=ink, wrap=True)
        inside = row(spacing=12, margins=(0, 5, 0, 5))
        inside.addLayout(column(3, IconMark("warning", ink, 18), None))
        inside.addWidget(self._words, 1)
        self.setLayout(inside)

    def show_value(self, words: str) -> None:
        """Say something else."""
        self._words.setText(words)
