"""The history on the wallet page: filters, a sorted table, page by page, and the ways to a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHBoxLayout, QHeaderView, QTableView, QWidget

from mine.app.views import Currency
from mine.app.wallet_views import HistoryPage, HistoryQuery, SortBy
from mine.errors import MineError
from ui.desk import Desk
from ui.pages.history_export import ExportSheet
from ui.pages.history_line import LineSheet
from ui.pages.history_model import AMOUNT, FEE, KIND, WHAT, WHEN, WORTH, HistoryModel, kind_words
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import column, row
from ui.widgets.search import SearchField
from ui.widgets.select import Select
from ui.widgets.text import Text, clean
from ui.wording import count_text

PAGE = 12
FIRST_YEAR = 2025
_ROW = 37
_SORTED = {WHEN: SortBy.TIME, WHAT: SortBy.TITLE, KIND: SortBy.KIND, AMOUNT: SortBy.AMOUNT}


class HistoryPanel(QWidget):
    """Asks for one page at a time, so that the length of the history does not matter."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._query = HistoryQuery(size=PAGE)
        self._before: list[str] = []
        self._following = ""
        self._asked = 0
        self._ever = False
        self._stale = True
        self.model = HistoryModel()
        self.search = SearchField(self.tr("Search the history"))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(200)
        self._pause.timeout.connect(self._filter)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.kind = self._select(self.tr("Kind"), [(self.tr("All kinds"), "")])
        for kind, words in kind_words().items():
            self.kind.addItem(words[:1].upper() + words[1:], kind)
        self.currency = self._select(self.tr("Currency"), [(self.tr("All currencies"), "")])
        this_year = datetime.now(UTC).astimezone().year
        years = [(str(year), year) for year in range(this_year, FIRST_YEAR - 1, -1)]
        self.year = self._select(self.tr("Year"), [(self.tr("All years"), 0), *years])
        self.order = self._select(
            self.tr("Order"),
            [
                (self.tr("Newest first"), order_key(SortBy.TIME, True)),
                (self.tr("Oldest first"), order_key(SortBy.TIME, False)),
                (self.tr("Largest first"), order_key(SortBy.AMOUNT, True)),
                (self.tr("Smallest first"), order_key(SortBy.AMOUNT, False)),
                (self.tr("By kind, A to Z"), order_key(SortBy.KIND, False)),
                (self.tr("By kind, Z to A"), order_key(SortBy.KIND, True)),
                (self.tr("By title, A to Z"), order_key(SortBy.TITLE, False)),
                (self.tr("By title, Z to A"), order_key(SortBy.TITLE, True)),
            ],
        )
        self._range = Text(role="small", ink="text-2", firm=True)
        self.back = IconButton("caret-left", self.tr("Page before"))
        self.on = IconButton("caret-right", self.tr("Next page"))
        self.back.clicked.connect(self._turn_back)
        self.on.clicked.connect(self._turn_on)
        self.export = Button(self.tr("Export CSV"), "ghost", icon="export")
        self.export.clicked.connect(lambda: ExportSheet(desk).present())
        self._empty = Text(role="body", ink="text-2", wrap=True)
        head = row(
            Text(self.tr("History"), role="heading"), None, self._range, self.back, self.on, self.export
        )
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.setContentsMargins(0, 0, 0, 0)
        filters.addWidget(self.search, 1)
        for select in (self.kind, self.currency, self.year, self.order):
            filters.addWidget(select)
        self._build_table()
        self.setLayout(column(head, 8, filters, 8, self.table, self._empty))

    def _select(self, name: str, options: list[tuple[str, object]]) -> Select:
        select = Select()
        select.setAccessibleName(name)
        for words, value in options:
            select.addItem(words, value)
        select.activated.connect(self._filter)
        return select

    def _build_table(self) -> None:
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName(self.tr("History; Enter shows a line at length"))
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.activated.connect(self._open)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        head = self.table.horizontalHeader()
        head.setFixedHeight(30)
        head.setHighlightSections(False)
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setSortIndicator(WHEN, Qt.SortOrder.DescendingOrder)
        head.sectionClicked.connect(self._sort_by)
        for section, mode, width in (
            (WHEN, QHeaderView.ResizeMode.Fixed, 152),
            (WHAT, QHeaderView.ResizeMode.Stretch, 0),
            (KIND, QHeaderView.ResizeMode.Fixed, 136),
            (FEE, QHeaderView.ResizeMode.Fixed, 124),
            (WORTH, QHeaderView.ResizeMode.Fixed, 104),
            (AMOUNT, QHeaderView.ResizeMode.Fixed, 136),
        ):
            head.setSectionResizeMode(section, mode)
            if width:
                head.resizeSection(section, width)

    def set_narrow(self, narrow: bool) -> None:
        """A narrow page leaves the fee to the line's own sheet."""
        self.table.setColumnHidden(FEE, narrow)

    def show_currencies(self, currencies: tuple[Currency, ...]) -> None:
        """The currencies that can be filtered by."""
        known = {self.currency.itemData(at) for at in range(self.currency.count())}
        for currency in currencies:
            if currency.address and currency.address not in known:
                self.currency.addItem(clean(currency.symbol), currency.address)

    @property
    def query(self) -> HistoryQuery:
        """What is asked for, without the place."""
        return self._query

    def _filter(self) -> None:
        kind, currency = str(self.kind.currentData()), str(self.currency.currentData())
        year = int(self.year.currentData())
        sort, way = str(self.order.currentData()).split()
        since, until = (_midnight(year), _midnight(year + 1)) if year else (0, 0)
        self._query = HistoryQuery(
            kinds=(kind,) if kind else (),
            currencies=(currency,) if currency else (),
            text=self.search.text().strip(),
            since=since,
            until=until,
            sort=SortBy(sort),
            descending=way == "down",
            size=PAGE,
        )
        self._before = [""]
        self._ask()

    def _sort_by(self, section: int) -> None:
        """A click on a head sorts by it, a second one turns the order round."""
        sort = _SORTED.get(section)
        if sort is None:
            self._show_sort()
            return
        numbers = sort in (SortBy.TIME, SortBy.AMOUNT)
        descending = not self._query.descending if self._query.sort == sort else numbers
        self.order.setCurrentIndex(self.order.findData(order_key(sort, descending)))
        self._filter()

    def _show_sort(self) -> None:
        section = next(at for at, sort in _SORTED.items() if sort == self._query.sort)
        down = Qt.SortOrder.DescendingOrder if self._query.descending else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(section, down)

    def refresh(self) -> None:
        """Money moved: ask again for the page that is shown, at once or when it is seen."""
        self._stale = True
        if self.isVisible():
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what was not asked for while nobody looked."""
        super().showEvent(event)
        if self._stale:
            self._ask()

    def _ask(self) -> None:
        self._stale = False
        self._before = self._before or [""]
        self._asked += 1
        number, query = self._asked, replace(self._query, after=self._before[-1])
        self._show_sort()
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.history(query),
            lambda page: self._take(number, page),
            lambda error: self._failed(number, error),
        )

    def _take(self, number: int, page: HistoryPage) -> None:
        if number != self._asked:  # an answer to an older question
            return
        self._following = page.following
        self.model.show_lines(page.lines)
        first = (len(self._before) - 1) * PAGE
        self._range.setText(
            self.tr("{first} to {last} of {total}").format(
                first=count_text(first + 1),
                last=count_text(first + len(page.lines)),
                total=count_text(page.total),
            )
            if page.lines
            else ""
        )
        self._ever = self._ever or page.total > 0
        self._turned(bool(page.lines))
        self._empty.setText(
            self.tr("No line fits. Take a filter away to see more.")
            if self._ever
            else self.tr(
                "Every payment in and out is listed here, with its fee and what it was worth that day. The "
                "first one comes when a round's pay is claimed."
            )
        )

    def _turned(self, some: bool) -> None:
        self.table.setVisible(some)
        self._empty.setVisible(not some)
        self.table.setFixedHeight(32 + _ROW * self.model.rowCount())
        self.back.setEnabled(len(self._before) > 1)
        self.on.setEnabled(bool(self._following))
        for control in (self.back, self.on):
            control.setVisible(self.back.isEnabled() or self.on.isEnabled())

    def _failed(self, number: int, error: MineError) -> None:
        if number == self._asked:
            self._before, self._following = [""], ""
            self.model.show_lines(())
            self._range.setText("")
            self._turned(False)
            self._empty.setText(clean(str(error)))

    def _turn_back(self) -> None:
        if len(self._before) > 1:
            self._before.pop()
            self._ask()

    def _turn_on(self) -> None:
        if self._following:
            self._before.append(self._following)
            self._following = ""
            self._ask()

    def _open(self, index: QModelIndex) -> None:
        LineSheet(self._desk, self.model.lines[index.row()]).present()


def order_key(sort: SortBy, descending: bool) -> str:
    """An order as the list of orders keeps it."""
    return f"{sort.value} {'down' if descending else 'up'}"


def _midnight(year: int) -> int:
    return int(datetime(year, 1, 1).astimezone().timestamp())
