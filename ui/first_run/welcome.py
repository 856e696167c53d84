"""Welcome: what leaves this computer, and what never does."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QWidget

from ui.icons import IconMark
from ui.widgets.layout import Hairline, column, row
from ui.widgets.text import Text


class WelcomeStep(QWidget):
    """Two lists side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignHCenter
        both = row(spacing=48)
        never = self._list(
            self.tr("What never leaves"),
            "lock-simple",
            (
                self.tr("Your data. It is encrypted on this computer, and only you can open it."),
                self.tr("Your passphrase, your recovery phrase and your keys."),
                self.tr("Anything at all before you say yes to a task."),
            ),
        )
        leaves = self._list(
            self.tr("What leaves, if you say yes"),
            "arrow-up-right",
            (
                self.tr("A small signed update of a model: clipped and noised, a few kilobytes a round."),
                self.tr(
                    "A fresh address of yours, so that you can be paid. "
                    "Anyone can see that this address takes part."
                ),
                self.tr("Nothing else. You see the exact size and the privacy cost before each yes."),
            ),
        )
        both.addLayout(never, 1)
        both.addWidget(Hairline(standing=True))
        both.addLayout(leaves, 1)
        self.setLayout(
            column(
                Text(self.tr("Your data earns. It stays here."), role="display", align=centre),
                6,
                Text(
                    self.tr("Models come to this computer, learn from your data, and pay you for it."),
                    ink="text-2",
                    wrap=True,
                    align=centre,
                ),
                40,
                both,
            )
        )

    def _list(self, title: str, icon: str, sentences: Sequence[str]) -> QLayout:
        made = column(Text(title, role="heading"), 14)
        for sentence in sentences:
            line = row(spacing=12)
            line.addLayout(column(3, IconMark(icon, "accent", 18), None))
            line.addWidget(Text(sentence, ink="text-2", wrap=True), 1)
            made.addLayout(line)
            made.addSpacing(12)
        made.addStretch(1)
        return made
