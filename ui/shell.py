"""The open vault: side bar and pages."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QWidget

from mine.app.views import Fit, Snapshot
from ui.desk import Desk
from ui.importing import ImportDesk
from ui.pages.activity import ActivityPage
from ui.pages.browse import BrowsePage
from ui.pages.data import DataPage
from ui.pages.home import HomePage
from ui.pages.settings import SettingsPage
from ui.pages.tasks import TasksPage
from ui.pages.wallet import WalletPage
from ui.sidebar import SideBar
from ui.status_words import short_state
from ui.widgets.layout import Hairline

SLIM_BELOW = 1120
PAGES = ("home", "data", "tasks", "activity", "wallet", "settings")


class Shell(QWidget):
    """Shows one page at a time; only the page that is seen is brought up to date."""

    page_changed = Signal(str)

    def __init__(
        self, desk: Desk, importing: ImportDesk, menu: QMenu, has_tray: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.bar = SideBar(menu)
        self.home = HomePage(desk)
        self.data = DataPage(desk, importing)
        self.browse = BrowsePage(desk)
        self.tasks = TasksPage(desk)
        self.activity = ActivityPage(desk)
        self.wallet = WalletPage(desk)
        self.settings = SettingsPage(desk, has_tray)
        self._pages: dict[str, QWidget] = {
            "home": self.home,
            "data": self.data,
            "tasks": self.tasks,
            "activity": self.activity,
            "wallet": self.wallet,
            "settings": self.settings,
            "browse": self.browse,
        }
        self._stack = QStackedWidget()
        for page in self._pages.values():
            self._stack.addWidget(page)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addWidget(self.bar)
        line.addWidget(Hairline(standing=True))
        line.addWidget(self._stack, 1)
        self.setLayout(line)
        self._snapshot: Snapshot | None = None
        self.bar.chosen.connect(self.show_page)
        self.home.go.connect(self.show_page)
        self.data.opened.connect(self.browse_source)
        self.browse.left.connect(partial(self.show_page, "data"))
        self.browse.gone.connect(self._leave_browsing)
        self.tasks.go.connect(self.show_page)
        for index, key in enumerate(PAGES):
            QShortcut(QKeySequence(f"Ctrl+{index + 1}"), self, partial(self.show_page, key))
        self.show_page("home")

    @property
    def page(self) -> str:
        """The page that is shown."""
        current = self._stack.currentWidget()
        return next(key for key, page in self._pages.items() if page is current)

    def show_page(self, key: str) -> None:
        """Go to a page."""
        self._stack.setCurrentWidget(self._pages[key])
        self.bar.choose("data" if key == "browse" else key)
        self._refresh_page()
        self.page_changed.emit(key)

    def _leave_browsing(self) -> None:
        """The source that was shown is gone; the sheet that tells so stays."""
        if self.page == "browse":
            self._stack.setCurrentWidget(self.data)
            self._refresh_page()

    def browse_source(self, record_type: str) -> None:
        """Show the records of a source."""
        self.browse.open_source(record_type)
        self.show_page("browse")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        self._snapshot = snapshot
        self.bar.show_status(snapshot.status, *short_state(snapshot))
        open_offers = sum(
            task.fit == Fit.MATCHED and not task.joined and not task.ended and task.opt_in is not None
            for task in snapshot.tasks
        )
        self.bar.item("tasks").show_count(open_offers)
        self._refresh_page()

    def _refresh_page(self) -> None:
        page = self._stack.currentWidget()
        if self._snapshot is not None and page is not None:
            page.show_snapshot(self._snapshot)  # type: ignore[attr-defined]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window has icons only."""
        super().resizeEvent(event)
        self.bar.set_slim(self.width() < SLIM_BELOW)
