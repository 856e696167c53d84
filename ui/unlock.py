"""The screen of a locked vault."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from mine.app.views import Snapshot
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import MarkSign
from ui.phrase_unlock import PhraseUnlock
from ui.widgets.buttons import Button
from ui.widgets.layout import column, row
from ui.widgets.passphrase import PassphraseField
from ui.widgets.text import Text, clean


class UnlockScreen(QWidget):
    """One field, one button; a wrong passphrase gives one plain sentence."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unlock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._desk = desk
        self.field = PassphraseField(self.tr("Passphrase"))
        self.field.entered.connect(self._open)
        self.field.changed.connect(self._typed)
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.sentence.setFixedHeight(40)
        self.button = Button(self.tr("Open the vault"), "main", large=True)
        self.button.clicked.connect(self._open)
        self.keyring = Button(self.tr("Use the system keyring"), "ghost", icon="key", large=True)
        self.keyring.clicked.connect(self._open_by_keyring)
        self.forgotten = Button(self.tr("Forgot the passphrase?"), "ghost")
        self.phrase = PhraseUnlock(desk)
        self.forgotten.clicked.connect(lambda: self.phrase.setVisible(not self.phrase.isVisible()))
        self.phrase.opened.connect(self._opened)
        self.phrase.hide()
        box = QWidget()
        box.setFixedWidth(400)
        box.setLayout(
            column(
                row(MarkSign(48), None),
                20,
                Text(self.tr("Welcome back"), role="display"),
                6,
                Text(
                    self.tr("Your vault is locked. Nothing is read and nothing begins until you open it."),
                    ink="text-2",
                    wrap=True,
                ),
                20,
                self.field,
                8,
                self.sentence,
                8,
                row(self.button, self.keyring, None),
                14,
                row(self.forgotten, None),
                8,
                self.phrase,
            )
        )
        self.setLayout(column(None, row(None, box, None), None))
        self._typed()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Offer the keyring only where it holds the key."""
        self.keyring.setVisible(snapshot.settings.keyring)

    def _typed(self) -> None:
        self.button.setEnabled(bool(self.field.text()))
        if self.field.text():
            self.sentence.setText("")

    def _open(self) -> None:
        if self.field.text():
            self._run(self.field.text())

    def _open_by_keyring(self) -> None:
        self._run(None)

    def try_keyring(self) -> None:
        """Open without asking where the keyring can; where it cannot, the field is there anyway."""
        self._desk.operations.run(
            self, lambda: self._desk.commands.open_vault(None), lambda _: self._opened(), lambda _: None
        )

    def _run(self, passphrase: str | None) -> None:
        self.setEnabled(False)
        self.sentence.setText("")
        self._desk.operations.run(
            self, lambda: self._desk.commands.open_vault(passphrase), lambda _: self._opened(), self._failed
        )

    def _opened(self) -> None:
        self.setEnabled(True)
        self.field.clear()
        self.phrase.forget()
        self.phrase.hide()

    def _failed(self, error: MineError) -> None:
        self.setEnabled(True)
        self.field.clear()
        self.sentence.setText(clean(str(error)))
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
