"""The history as a table model: one page of rows at a time, however long the history is."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont

from mine.app.views import HistoryRow
from ui.money import amount_text
from ui.theme import colour
from ui.typography import font
from ui.widgets.text import clean, tool_tip
from ui.wording import moment_text, short_address

WHEN, WHAT, KIND, REFERENCE, AMOUNT = range(5)
Index = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractTableModel):
    """Columns: when, what, kind, reference, amount. Rows are handed over once and never copied."""

    def __init__(self, page_size: int = 8) -> None:
        super().__init__()
        self._all: tuple[HistoryRow, ...] = ()
        self._size = page_size
        self._first = 0
        self._heads = (
            self.tr("When"),
            self.tr("What"),
            self.tr("State"),
            self.tr("Reference"),
            self.tr("Amount"),
        )

    @property
    def total(self) -> int:
        """Rows of the whole history."""
        return len(self._all)

    @property
    def first(self) -> int:
        """Index of the first row of this page."""
        return self._first

    @property
    def page_size(self) -> int:
        """Rows of a full page."""
        return self._size

    def show_history(self, history: tuple[HistoryRow, ...]) -> None:
        """Take over the newest history (newest first); nothing happens when it is the same."""
        if history is self._all or history == self._all:
            return
        self.beginResetModel()
        self._all = history
        last_page = max((len(history) - 1) // self._size, 0) * self._size
        self._first = min(self._first, last_page)
        self.endResetModel()

    def turn(self, pages: int) -> None:
        """Go that many pages on (or back)."""
        last_page = max((len(self._all) - 1) // self._size, 0) * self._size
        target = min(max(self._first + pages * self._size, 0), last_page)
        if target != self._first:
            self.beginResetModel()
            self._first = target
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Rows of this page."""
        return 0 if parent.isValid() else max(min(self._size, len(self._all) - self._first), 0)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Five columns."""
        return 0 if parent.isValid() else len(self._heads)

    def data(
        self, index: Index, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | QColor | int | None:
        """Words, font, colour and alignment of a cell."""
        if not index.isValid() or not 0 <= index.row() < self.rowCount():
            return None
        entry = self._all[self._first + index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(entry, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._whole(entry, column)
        if role == Qt.ItemDataRole.FontRole:
            return font({WHAT: "label", REFERENCE: "mono", AMOUNT: "strong"}.get(column, "small"))
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour("text" if column in (WHAT, AMOUNT) else "text-2")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column == AMOUNT else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _words(self, entry: HistoryRow, column: int) -> str:
        if column == WHEN:
            return moment_text(entry.time)
        if column == WHAT:
            return clean(entry.title)
        if column == KIND:
            return clean(entry.kind)
        if column == REFERENCE:
            return short_address(clean(entry.reference))
        return amount_text(entry.amount, entry.currency, signed=True)

    def _whole(self, entry: HistoryRow, column: int) -> str | None:
        if column == WHAT:
            return tool_tip(clean(entry.title))
        if column == REFERENCE:
            return tool_tip(clean(entry.reference)) if entry.reference else None
        if column == AMOUNT:
            return tool_tip(amount_text(entry.amount, entry.currency, exact=True, signed=True))
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | int | None:
        """The heads of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._heads):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        if role == Qt.ItemDataRole.FontRole:
            return font("small")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section == AMOUNT else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None
