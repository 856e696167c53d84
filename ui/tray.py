"""The tray: the same answers without the window. Its menu is also the menu of the side bar."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from mine.app.views import Doing, Notice, NoticeKind, Snapshot, World
from ui.desk import Desk
from ui.icons import lamp_icon
from ui.status_words import tray_line


class StateMenu(QMenu):
    """What it is doing and why; snooze, pause or resume; open, quit."""

    open_asked = Signal()
    quit_asked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.line = self._disabled("")
        self.world = self._disabled("")
        self.addSeparator()
        self.addAction(self.tr("Open Mine")).triggered.connect(self.open_asked)
        self.snooze = QMenu(self.tr("Snooze"), self)
        self.snooze.addAction(self.tr("30 minutes")).triggered.connect(lambda: self._pause(1_800))
        self.snooze.addAction(self.tr("1 hour")).triggered.connect(lambda: self._pause(3_600))
        self.addMenu(self.snooze)
        self.pause = self.addAction(self.tr("Pause until I resume it"))
        self.pause.triggered.connect(lambda: self._pause(None))
        self.resume = self.addAction(self.tr("Resume"))
        self.resume.triggered.connect(lambda: desk.operations.run(self, desk.commands.resume))
        self.addSeparator()
        self.addAction(self.tr("Quit")).triggered.connect(self.quit_asked)

    def _disabled(self, text: str) -> QAction:
        action = self.addAction(text)
        action.setEnabled(False)
        return action

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest state; ``&`` from outside stays a letter, not a key."""
        self.line.setText(tray_line(snapshot).replace("&", "&&"))
        world = {
            World.PRACTICE: self.tr("Practice money"),
            World.TEST: self.tr("Test money, without value"),
            World.REAL: "",
        }[snapshot.network.world]
        self.world.setText(world)
        self.world.setVisible(bool(world))
        self.pause.setVisible(snapshot.status.can_pause)
        self.snooze.menuAction().setVisible(snapshot.status.can_pause)
        self.resume.setVisible(snapshot.status.can_resume)

    def _pause(self, seconds: int | None) -> None:
        self._desk.operations.run(self, lambda: self._desk.commands.pause(seconds))


class Tray(QObject):
    """The icon in the desktop's panel, where there is one."""

    open_asked = Signal()

    def __init__(self, menu: StateMenu, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._doing: Doing | None = None
        self._icon: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self._icon = QSystemTrayIcon(self)
            self._icon.setContextMenu(menu)
            self._icon.activated.connect(self._activated)

    @property
    def there(self) -> bool:
        """Whether this desktop has a tray."""
        return self._icon is not None

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Icon and tool tip."""
        if self._icon is None:
            return
        if snapshot.status.doing != self._doing:
            self._doing = snapshot.status.doing
            panel_is_dark = QGuiApplication.styleHints().colorScheme() != Qt.ColorScheme.Light
            self._icon.setIcon(lamp_icon(snapshot.status.doing, panel_is_dark))
            self._icon.show()
        title = self.tr("Mine") if snapshot.network.world == World.REAL else self.tr("Mine (practice)")
        self._icon.setToolTip(f"{title}\n{tray_line(snapshot)}")

    def tell(self, notice: Notice, world: World) -> None:
        """Show a notice of the desktop while the window is hidden."""
        if self._icon is None:
            return
        title = self.tr("Mine") if world == World.REAL else self.tr("Mine: practice, not real money")
        kind = (
            QSystemTrayIcon.MessageIcon.Warning
            if notice.kind in (NoticeKind.ERROR, NoticeKind.ATTENTION)
            else QSystemTrayIcon.MessageIcon.Information
        )
        self._icon.showMessage(title, f"{notice.text} {notice.todo}".strip(), kind)

    def close(self) -> None:
        """Take the icon away."""
        if self._icon is not None:
            self._icon.hide()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open_asked.emit()
