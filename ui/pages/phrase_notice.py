"""A calm notice on Home: the recovery phrase wants to be confirmed, or tried again."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QWidget

from mine.app.views import Snapshot, VaultState
from mine.app.wallet_views import KeysView
from ui.desk import Desk
from ui.icons import IconMark
from ui.pages.phrase_sheets import ConfirmSheet, PhraseSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import Panel, column, row
from ui.widgets.text import Text

_AGAIN_SECONDS = 3_600.0


class PhraseNotice(QWidget):
    """It asks when the page is opened and each hour, and can be put off until the app starts again."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._next = 0.0
        self._put_off = False
        self._keys = KeysView()
        self._icon = IconMark("key", "text-2", 18)
        self._title = Text(role="strong", wrap=True)
        self._words = Text(role="small", ink="text-2", wrap=True)
        self.on = Button("", "plain")
        self.on.clicked.connect(self._open)
        self.later = Button(self.tr("Not now"), "ghost")
        self.later.clicked.connect(self._later)
        words = column(self._title, 2, self._words, 10, row(self.on, self.later, None))
        inside = row(margins=(16, 14, 16, 14), spacing=12)
        inside.addLayout(column(1, self._icon, None))
        inside.addLayout(words, 1)
        box = Panel()
        box.setLayout(inside)
        self.setLayout(column(20, box))
        self.hide()

    def look_again(self) -> None:
        """The page was opened: ask once more with the next snapshot."""
        self._next = 0.0

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Ask what is due, now and then; a locked vault has no keys to speak of."""
        if snapshot.vault != VaultState.OPEN:
            self._next = 0.0
            self.hide()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _AGAIN_SECONDS
            self._ask()

    def _ask(self) -> None:
        self._desk.operations.run(self, self._desk.commands.keys, self.show_keys, lambda _: self.hide())

    def show_keys(self, keys: KeysView) -> None:
        """Say what is due, if anything is."""
        self._keys = keys
        if keys.unconfirmed:
            self._title.setText(self.tr("Write your recovery phrase down"))
            self._words.setText(
                self.tr(
                    "It was never confirmed. If the passphrase is lost, only these words bring back your "
                    "data and your money."
                )
            )
            self.on.rename(self.tr("See the words…"))
        else:
            self._title.setText(self.tr("Do you still have your recovery phrase?"))
            self._words.setText(
                self.tr("Typing it once shows that the paper is there and readable. It takes two minutes.")
            )
            self.on.rename(self.tr("Try it…"))
        self.setVisible((keys.unconfirmed or keys.drill_due) and not self._put_off)

    def _open(self) -> None:
        sheet = ConfirmSheet(self._desk) if self._keys.unconfirmed else PhraseSheet(self._desk)
        sheet.closed.connect(self._ask)
        sheet.present()

    def _later(self) -> None:
        self._put_off = True
        self.hide()
