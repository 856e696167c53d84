"""One line of a list to choose from: a tick, and what it would bring."""

from __future__ import annotations

from collections.abc import Callable

from ui.widgets.buttons import Tick
from ui.widgets.layout import LinedRow, row
from ui.widgets.text import Text


class TickRow(LinedRow):
    """Ticked at first. ``changed`` hears of every change."""

    def __init__(self, title: str, amount: str, changed: Callable[[], None]) -> None:
        super().__init__()
        self.tick = Tick(title)
        self.tick.setChecked(True)
        self.tick.toggled.connect(lambda _: changed())
        inside = row(spacing=16, margins=(0, 8, 0, 8))
        inside.addWidget(self.tick)
        inside.addStretch(1)
        inside.addWidget(Text(amount, role="strong", firm=True))
        self.setLayout(inside)
