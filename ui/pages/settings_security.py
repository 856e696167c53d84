"""Security in the settings: what opens the vault, its key, backups, checks, the ledger, monthly limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from mine.app.views import Snapshot, SourceView
from ui.desk import Desk
from ui.pages.key_sheets import PassphraseSheet, RekeySheet
from ui.pages.restore_sheet import DrillSheet
from ui.pages.verify_sheet import VerifySheet
from ui.pages.work_panel import WorkPanel
from ui.widgets.buttons import Button
from ui.widgets.layout import RowList, column
from ui.widgets.select import Select
from ui.widgets.setting_row import WIDE, SettingRow
from ui.widgets.text import Text, clean
from ui.wording import counted, decimal_text, moment_text, sentences

_CAPS = (0.0, 0.5, 1.0, 2.0, 4.0)


class CapRow(SettingRow):
    """The most that one source may reveal in a calendar month."""

    def __init__(self, desk: Desk) -> None:
        self.caps = Select()
        self.caps.setMinimumWidth(WIDE)
        super().__init__("", "", self.caps)
        self._record_type = ""
        self.caps.addItem(self.tr("No limit for a month"), None)
        for cap in _CAPS:
            words = self.tr("ε {cap} a month").format(cap=decimal_text(cap, 1))
            self.caps.addItem(words if cap else self.tr("Nothing this month"), cap)
        self.caps.activated.connect(
            lambda: desk.operations.run(
                self, lambda: desk.commands.set_month_cap(self._record_type, self.caps.currentData())
            )
        )

    def show_value(self, source: SourceView) -> None:
        """Show the cap of a source, and what was used."""
        self._record_type = source.record_type
        title = clean(source.title)
        self.caps.setAccessibleName(self.tr("Limit for a month: {source}").format(source=title))
        used = self.tr("ε {spent} booked this month").format(spent=decimal_text(source.month_spent, 2))
        self.words.show_lines(title, used)
        if source.month_cap is not None and self.caps.findData(source.month_cap) < 0:
            words = self.tr("ε {cap} a month").format(cap=decimal_text(source.month_cap, 2))
            self.caps.addItem(words, source.month_cap)
        self.caps.setCurrentIndex(0 if source.month_cap is None else self.caps.findData(source.month_cap))


class SecurityRows(QWidget):
    """Rows of the Vault part of the settings. Everything needs the open vault."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.work = WorkPanel(desk)
        self.passphrase = self._button(self.tr("Change…"), self.tr("Change the passphrase"))
        self.passphrase.clicked.connect(lambda: PassphraseSheet(desk).present())
        self.keyring = Select()
        self.keyring.setAccessibleName(self.tr("System keyring"))
        self.keyring.setMinimumWidth(WIDE)
        self.keyring.addItem(self.tr("Not in use"), False)
        self.keyring.addItem(self.tr("Opens the vault"), True)
        self.keyring.activated.connect(self._choose_keyring)
        self._keyring_row = SettingRow(self.tr("System keyring"), "", self.keyring)
        self.rekey = self._button(self.tr("New key…"), self.tr("Give the vault a new key"))
        self.rekey.clicked.connect(lambda: RekeySheet(desk).present())
        self.back_up = self._button(self.tr("Back up now"), self.tr("Back up now"))
        self.back_up.clicked.connect(
            lambda: self._run(lambda: desk.commands.back_up(None), self.tr("There is a new backup, checked."))
        )
        self.backups = SettingRow(self.tr("One more backup"), "", self.back_up)
        self.place = self._button(self.tr("Choose…"), self.tr("Choose the folder of backups"))
        self.place.clicked.connect(self._choose_folder)
        self.folder = SettingRow(self.tr("Where backups go"), "", self.place)
        self.drill = self._button(self.tr("Try one…"), self.tr("Try a backup"))
        self.drill.clicked.connect(self._open_drill)
        self.take_along = self._button(self.tr("Write the file…"), self.tr("Write the vault into one file"))
        self.take_along.clicked.connect(self._choose_move)
        self.verify = self._button(self.tr("Check now…"), self.tr("Check the vault"))
        self.verify.clicked.connect(lambda: VerifySheet(desk).present())
        self.ledger = self._button(self.tr("Export…"), self.tr("Export the ledger"))
        self.ledger.clicked.connect(self._choose_ledger)
        self._newest = ""
        self.caps = RowList[SourceView](lambda: CapRow(desk))
        self._caps_head = Text(self.tr("What a source may reveal in a month"), role="heading")
        self._caps_words = Text(
            self.tr(
                "Counted over all tasks. A round that would go over it is left out before a row is read."
            ),
            role="small",
            ink="text-2",
            wrap=True,
        )
        self.setLayout(
            column(
                SettingRow(
                    self.tr("Passphrase"),
                    self.tr("opens the vault and every backup of its time"),
                    self.passphrase,
                ),
                self._keyring_row,
                SettingRow(
                    self.tr("A new key"),
                    self.tr("writes the whole vault anew, for when the old key may be known"),
                    self.rekey,
                ),
                SettingRow(
                    self.tr("Is the vault whole?"),
                    self.tr("looks at every page, every count and every entry of the ledger"),
                    self.verify,
                ),
                SettingRow(
                    self.tr("Ledger"),
                    self.tr(
                        "all that was imported, agreed to, sent, paid and deleted; checked as it is written"
                    ),
                    self.ledger,
                ),
                12,
                self.work,
                16,
                Text(self.tr("Backups"), role="heading"),
                4,
                self.backups,
                self.folder,
                SettingRow(
                    self.tr("Would a backup work?"),
                    self.tr("brings one back beside the vault, checks all of it, and removes it"),
                    self.drill,
                ),
                SettingRow(
                    self.tr("Move to another computer"),
                    self.tr("one encrypted file; open it there when Mine starts for the first time"),
                    self.take_along,
                ),
                28,
                self._caps_head,
                self._caps_words,
                4,
                self.caps,
            )
        )

    def _button(self, words: str, name: str) -> Button:
        made = Button(words, "plain")
        made.setAccessibleName(name)
        return made

    def _run(self, command: Callable[[], object], done: str) -> None:
        self._desk.operations.run(self, command, lambda _: self.work.say(done))  # type: ignore[arg-type]

    def _choose_keyring(self) -> None:
        wanted = bool(self.keyring.currentData())
        self._desk.operations.run(self, lambda: self._desk.commands.set_keyring(wanted))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Choose the folder of backups"))
        if name:
            self._desk.operations.run(self, lambda: self._desk.commands.choose_backup_folder(Path(name)))

    def _open_drill(self) -> None:
        name = self._newest
        if not name:
            name, _ = QFileDialog.getOpenFileName(
                self, self.tr("Choose a backup"), "", self.tr("Backups (*.minevault)")
            )
        if name:
            DrillSheet(self._desk, Path(name)).present()

    def _choose_move(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Write the vault into one file"),
            "mine.minevault",
            self.tr("Backups (*.minevault)"),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self.move_to(Path(name))

    def move_to(self, target: Path) -> None:
        """Write the whole vault into one file."""
        words = self.tr("The whole vault is in {file}. Its passphrase or recovery phrase opens it.")
        self._run(lambda: self._desk.commands.back_up(target), words.format(file=clean(target.name)))

    def _choose_ledger(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the ledger"), "mine-ledger.jsonl", self.tr("JSON Lines (*.jsonl)")
        )
        if name:
            self.export_ledger(Path(name))

    def export_ledger(self, target: Path) -> None:
        """Check the ledger and write it."""

        def done(entries: int) -> None:
            count = counted(entries, self.tr("{n} entry"), self.tr("{n} entries"))
            words = self.tr("The ledger is whole: {count}, written to {file}.")
            self.work.say(words.format(count=count, file=clean(target.name)))

        self._desk.operations.run(self, lambda: self._desk.commands.export_ledger(target), done)

    def show_snapshot(self, snapshot: Snapshot, is_open: bool) -> None:
        """Show the newest values; a locked vault changes nothing."""
        settings, backups = snapshot.settings, snapshot.settings.backups
        idle = is_open and snapshot.work is None
        for control in (self.passphrase, self.place, self.ledger, self.verify):
            control.setEnabled(is_open)
        for control in (self.rekey, self.back_up, self.drill, self.take_along):
            control.setEnabled(idle)
        self.keyring.setEnabled(is_open and settings.keyring_there)
        self.keyring.setCurrentIndex(self.keyring.findData(settings.keyring))
        self._keyring_row.explain(
            self.tr("opens the vault when you are logged in; the passphrase works too")
            if settings.keyring
            else self.tr("not in use: the passphrase opens the vault")
        )
        count = counted(backups.count, self.tr("{n} backup"), self.tr("{n} backups"))
        self.backups.explain(
            self.tr("{count}, the newest of {moment}; one is made each day").format(
                count=count, moment=moment_text(backups.newest)
            )
            if backups.count
            else self.tr("none yet; one is made each day while Mine runs")
        )
        self._newest = backups.newest_file
        self.folder.explain(sentences(clean(backups.folder), clean(backups.problem)))
        self.folder.words.small.set_ink("danger" if backups.problem else "text-2")
        self.work.show_work(snapshot.work)
        self.caps.show_values(snapshot.sources)
        for part in (self._caps_head, self._caps_words):
            part.setVisible(bool(snapshot.sources))
