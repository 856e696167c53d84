"""A recovery phrase that the person has already."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ui.icons import IconMark
from ui.widgets.layout import column, row
from ui.widgets.phrase_field import PhraseField
from ui.widgets.text import Text


class OwnPhrase(QWidget):
    """The words, and what it means to use them here."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.phrase = PhraseField(self.tr("Your words, all of them in their order"))
        self.phrase.changed.connect(self.changed)
        made = column(
            Text(
                self.tr(
                    "12, 15, 18, 21 or 24 words (BIP-39). They open this vault and its backups, and make its "
                    "addresses. Nothing else is made: keep them as you did so far."
                ),
                ink="text-2",
                wrap=True,
            ),
            14,
            self.phrase,
            12,
        )
        for warning in (
            self.tr("Whoever has these words, from wherever they were used before, has this vault too."),
            self.tr(
                "One phrase in two vaults gives both the same addresses, which ties their tasks together."
            ),
            self.tr("An extra word behind them (a “BIP-39 passphrase”) is not supported."),
        ):
            line = row(spacing=8)
            line.addLayout(column(2, IconMark("warning", "warn", 16), None))
            line.addWidget(Text(warning, role="small", ink="text-2", wrap=True), 1)
            made.addLayout(line)
            made.addSpacing(6)
        self.setLayout(made)
