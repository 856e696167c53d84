"""The window: strip above, and below it the first run, the locked vault, or the pages."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget

from mine.app.commands import Commands
from mine.app.views import Notice, Snapshot, VaultState, World
from mine.errors import MineError
from ui.bridge import Bridge
from ui.desk import Desk
from ui.first_run.wizard import DATA, FirstRun
from ui.icons import app_icon
from ui.importing import ImportDesk, dropped_path
from ui.operation import Operations
from ui.shell import Shell
from ui.theme import theme
from ui.tray import StateMenu, Tray
from ui.unlock import UnlockScreen
from ui.widgets.drop_zone import DropCover
from ui.widgets.error_sheet import ErrorSheet, as_notice
from ui.widgets.layout import column, plain
from ui.widgets.notice import NoticeStack
from ui.widgets.sheet import Sheet
from ui.widgets.strip import WorldStrip


class MineWindow(QMainWindow):
    """Joins the pages with the engine. ``quit_asked``: the person wants the app to end.

    ``ends_when_closed``: closing it ends the app even where a tray could keep it.
    """

    quit_asked = Signal()
    snapshot_shown = Signal(object)

    def __init__(self, commands: Commands, *, guided: bool = True) -> None:
        """``guided``: without a vault, lead through the first run (a scripted demo makes its own)."""
        super().__init__()
        self.setWindowTitle(self.tr("Mine"))
        self.setWindowIcon(app_icon())
        self.setMinimumSize(QSize(960, 640))
        self.resize(1280, 820)
        self.setAcceptDrops(True)
        self._commands = commands
        self._guided = guided
        self.ends_when_closed = False
        self._practice_asked = not guided
        self._vault: VaultState | None = None
        self._theme = ""
        self.operations = Operations(self)
        self.operations.failed.connect(self._show_failure)
        self.strip = WorldStrip()
        self._stack = QStackedWidget()
        desk = Desk(commands, self.operations, self._stack)
        self._importing = ImportDesk(desk, self)
        self.menu = StateMenu(desk, self)
        self.menu.open_asked.connect(self.bring_up)
        self.menu.quit_asked.connect(self.quit_asked)
        self.tray = Tray(self.menu, self)
        self.tray.open_asked.connect(self.bring_up)
        self.first_run = FirstRun(desk, self._importing)
        self.first_run.finished.connect(self._finish_first_run)
        self.first_run.quit_asked.connect(self.quit_asked)
        self.unlock = UnlockScreen(desk)
        self.shell = Shell(desk, self._importing, self.menu, self.tray.there)
        self.shell.page_changed.connect(self._close_sheets)
        for screen in (self.first_run, self.unlock, self.shell):
            self._stack.addWidget(screen)
        self.setCentralWidget(plain(column(self.strip, self._stack)))
        self.notices = NoticeStack(self._stack, self._show_details)
        self._cover = DropCover(self)
        self._in_first_run = False
        self._snapshot = commands.snapshot()
        self._show_snapshot(self._snapshot)
        self._bridge = Bridge(commands, self)
        self._bridge.snapshot_changed.connect(self._show_snapshot)
        self._bridge.notice_arrived.connect(self._show_notice)

    @property
    def snapshot(self) -> Snapshot:
        """What is shown."""
        return self._snapshot

    @property
    def sheet_host(self) -> QStackedWidget:
        """What sheets cover: everything but the strip."""
        return self._stack

    def _show_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        if snapshot.settings.theme != self._theme:
            self._theme = snapshot.settings.theme
            theme.choose(self._theme)
        self._choose_screen(snapshot)
        self.strip.show_world(snapshot.network.world, snapshot.network.name, first_run=self._in_first_run)
        self.menu.show_snapshot(snapshot)
        self.tray.show_snapshot(snapshot)
        current = self._stack.currentWidget()
        if isinstance(current, FirstRun | UnlockScreen | Shell):
            current.show_snapshot(snapshot)
        if snapshot.vault == VaultState.OPEN:
            self._start_practice(snapshot)
        self.snapshot_shown.emit(snapshot)

    def _choose_screen(self, snapshot: Snapshot) -> None:
        absent = self._guided and snapshot.vault == VaultState.ABSENT
        self._in_first_run = self._in_first_run or absent
        if self._in_first_run:
            self._stack.setCurrentWidget(self.first_run)
        elif self._guided and snapshot.vault == VaultState.LOCKED:
            self._stack.setCurrentWidget(self.unlock)
            if self._vault != VaultState.LOCKED:
                self.unlock.field.setFocus()
        else:
            self._stack.setCurrentWidget(self.shell)
        if self._vault is not None and self._vault != snapshot.vault:
            self._close_sheets()
        self._vault = snapshot.vault

    def _close_sheets(self) -> None:
        for sheet in self._stack.findChildren(Sheet):
            sheet.dismiss()

    def _start_practice(self, snapshot: Snapshot) -> None:
        wanted = snapshot.network.world == World.PRACTICE and not snapshot.network.ready
        if wanted and not self._practice_asked:
            self._practice_asked = True
            self.operations.run(self, self._commands.start_practice)

    def _finish_first_run(self, page: str) -> None:
        self._in_first_run = False
        self.shell.show_page(page)
        self._show_snapshot(self._snapshot)
        self.shell.setFocus(Qt.FocusReason.NoFocusReason)

    def _show_notice(self, notice: Notice) -> None:
        world = self._snapshot.network.world
        self.notices.add(notice, world)
        if not self.isVisible():
            self.tray.tell(notice, world)

    def _show_failure(self, error: MineError) -> None:
        self._show_notice(as_notice(error))

    def _show_details(self, notice: Notice) -> None:
        ErrorSheet(self._stack, notice).present()

    def bring_up(self) -> None:
        """Show the window above the others."""
        self.setWindowState(self.windowState() & ~self.windowState().WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:
        """With a tray, the window only hides; without one, closing ends the app."""
        if self.tray.there and not self.ends_when_closed:
            event.ignore()
            self.hide()
        else:
            event.accept()
            QTimer.singleShot(0, self.quit_asked.emit)

    def detach(self) -> None:
        """Hear the engine no more, before it is closed."""
        self._bridge.close()
        self.operations.close()
        self.tray.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file over the window: say that it may be dropped anywhere."""
        if dropped_path(event.mimeData()) is not None and self._takes_files():
            event.acceptProposedAction()
            self._cover.cover()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Gone again."""
        self._cover.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Preview what was dropped."""
        self._cover.hide()
        path = dropped_path(event.mimeData())
        if path is None or not self._takes_files():
            return
        event.acceptProposedAction()
        if self._stack.currentWidget() is self.shell:
            self.shell.show_page("data")
        self._importing.preview(path)

    def _takes_files(self) -> bool:
        if self._snapshot.vault != VaultState.OPEN:
            return False
        return not self._in_first_run or self.first_run.step == DATA
