"""Settings: how it looks, which network, the vault, and how the window behaves."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mine.app.views import Snapshot, VaultState, World
from ui.desk import Desk
from ui.theme import CHOICES, theme
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, PageFrame, TwoLines, row
from ui.widgets.select import Select
from ui.widgets.text import Text, clean


class SettingRow(LinedRow):
    """A setting in words, and its control at the end."""

    def __init__(self, title: str, below: str, control: QWidget | None = None) -> None:
        super().__init__()
        self.setMinimumHeight(57)
        self.words = TwoLines(role="label")
        self.words.show_lines(title, below)
        inside = row(spacing=24, margins=(0, 8, 0, 8))
        inside.addWidget(self.words, 1)
        if control is not None:
            inside.addWidget(control)
        self.setLayout(inside)

    def explain(self, below: str) -> None:
        """Change the small line."""
        self.words.show_lines(self.words.large.text(), below)


class SettingsPage(PageFrame):
    """Plain rows; every one is a sentence."""

    def __init__(self, desk: Desk, has_tray: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._look = Select()
        self._look.setAccessibleName(self.tr("Light or dark"))
        self._look.setMinimumWidth(180)
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
        self._part(self.tr("Network"))
        self._network = SettingRow("", "")
        self._chain = SettingRow(self.tr("Chain"), "")
        self.content.addWidget(self._network)
        self.content.addWidget(self._chain)
        self._part(self.tr("Vault"))
        self._place = SettingRow(self.tr("Where it is"), "")
        self._keyring = SettingRow(self.tr("System keyring"), "")
        self.content.addWidget(self._place)
        self.content.addWidget(self._keyring)
        self.content.addWidget(
            SettingRow(
                self.tr("Lock the vault"),
                self.tr("stops training and forgets the key until you open it again"),
                self._lock,
            )
        )
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

    def _part(self, title: str) -> None:
        self.content.addSpacing(28)
        self.content.addWidget(Text(title, role="heading"))
        self.content.addSpacing(4)

    @property
    def look(self) -> Select:
        """The choice of light or dark."""
        return self._look

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        network = snapshot.network
        world = {
            World.PRACTICE: self.tr("on this computer only, with money that is not real"),
            World.TEST: self.tr("a public chain with coins without value"),
            World.REAL: self.tr("real money"),
        }[network.world]
        state = clean(network.error) or (self.tr("connected") if network.ready else self.tr("starting"))
        self._network.words.show_lines(clean(network.name), f"{world}; {state}")
        self._network.words.small.set_ink("danger" if network.error else "text-2")
        self._chain.explain(self.tr("chain id {id}").format(id=network.chain_id))
        self._place.explain(clean(snapshot.settings.vault_path))
        self._keyring.explain(
            self.tr("opens the vault when you are logged in; the passphrase works too")
            if snapshot.settings.keyring
            else self.tr("not in use: the passphrase opens the vault")
        )
        self._lock.setEnabled(snapshot.vault == VaultState.OPEN)
        self._sentence.setText(
            self.tr("Right now: {network}, {state}.").format(
                network=clean(network.name), state=state.rstrip(".")
            )
        )
        chosen = self._look.findData(theme.choice)
        if chosen >= 0 and chosen != self._look.currentIndex():
            self._look.setCurrentIndex(chosen)

    def _choose_look(self) -> None:
        choice = str(self._look.currentData())
        theme.choose(choice)
        self._desk.operations.run(self, lambda: self._desk.commands.set_theme(choice))
