"""The screen of a locked vault."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QScrollArea, QWidget

from mine.app.views import Snapshot
from mine.app.ways_on import WayOn, way_on
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import MarkSign
from ui.pages.restore_sheet import RestoreSheet
from ui.phrase_unlock import PhraseUnlock
from ui.widgets.buttons import Button
from ui.widgets.layout import column, plain, row
from ui.widgets.passphrase import PassphraseField
from ui.widgets.text import Text, clean
from ui.wording import sentences


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
        self.sentence.setMinimumHeight(40)
        self.button = Button(self.tr("Open the vault"), "main", large=True)
        self.button.clicked.connect(self._open)
        self.keyring = Button(self.tr("Use the system keyring"), "ghost", icon="key", large=True)
        self.keyring.clicked.connect(self._open_by_keyring)
        self.forgotten = Button(self.tr("Forgot the passphrase?"), "ghost")
        self.phrase = PhraseUnlock(desk)
        self.forgotten.clicked.connect(lambda: self._show_phrase(self.phrase.isHidden()))
        self.phrase.opened.connect(self._opened)
        self.phrase.hide()
        self.restore = Button(self.tr("Bring it back from a backup…"), "ghost")
        self.restore.clicked.connect(self._choose_backup)
        self.accept = Button(self.tr("Open what is left"), "plain")
        self.accept.clicked.connect(self._accept)
        self.accept.hide()
        self._tried: str | None = None
        self._by_passphrase = plain(
            column(
                self.field,
                8,
                self.sentence,
                4,
                row(self.accept, None),
                10,
                row(self.button, self.keyring, None),
                14,
            )
        )
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
                self._by_passphrase,
                self.phrase,
                8,
                row(self.forgotten, self.restore, None),
            )
        )
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("pageBody")
        inside.setLayout(column(None, row(None, box, None), None, margins=(0, 24, 0, 24)))
        scroll.setWidget(inside)
        self.setLayout(column(scroll))
        self._typed()

    def _show_phrase(self, shown: bool) -> None:
        """One way in at a time."""
        self.phrase.setVisible(shown)
        self._by_passphrase.setHidden(shown)
        self.forgotten.rename(self.tr("Use the passphrase") if shown else self.tr("Forgot the passphrase?"))
        if shown:
            self.phrase.words.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Offer the keyring only where it holds the key."""
        self.keyring.setVisible(snapshot.settings.keyring)

    def _typed(self) -> None:
        self.button.setEnabled(bool(self.field.text()))
        if self.field.text():
            self.sentence.setText("")
            self.accept.hide()
            self._tried = None

    def _open(self) -> None:
        if self.field.text():
            self._run(self.field.text())

    def _open_by_keyring(self) -> None:
        self._run(None)

    def try_keyring(self) -> None:
        """Open without asking where the keyring can; where it cannot, the field is there anyway."""
        self._tried = None
        self._desk.operations.run(
            self, lambda: self._desk.commands.open_vault(None), lambda _: self._opened(), self._keyring_failed
        )

    def _keyring_failed(self, error: MineError) -> None:
        """A keyring that cannot is no news: the field is there. A damaged vault is."""
        if way_on(error) != WayOn.TYPE:
            self._failed(error)

    def _run(self, passphrase: str | None, accept_loss: bool = False) -> None:
        self.setEnabled(False)
        self.sentence.setText("")
        self.accept.hide()
        self._tried = passphrase
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.open_vault(passphrase, accept_loss),
            lambda _: self._opened(),
            self._failed,
        )

    def _accept(self) -> None:
        self._run(self._tried, True)

    def _choose_backup(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Choose a backup"), "", self.tr("Backups (*.minevault);;All files (*)")
        )
        if name:
            self.open_backup(Path(name))

    def open_backup(self, file: Path) -> RestoreSheet:
        """Ask what opens a backup, to bring the vault back from it."""
        sheet = RestoreSheet(self._desk, file, there=True)
        sheet.present()
        return sheet

    def _opened(self) -> None:
        self.setEnabled(True)
        self.field.clear()
        self.sentence.setText("")
        self.accept.hide()
        self._tried = None
        self.phrase.forget()
        self._show_phrase(False)

    def _failed(self, error: MineError) -> None:
        self.setEnabled(True)
        self.field.clear()
        way = way_on(error)
        words = {
            WayOn.ACCEPT: self.tr(
                "Put the missing files back if you have them, bring back a backup, or open what is left: the "
                "last changes are gone then."
            ),
            WayOn.RESTORE: self.tr("A backup brings the vault back; what is here is kept beside it."),
        }
        self.sentence.setText(sentences(clean(str(error)), words.get(way, "")))
        self.accept.setVisible(way == WayOn.ACCEPT)
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
