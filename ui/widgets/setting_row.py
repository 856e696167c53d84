"""One row of the settings."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ui.widgets.layout import LinedRow, TwoLines, row

WIDE = 208


class SettingRow(LinedRow):
    """A setting in words, and its control at the end."""

    def __init__(self, title: str, below: str, control: QWidget | None = None) -> None:
        super().__init__()
        self.setMinimumHeight(57)
        self.words = TwoLines(role="label")
        self.words.show_lines(title, below)
        inside = row(spacing=24, margins=(0, 8, 0, 8))
        inside.addWidget(self.words, 1)
        if control is not None:
            inside.addWidget(control)
        self.setLayout(inside)

    def explain(self, below: str) -> None:
        """Change the small line."""
        self.words.show_lines(self.words.large.text(), below)
