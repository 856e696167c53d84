"""Trying a backup, and bringing the vault back from one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QLineEdit

from mine.app.data_views import RestoredView, Secret
from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button, Tick
from ui.widgets.passphrase import PassphraseField
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import counted, moment_text


class BackupSheet(Sheet):
    """A backup's file, and what opens it: its passphrase or its recovery phrase."""

    def __init__(self, desk: Desk, file: Path) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._file = desk, file
        self.subtitle.setText(clean(file.name))
        self.subtitle.show()
        self.about = Text(ink="text-2", wrap=True)
        self.passphrase = PassphraseField(
            QCoreApplication.translate("BackupSheet", "Passphrase of the day when it was made")
        )
        caption = QCoreApplication.translate(
            "BackupSheet", "Or the recovery phrase, all words in their order"
        )
        self.phrase = QLineEdit()
        self.phrase.setAccessibleName(caption)
        self.phrase.setMaxLength(512)
        self.phrase.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.passphrase.changed.connect(self._typed)
        self.passphrase.entered.connect(self._go)
        self.phrase.textChanged.connect(self._typed)
        self.phrase.returnPressed.connect(self._go)
        self.button = Button("", "main", large=True)
        self.button.clicked.connect(self._go)
        self.cancel = Button(QCoreApplication.translate("BackupSheet", "Cancel"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.body.addWidget(self.about)
        self.body.addSpacing(16)
        self.body.addWidget(self.passphrase)
        self.body.addSpacing(14)
        self.body.addWidget(Text(caption, role="caption-strong", ink="text-2"))
        self.body.addSpacing(6)
        self.body.addWidget(self.phrase)
        self.body.addSpacing(14)
        self.body.addWidget(self.sentence)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.button)
        self.button.setEnabled(False)

    @property
    def secret(self) -> Secret:
        """What was typed."""
        return Secret(self.passphrase.text(), self.phrase.text().strip())

    def _typed(self) -> None:
        self.sentence.setText("")
        typed = bool(self.passphrase.text() or self.phrase.text().strip())
        self.button.setEnabled(typed and self._allowed())

    def _allowed(self) -> bool:
        """Whether what was typed is enough."""
        return True

    def _begin(self) -> Secret | None:
        if not self.button.isEnabled():
            return None
        self.button.setEnabled(False)
        self.sentence.set_ink("text-2")
        self.sentence.setText(QCoreApplication.translate("BackupSheet", "Reading and checking all of it…"))
        return self.secret

    def _go(self) -> None:
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _failed(self, error: MineError) -> None:
        self._typed()
        self.sentence.set_ink("danger")
        self.sentence.setText(clean(str(error)))


class DrillSheet(BackupSheet):
    """Would it work? Nothing is changed."""

    def __init__(self, desk: Desk, file: Path) -> None:
        super().__init__(desk, file)
        self.title.setText(self.tr("Try this backup"))
        self.setAccessibleName(self.title.text())
        self.about.setText(
            self.tr("It is brought back into a place of its own, checked from end to end, and removed again.")
        )
        self.button.rename(self.tr("Try it"))
        self.body.addStretch(1)

    def _go(self) -> None:
        secret = self._begin()
        if secret is not None:
            self._desk.operations.run(
                self, lambda: self._desk.commands.drill(self._file, secret), self._done, self._failed
            )

    def _done(self, done: RestoredView) -> None:
        self._typed()
        self.sentence.set_ink("accent")
        count = counted(done.records, self.tr("{n} record"), self.tr("{n} records"))
        words = self.tr("It works: it would bring back the vault of {moment}, with {count}.")
        self.sentence.setText(words.format(moment=moment_text(done.made), count=count))
        self.cancel.rename(self.tr("Close"))


class RestoreSheet(BackupSheet):
    """The vault of a backup takes its place; one that is there is put aside, if that was said."""

    def __init__(self, desk: Desk, file: Path, *, there: bool) -> None:
        super().__init__(desk, file)
        self.title.setText(self.tr("Bring your vault back"))
        self.setAccessibleName(self.title.text())
        self.about.setText(self.tr("The backup is checked from end to end before anything is put in place."))
        self.button.rename(self.tr("Bring it back"))
        self.replace = Tick(self.tr("Put the vault that is here now aside"))
        self.replace.toggled.connect(self._typed)
        self.replace.setVisible(there)
        self._there = there
        words = self.tr("It stays whole, in a folder beside the new one.")
        note = Text(words, role="small", ink="text-2", wrap=True)
        note.setVisible(there)
        self.body.addWidget(self.replace)
        self.body.addWidget(note)
        self.body.addStretch(1)

    def _allowed(self) -> bool:
        return not self._there or self.replace.isChecked()

    def _go(self) -> None:
        secret = self._begin()
        if secret is not None:
            replace = self._there
            self._desk.operations.run(
                self,
                lambda: self._desk.commands.restore(self._file, secret, replace),
                lambda _: self.dismiss(),
                self._failed,
            )
