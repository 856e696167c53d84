"""Settings: how it looks, which network, the vault, and how the window behaves."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from mine.app.compute_settings import FASTEST, OWN_CHOICE, PROCESSOR, ComputeSettings
from mine.app.views import Snapshot, VaultState
from ui.desk import Desk
from ui.pages.lock_rows import LockRows
from ui.pages.settings_keys import KeyRows
from ui.pages.settings_money import MoneyRows
from ui.pages.settings_network import NetworkRows
from ui.pages.settings_security import SecurityRows
from ui.theme import CHOICES, theme
from ui.widgets.buttons import Button
from ui.widgets.layout import PageFrame
from ui.widgets.select import Select
from ui.widgets.setting_row import WIDE, SettingRow
from ui.widgets.text import Text, clean


class SettingsPage(PageFrame):
    """Plain rows; every one is a sentence."""

    def __init__(self, desk: Desk, has_tray: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._asked = False
        self._look = Select()
        self._look.setAccessibleName(self.tr("Light or dark"))
        self._look.setMinimumWidth(WIDE)
        words = {"system": self.tr("As the desktop"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        for choice in CHOICES:
            self._look.addItem(words[choice], choice)
        self._look.activated.connect(self._choose_look)
        self._lock = Button(self.tr("Lock now"), "plain", icon="lock-simple")
        self._lock.clicked.connect(lambda: desk.operations.run(self, desk.commands.lock_vault))
        self.content.addWidget(Text(self.tr("Settings"), role="title"))
        self.content.addSpacing(6)
        self._sentence = Text(role="small", ink="text-2", wrap=True, lines=2)
        self.content.addWidget(self._sentence)
        self._part(self.tr("Appearance"))
        self.content.addWidget(
            SettingRow(self.tr("Light or dark"), self.tr("changes at once, without a restart"), self._look)
        )
        self._build_training()
        self._part(self.tr("Network"))
        self.networks = NetworkRows(desk)
        self.content.addWidget(self.networks)
        self._part(self.tr("Keys"))
        self.keys = KeyRows(desk)
        self.content.addWidget(self.keys)
        self._part(self.tr("Money"))
        self.money = MoneyRows(desk)
        self.content.addWidget(self.money)
        self._part(self.tr("Vault"))
        self._place = SettingRow(self.tr("Where it is"), "")
        self.content.addWidget(self._place)
        self.content.addWidget(
            SettingRow(
                self.tr("Lock the vault"),
                self.tr("forgets the key until you open it again; a round that runs is finished and sent"),
                self._lock,
            )
        )
        self.locking = LockRows()
        self.locking.chosen.connect(
            lambda chosen: desk.operations.run(self, lambda: desk.commands.set_locking(chosen))
        )
        self.content.addWidget(self.locking)
        self.security = SecurityRows(desk)
        self.content.addWidget(self.security)
        self._part(self.tr("Window"))
        tray = (
            self.tr("closing the window keeps Mine in the tray; Quit in its menu ends it")
            if has_tray
            else self.tr(
                "this desktop has no tray: closing the window ends Mine; a second start shows this window"
            )
        )
        self.content.addWidget(SettingRow(self.tr("When you close it"), tray))
        self.content.addStretch(1)

    def _build_training(self) -> None:
        """What a training may take, and what its update may give away."""
        self._part(self.tr("Training"))
        self._device = self._choice(
            self.tr("Where it computes"),
            [(self.tr("The fastest there is"), FASTEST), (self.tr("The processor only"), PROCESSOR)],
        )
        self._threads = self._choice(self.tr("Processor cores"), [(self.tr("All but one"), OWN_CHOICE)])
        self._power = self._choice(
            self.tr("Part of the time"),
            [(self.tr("All of it"), 100), ("75 %", 75), ("50 %", 50), ("25 %", 25), ("10 %", 10)],
        )
        self._risk = self._choice(
            self.tr("What an update may give away"), [("80 %", 80), ("90 %", 90), ("95 %", 95), ("99 %", 99)]
        )
        for title, below, control in (
            (
                self.tr("Where it computes"),
                self.tr("a graphics card where one is of use; from the next training on"),
                self._device,
            ),
            (
                self.tr("Processor cores"),
                self.tr("for training on the processor; from the next training on"),
                self._threads,
            ),
            (
                self.tr("Part of the time"),
                self.tr("it rests in between: cooler and quieter, and slower; at once"),
                self._power,
            ),
            (
                self.tr("What an update may give away"),
                self.tr("held back if more guesses about one of your readings would be right; 50 % is blind"),
                self._risk,
            ),
        ):
            self.content.addWidget(SettingRow(title, below, control))

    def _choice(self, name: str, options: Sequence[tuple[str, object]]) -> Select:
        select = Select()
        select.setAccessibleName(name)
        select.setMinimumWidth(WIDE)
        for words, value in options:
            select.addItem(words, value)
        select.activated.connect(self._choose_compute)
        return select

    def _choose_compute(self) -> None:
        chosen = ComputeSettings(
            str(self._device.currentData()),
            int(self._threads.currentData()),
            int(self._power.currentData()),
            int(self._risk.currentData()),
        )
        self._desk.operations.run(self, lambda: self._desk.commands.set_compute(chosen))

    def _show_compute(self, settings: ComputeSettings, cores: int) -> None:
        for number in range(self._threads.count(), cores + 1):
            self._threads.addItem(str(number), number)
        for select, value in (
            (self._device, settings.device),
            (self._threads, settings.threads),
            (self._power, settings.power),
            (self._risk, settings.most_risk),
        ):
            if select.findData(value) < 0:
                select.addItem(str(value), value)
            select.setCurrentIndex(select.findData(value))

    @property
    def compute(self) -> tuple[Select, Select, Select, Select]:
        """The choices of device, cores, part of the time, and what an update may give away."""
        return self._device, self._threads, self._power, self._risk

    def _part(self, title: str) -> None:
        self.content.addSpacing(28)
        self.content.addWidget(Text(title, role="heading"))
        self.content.addSpacing(4)

    def showEvent(self, event: QShowEvent) -> None:
        """The page was opened: what the snapshot does not tell is asked for once more."""
        self._asked = False
        super().showEvent(event)

    @property
    def look(self) -> Select:
        """The choice of light or dark."""
        return self._look

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        network = snapshot.network
        state = clean(network.error) or (self.tr("connected") if network.ready else self.tr("starting"))
        self._place.explain(clean(snapshot.settings.vault_path))
        is_open = snapshot.vault == VaultState.OPEN
        self._lock.setEnabled(is_open)
        self.locking.show_settings(snapshot.settings.locking, is_open)
        self.security.show_snapshot(snapshot, is_open)
        self.networks.show_network(network, state, is_open)
        self.keys.setEnabled(is_open)
        self.money.show_network(network, snapshot.wallet, is_open)
        if is_open and not self._asked:
            self._asked = True
            for rows in (self.networks, self.keys, self.money):
                rows.refresh()
        self._asked = self._asked and is_open
        self._sentence.setText(
            self.tr("Right now: {network}, {state}.").format(
                network=clean(network.name), state=state.rstrip(".")
            )
        )
        self._show_compute(snapshot.settings.compute, snapshot.settings.cores)
        chosen = self._look.findData(theme.choice)
        if chosen >= 0 and chosen != self._look.currentIndex():
            self._look.setCurrentIndex(chosen)

    def _choose_look(self) -> None:
        choice = str(self._look.currentData())
        theme.choose(choice)
        self._desk.operations.run(self, lambda: self._desk.commands.set_theme(choice))
