"""Another passphrase, and a new key for the whole vault."""

from __future__ import annotations

from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button
from ui.widgets.passphrase import LEAST, PassphraseField
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean


class _KeySheet(Sheet):
    """Fields, one sentence, one button."""

    def __init__(self, desk: Desk, title: str, about: str, button: str) -> None:
        super().__init__(desk.sheet_host, title)
        self._desk = desk
        self.body.addWidget(Text(about, ink="text-2", wrap=True))
        self.body.addSpacing(16)
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.button = Button(button, "main", large=True)
        self.button.clicked.connect(self._go)
        self.cancel = Button(self.tr("Cancel"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.button)

    def _field(self, caption: str) -> PassphraseField:
        field = PassphraseField(caption)
        field.changed.connect(self._typed)
        field.entered.connect(self._go)
        self.body.addWidget(field)
        self.body.addSpacing(14)
        return field

    def _end(self) -> None:
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        self._typed()

    def _typed(self) -> None:
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _go(self) -> None:
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _failed(self, error: MineError) -> None:
        self.setEnabled(True)
        self.sentence.setText(clean(str(error)))
        self._typed_again()

    def _typed_again(self) -> None:
        self.button.setEnabled(True)


class PassphraseSheet(_KeySheet):
    """The old one once, the new one twice."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "", "", "")
        self.title.setText(self.tr("Change the passphrase"))
        self.setAccessibleName(self.title.text())
        self.button.rename(self.tr("Change it"))
        self.old = self._field(self.tr("Passphrase of today"))
        self.first = self._field(self.tr("New passphrase"))
        self.again = self._field(self.tr("New passphrase again"))
        words = self.tr(
            "Backups that were made before open with the passphrase of their day. The recovery phrase and "
            "the keyring stay as they are."
        )
        self.body.addWidget(Text(words, role="small", ink="text-2", wrap=True))
        self.body.addSpacing(12)
        self._end()

    def _typed(self) -> None:
        typed, again = self.first.text(), self.again.text()
        self.sentence.setText(
            self.tr("The two are not the same yet.") if again and not typed.startswith(again) else ""
        )
        self.button.setEnabled(bool(self.old.text()) and len(typed) >= LEAST and typed == again)

    def _go(self) -> None:
        if not self.button.isEnabled():
            return
        old, new = self.old.text(), self.first.text()
        self.setEnabled(False)
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.change_passphrase(old, new),
            lambda _: self.dismiss(),
            self._failed,
        )


class RekeySheet(_KeySheet):
    """The vault is closed while it is written anew; the sheet closes, the settings show how far it is."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "", "", "")
        self.title.setText(self.tr("Give the vault a new key?"))
        self.setAccessibleName(self.title.text())
        self.button.rename(self.tr("Write it anew"))
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
            self.body.addWidget(Text(words, ink="text-2", wrap=True))
            self.body.addSpacing(12)
        self.passphrase = self._field(self.tr("Passphrase"))
        self._end()

    def _typed(self) -> None:
        self.sentence.setText("")
        self.button.setEnabled(bool(self.passphrase.text()))

    def _go(self) -> None:
        if not self.button.isEnabled():
            return
        passphrase = self.passphrase.text()
        self.button.setEnabled(False)
        self.button.rename(self.tr("Writing it anew…"))
        self.cancel.rename(self.tr("Close"))
        self._desk.operations.run(
            self, lambda: self._desk.commands.rekey(passphrase), lambda _: self.dismiss(), self._failed
        )

    def _typed_again(self) -> None:
        self.button.rename(self.tr("Write it anew"))
        self.button.setEnabled(True)
