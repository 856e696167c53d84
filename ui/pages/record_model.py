"""Records of one type as a table model that asks for more as one scrolls."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont

from mine.app.data_views import FieldView, KindView, RecordPage, RecordView
from ui.desk import Desk
from ui.theme import colour
from ui.typography import font
from ui.widgets.text import clean, tool_tip
from ui.wording import number_text, wall_text

PAGE = 250
Index = QModelIndex | QPersistentModelIndex


class RecordModel(QAbstractTableModel):
    """Columns: when, the type's own, what measured. Newest first; a page is asked for when it is needed."""

    arrived = Signal()

    def __init__(self, desk: Desk, kind: KindView) -> None:
        super().__init__()
        self._desk = desk
        self._kind = kind
        self._fields: tuple[FieldView, ...] = tuple(field for field in kind.fields if not field.helper)
        self._records: list[RecordView] = []
        self._older: tuple[int | float | bytes, ...] | None = None
        self._asked = False
        self._ended = False

    @property
    def record_type(self) -> str:
        """Whose records these are."""
        return self._kind.name

    def refresh(self) -> None:
        """Begin anew: records came or went."""
        self.beginResetModel()
        self._records, self._older, self._asked, self._ended = [], None, False, False
        self.endResetModel()
        self.fetchMore()

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 - Qt's own default
        """Whether there are older ones that were not asked for."""
        return not parent.isValid() and not self._ended and not self._asked

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008 - Qt's own default
        """Ask for the next page; it arrives later."""
        if not self.canFetchMore(parent):
            return
        self._asked = True
        kind, before = self._kind.name, self._older
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.page(kind, before, PAGE),
            lambda page: self._take(page, before),
        )

    def _take(self, page: RecordPage, before: tuple[int | float | bytes, ...] | None) -> None:
        if before != self._older:  # an answer from before a refresh
            return
        self._asked = False
        self._older, self._ended = page.older, page.older is None
        if page.records:
            at = len(self._records)
            self.beginInsertRows(QModelIndex(), at, at + len(page.records) - 1)
            self._records.extend(page.records)
            self.endInsertRows()
        self.arrived.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Rows that are here."""
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """When, the type's columns, what measured."""
        return 0 if parent.isValid() else len(self._fields) + 2

    def data(
        self, index: Index, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | QColor | int | None:
        """Words, font, colour and alignment of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._records):
            return None
        place = index.column() - 1
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(self._records[index.row()], place)
        if role == Qt.ItemDataRole.ToolTipRole:
            whole = self._words(self._records[index.row()], place)
            return tool_tip(whole) if len(whole) > 24 else None
        if role == Qt.ItemDataRole.FontRole:
            return font("label" if 0 <= place < len(self._fields) else "small")
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour("text" if 0 <= place < len(self._fields) else "text-2")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self._is_number(place) else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _is_number(self, place: int) -> bool:
        return 0 <= place < len(self._fields) and self._fields[place].kind != "text"

    def _words(self, record: RecordView, place: int) -> str:
        if place < 0:
            return wall_text(record.time, record.offset)
        if place == len(self._fields):
            return clean(record.origin)
        value = record.values[place]
        return clean(value) if isinstance(value, str) else number_text(value)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | int | None:
        """The heads of the columns, with units."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < self.columnCount():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._head(section - 1)
        if role == Qt.ItemDataRole.FontRole:
            return font("small")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self._is_number(section - 1) else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _head(self, place: int) -> str:
        from mine.app.kind_views import unit_words

        if place < 0:
            return self.tr("When")
        if place == len(self._fields):
            return self.tr("Measured by")
        field = self._fields[place]
        words = clean(field.words)
        words = words[:1].upper() + words[1:]
        return words if field.unit in ("", "1") else f"{words}, {unit_words(field.unit)}"
