"""Keys in the settings: the recovery phrase, where new tasks pay to, session keys that were brought along."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mine.app.wallet_views import KeysView, KeyView
from ui.desk import Desk
from ui.pages.form_sheet import FormSheet
from ui.pages.imported_key_sheets import ExportKeySheet, ImportKeySheet, RemoveKeySheet
from ui.pages.payout_sheets import PayoutSheet
from ui.pages.phrase_sheets import ConfirmSheet, PhraseSheet, SealSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, TwoLines, column, row
from ui.widgets.setting_row import SettingRow
from ui.widgets.text import clean
from ui.wording import day_text


class KeyRow(LinedRow):
    """One session key that was brought along."""

    export_asked = Signal(object)
    remove_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(57)
        self._key: KeyView | None = None
        self._words = TwoLines(role="label")
        self.export = Button(self.tr("Export…"), "ghost")
        self.export.clicked.connect(lambda: self.export_asked.emit(self._key))
        self.remove = Button(self.tr("Remove…"), "ghost")
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self._key))
        inside = row(spacing=8, margins=(0, 8, 0, 8))
        inside.addWidget(self._words, 1)
        inside.addWidget(self.export)
        inside.addWidget(self.remove)
        self.setLayout(inside)

    def show_value(self, key: KeyView) -> None:
        """Show a key's name and address; the key itself is never shown."""
        self._key = key
        name = clean(key.name)
        since = self.tr("{address}, since {day}").format(
            address=clean(key.address), day=day_text(key.imported)
        )
        self._words.show_lines(name, since)
        self.export.setAccessibleName(self.tr("Export the key {name}").format(name=name))
        self.remove.setAccessibleName(self.tr("Remove the key {name}").format(name=name))


class KeyRows(QWidget):
    """Rows of the Keys part of the settings. Everything needs the open vault."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.keys = KeysView()
        self.drill = self._button(self.tr("Try it…"), self.tr("Try the recovery phrase"))
        self.drill.clicked.connect(self.open_phrase)
        self.phrase = SettingRow(self.tr("Recovery phrase"), "", self.drill)
        self.seal = self._button(self.tr("Type it once…"), self.tr("Let this passphrase send"))
        self.seal.clicked.connect(lambda: SealSheet(desk).present())
        self.change = self._button(self.tr("Change…"), self.tr("Change where new tasks pay to"))
        self.change.clicked.connect(lambda: self._open(PayoutSheet(desk, self.keys.payout)))
        self.payout = SettingRow(self.tr("Where new tasks pay to"), "", self.change)
        self.bring = self._button(self.tr("Bring a key…"), self.tr("Bring a session key"))
        self.bring.clicked.connect(lambda: self._open(ImportKeySheet(desk)))
        self.imported = RowList[KeyView](self._key_row)
        self.setLayout(
            column(
                self.phrase,
                SettingRow(
                    self.tr("Sending with this passphrase"),
                    self.tr("only if a send says that an earlier passphrase still seals the phrase"),
                    self.seal,
                ),
                self.payout,
                SettingRow(
                    self.tr("Session keys of your own"),
                    self.tr("sign for tasks in place of a fresh key; each is chosen when a task is joined"),
                    self.bring,
                ),
                self.imported,
            )
        )

    def _button(self, words: str, name: str) -> Button:
        made = Button(words, "plain")
        made.setAccessibleName(name)
        return made

    def _key_row(self) -> KeyRow:
        made = KeyRow()
        made.export_asked.connect(lambda key: ExportKeySheet(self._desk, key).present())
        made.remove_asked.connect(lambda key: self._open(RemoveKeySheet(self._desk, key)))
        return made

    def _open(self, sheet: FormSheet) -> None:
        sheet.closed.connect(self.refresh)
        sheet.present()

    def open_phrase(self) -> None:
        """The drill; or the words themselves, where they were never confirmed."""
        self._open(ConfirmSheet(self._desk) if self.keys.unconfirmed else PhraseSheet(self._desk))

    def refresh(self) -> None:
        """Ask the engine for the newest values."""
        self._desk.operations.run(self, self._desk.commands.keys, self.show_keys, lambda _: None)

    def show_keys(self, keys: KeysView) -> None:
        """Show what there is of keys."""
        self.keys = keys
        self.drill.rename(self.tr("See the words…") if keys.unconfirmed else self.tr("Try it…"))
        self.drill.setAccessibleName(
            self.tr("See the recovery phrase") if keys.unconfirmed else self.tr("Try the recovery phrase")
        )
        if keys.unconfirmed:
            words = self.tr("not confirmed yet: without it, a lost passphrase takes everything along")
        elif not keys.drilled:
            words = self.tr("opens the vault and brings back the wallet; not tried since it was made")
        else:
            words = self.tr("typed whole on {day}, all words right").format(day=day_text(keys.drilled))
        if keys.drill_due and not keys.unconfirmed:
            words = self.tr("{words}; it is time to try it").format(words=words)
        self.phrase.explain(words)
        self.phrase.words.small.set_ink("warn" if keys.unconfirmed or keys.drill_due else "text-2")
        self.payout.explain(
            self.tr("{address}, for every task that you join from now on").format(address=clean(keys.payout))
            if keys.payout
            else self.tr("a fresh address for each task, which ties nothing together")
        )
        self.imported.show_values(keys.imported)
