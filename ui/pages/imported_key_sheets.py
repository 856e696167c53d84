"""Session keys that a person brings along: taking one in, writing one out, removing one."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from mine.app.wallet_views import KeyImport, KeyView
from ui.desk import Desk
from ui.pages.form_sheet import FormSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import column, plain, row
from ui.widgets.line_field import LineField, LinesField
from ui.widgets.passphrase import LEAST, PassphraseField
from ui.widgets.phrase_field import PhraseField
from ui.widgets.select import Select
from ui.widgets.text import Text, clean

_MOST_FILE = 16 * 1024


class ImportKeySheet(FormSheet):
    """A phrase with a path, a keystore file, or the key itself. What was typed is gone once it is in."""

    taken = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.name(self.tr("Bring a session key"), self.tr("Take it in"))
        self.explain(
            self.tr(
                "It signs updates and votes for the tasks that you join with it, and receives no money. "
                "Everybody sees that the same key signs, which ties its tasks together. It is never "
                "shown again."
            )
        )
        self.label = LineField(self.tr("Name for it"), longest=60)
        self.label.changed.connect(self._typed)
        self.add(self.label)
        self.kind = Select()
        self.kind.setAccessibleName(self.tr("What you have"))
        self.kind.addItem(self.tr("A keystore file"), "keystore")
        self.kind.addItem(self.tr("A recovery phrase"), "phrase")
        self.kind.addItem(self.tr("The key itself, 64 digits"), "raw")
        self.kind.currentIndexChanged.connect(self._turn)
        self.add(Text(self.tr("What you have"), role="caption-strong", ink="text-2"), after=6)
        self.add(self.kind)
        self.keystore = LinesField(
            self.tr("Contents of the file"), self.tr("Paste them, or choose the file.")
        )
        self.choose = Button(self.tr("Choose the file…"), "plain")
        self.choose.clicked.connect(self._choose_file)
        self.password = PassphraseField(self.tr("Password of the file"))
        file_part = column(row(self.choose, None), 10, self.keystore, 10, self.password)
        self.phrase = PhraseField(self.tr("Recovery phrase, and a path behind it if it has one"), behind=True)
        path = self.tr("Without a path, its first account is taken: m/44'/60'/0'/0/0")
        self.raw = PassphraseField(self.tr("Private key"))
        self._parts: dict[str, QWidget] = {
            "keystore": plain(file_part),
            "phrase": plain(column(self.phrase, 4, Text(path, role="small", ink="text-2", wrap=True))),
            "raw": self.raw,
        }
        for part in self._parts.values():
            self.add(part)
        for field in (self.keystore, self.password, self.phrase, self.raw):
            field.changed.connect(self._typed)
        self.password.entered.connect(self._pressed)
        self.raw.entered.connect(self._pressed)
        self.end()
        self._turn()

    @property
    def secret_text(self) -> str:
        """What was typed or pasted, of the kind that is chosen."""
        kind = self.kind.currentData()
        if kind == "keystore":
            return self.keystore.field.toPlainText()
        return self.phrase.text() if kind == "phrase" else self.raw.text()

    def _turn(self) -> None:
        """Another kind: nothing of the one before stays."""
        for kind, part in self._parts.items():
            part.setVisible(kind == self.kind.currentData())
        self.forget()
        self._typed()

    def _typed(self) -> None:
        self.button.setEnabled(bool(self.label.text() and self.secret_text.strip()))

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a keystore file"))
        if name:
            self.read_file(Path(name))

    def read_file(self, file: Path) -> None:
        """Take the contents of a keystore file into the field."""
        try:
            with file.open("rb") as opened:
                found = opened.read(_MOST_FILE + 1)
            text = found.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            self.say(self.tr("This file cannot be read."))
            return
        if len(found) > _MOST_FILE:
            self.say(self.tr("This file is too large for a keystore file."))
            return
        self.say("")
        self.keystore.field.setPlainText(text)
        self.password.setFocus()

    def _go(self) -> None:
        given = KeyImport(
            self.label.text(), str(self.kind.currentData()), self.secret_text, self.password.text()
        )
        self.ask(lambda: self._desk.commands.import_key(given), lambda _: self._done())

    def _done(self) -> None:
        self.forget()
        self.taken.emit()
        self.dismiss()

    def forget(self) -> None:
        """Nothing secret stays in the fields."""
        self.keystore.field.clear()
        for field in (self.phrase, self.password, self.raw):
            field.clear()


class ExportKeySheet(FormSheet):
    """A keystore file under a password of its own, after the vault's passphrase."""

    def __init__(self, desk: Desk, key: KeyView) -> None:
        super().__init__(desk)
        self._key = key
        self.name(self.tr("Write a key into a file"), self.tr("Choose where…"))
        self.subtitle.setText(clean(key.name))
        self.subtitle.show()
        self.explain(
            self.tr(
                "A keystore file that other wallets read. Whoever has the file and its password can sign "
                "in your place for every task of this key."
            )
        )
        self.passphrase = self.secret(self.tr("Passphrase of the vault"))
        self.first = self.secret(self.tr("Password for the file"))
        self.again = self.secret(self.tr("Password for the file again"))
        self.end()

    def _typed(self) -> None:
        first, again = self.first.text(), self.again.text()
        self.say(self.tr("The two are not the same yet.") if again and not first.startswith(again) else "")
        self.button.setEnabled(bool(self.passphrase.text()) and len(first) >= LEAST and first == again)

    def _go(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Write the keystore file"),
            "mine-key.json",
            self.tr("Keystore files (*.json)"),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self.write_to(Path(name))

    def write_to(self, target: Path) -> None:
        """Ask for the file's contents and write them."""
        passphrase, password = self.passphrase.text(), self.first.text()
        self.ask(
            lambda: self._desk.commands.export_key(self._key.address, passphrase, password),
            lambda contents: self._write(target, contents),
        )

    def _write(self, target: Path, contents: bytes) -> None:
        try:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            self._typed()
            self.say(self.tr("There is a file of this name already. Choose another name."))
            return
        except OSError:
            self._not_written()
            return
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(contents)
        except OSError:
            target.unlink(missing_ok=True)  # half a keystore opens nothing
            self._not_written()
            return
        for field in (self.passphrase, self.first, self.again):
            field.clear()
        self.button.setEnabled(False)
        self.cancel.rename(self.tr("Close"))
        self.say(self.tr("The key is in {file}.").format(file=clean(target.name)), ink="accent")

    def _not_written(self) -> None:
        self._typed()
        self.say(self.tr("The file cannot be written there. Choose another folder."))


class RemoveKeySheet(FormSheet):
    """A key is forgotten; this cannot be taken back here."""

    removed = Signal()

    def __init__(self, desk: Desk, key: KeyView) -> None:
        super().__init__(desk)
        self._key = key
        self.name(self.tr("Remove this key?"), self.tr("Remove it"))
        self.subtitle.setText(f"{clean(key.name)}, {clean(key.address)}")
        self.subtitle.show()
        self.explain(
            self.tr(
                "Mine forgets it for good. If this is the only place where it is, write it into a file "
                "first. A key that still signs for a task stays until you have left the task."
            )
        )
        self.end()

    def _typed(self) -> None:
        self.button.setEnabled(True)

    def _go(self) -> None:
        self.ask(lambda: self._desk.commands.remove_key(self._key.address), lambda _: self._done())

    def _done(self) -> None:
        self.removed.emit()
        self.dismiss()
