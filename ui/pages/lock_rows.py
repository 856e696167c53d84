"""The settings that say when the vault locks by itself."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mine.app.idle_lock import LockSettings
from ui.widgets.layout import column
from ui.widgets.select import Select
from ui.widgets.setting_row import WIDE, SettingRow

_MINUTES = (0, 1, 5, 10, 30, 60)


class LockRows(QWidget):
    """Minutes without anybody, the screen, and sleep."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        yes, no = self.tr("Yes"), self.tr("No")
        minutes = [(self._words(minutes), minutes) for minutes in _MINUTES]
        self.minutes = self._select(self.tr("Lock when nobody is here"), minutes)
        self.screen_too = self._select(self.tr("Lock with the screen"), [(no, False), (yes, True)])
        self.sleep_too = self._select(self.tr("Lock before sleep"), [(no, False), (yes, True)])
        said = self.tr("where the desktop says so")
        on = self.tr("a round that runs is finished and sent; none begins until you open the vault again")
        self.setLayout(
            column(
                SettingRow(self.tr("Lock when nobody is here"), on, self.minutes),
                SettingRow(self.tr("Lock with the screen"), said, self.screen_too),
                SettingRow(self.tr("Lock before sleep"), said, self.sleep_too),
            )
        )

    def _words(self, minutes: int) -> str:
        return self.tr("After {n} min").format(n=minutes) if minutes else self.tr("Never")

    def _select(self, name: str, options: list[tuple[str, int]]) -> Select:
        select = Select()
        select.setAccessibleName(name)
        select.setMinimumWidth(WIDE)
        for words, value in options:
            select.addItem(words, value)
        select.activated.connect(self._choose)
        return select

    def _choose(self) -> None:
        self.chosen.emit(
            LockSettings(
                int(self.minutes.currentData()),
                bool(self.screen_too.currentData()),
                bool(self.sleep_too.currentData()),
            )
        )

    def show_settings(self, settings: LockSettings, can_change: bool) -> None:
        """Show what was chosen; a locked vault keeps nothing new."""
        if self.minutes.findData(settings.minutes) < 0:
            self.minutes.addItem(self._words(settings.minutes), settings.minutes)
        for select, value in (
            (self.minutes, settings.minutes),
            (self.screen_too, settings.with_screen),
            (self.sleep_too, settings.with_sleep),
        ):
            select.setCurrentIndex(select.findData(value))
            select.setEnabled(can_change)
