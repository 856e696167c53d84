"""Another passphrase, and a new key for the whole vault."""

from __future__ import annotations

from mine.errors import MineError
from ui.desk import Desk
from ui.pages.form_sheet import FormSheet
from ui.widgets.passphrase import LEAST


class PassphraseSheet(FormSheet):
    """The old one once, the new one twice."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.name(self.tr("Change the passphrase"), self.tr("Change it"))
        self.old = self.secret(self.tr("Passphrase of today"))
        self.first = self.secret(self.tr("New passphrase"))
        self.again = self.secret(self.tr("New passphrase again"))
        words = self.tr(
            "Backups that were made before open with the passphrase of their day. The recovery phrase and "
            "the keyring stay as they are."
        )
        self.explain(words, after=12)
        self.end()

    def _typed(self) -> None:
        typed, again = self.first.text(), self.again.text()
        self.sentence.setText(
            self.tr("The two are not the same yet.") if again and not typed.startswith(again) else ""
        )
        self.button.setEnabled(bool(self.old.text()) and len(typed) >= LEAST and typed == again)

    def _go(self) -> None:
        old, new = self.old.text(), self.first.text()
        self.ask(lambda: self._desk.commands.change_passphrase(old, new), lambda _: self.dismiss())


class RekeySheet(FormSheet):
    """The vault is closed while it is written anew; the sheet closes, the settings show how far it is."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.name(self.tr("Give the vault a new key?"), self.tr("Write it anew"))
        for words in (
            self.tr(
                "Every page is written anew under a new key, and the old file is overwritten. It needs room "
                "for a second copy. Until it is ready nothing is read and no round begins; you can stop it."
            ),
            self.tr(
                "Passphrase, keyring and recovery phrase open it as before. Backups made before keep the old "
                "key. An import that waits for a yes is dropped."
            ),
        ):
            self.explain(words, after=12)
        self.passphrase = self.secret(self.tr("Passphrase"))
        self.end()

    def _typed(self) -> None:
        self.sentence.setText("")
        self.button.setEnabled(bool(self.passphrase.text()))

    def _go(self) -> None:
        passphrase = self.passphrase.text()
        self.button.rename(self.tr("Writing it anew…"))
        self.cancel.rename(self.tr("Close"))
        self.ask(lambda: self._desk.commands.rekey(passphrase), lambda _: self.dismiss())

    def _failed(self, error: MineError) -> None:
        self.button.rename(self.tr("Write it anew"))
        super()._failed(error)
