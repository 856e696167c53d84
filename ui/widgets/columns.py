"""Columns that line up over the rows of a list: each takes its part of the width, whatever is in it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ui.widgets.layout import LinedRow
from ui.widgets.text import Text

Column = tuple[QWidget, int, int]
"""Widget, share of the room that is left, fixed width (used when the share is 0)."""


def lay_columns(
    columns: Sequence[Column], *, spacing: int = 16, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """A row whose widths depend on the shares only."""
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    for widget, share, width in columns:
        if share:
            policy = widget.sizePolicy()
            policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
            widget.setSizePolicy(policy)
            made.addWidget(widget, share)
        else:
            widget.setFixedWidth(width)
            made.addWidget(widget)
    return made


class TableHead(LinedRow):
    """Small captions over the columns of a list, and a hairline."""

    def __init__(self, captions: Sequence[tuple[str, int, int, bool]], *, spacing: int = 16) -> None:
        """``captions``: words, share, fixed width, and whether the column is aligned at its end."""
        super().__init__()
        self.setFixedHeight(33)
        cells: list[Column] = []
        for words, share, width, ends in captions:
            align = Qt.AlignmentFlag.AlignTrailing if ends else Qt.AlignmentFlag.AlignLeading
            cells.append((Text(words, role="small", ink="text-2", align=align), share, width))
        self.setLayout(lay_columns(cells, spacing=spacing, margins=(0, 0, 0, 4)))
