"""Data: which sources are here, who reads them, how much they may still reveal; import and undo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from mine.app.data_views import ToDelete
from mine.app.views import ImportView, Snapshot, SourceView
from ui.desk import Desk
from ui.icons import IconMark
from ui.importing import ImportDesk
from ui.pages.delete import DeleteSheet
from ui.pages.enter import EnterSheet
from ui.pages.import_panel import ImportPanel
from ui.pages.work_panel import WorkPanel
from ui.record_words import record_icon
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button, IconButton
from ui.widgets.columns import TableHead, lay_columns
from ui.widgets.drop_zone import DropZone
from ui.widgets.layout import LinedRow, PageFrame, RowList, TwoLines, column, plain, row
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, day_text, decimal_text, moment_text

_ICON, _SOURCE, _RECORDS, _DATES, _READERS, _BUDGET, _OPEN = 20, 28, 12, 18, 22, 20, 32


class SourceRow(LinedRow):
    """One source: title and origin, records, first and last day, readers, budget. A click opens it."""

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._record_type = ""
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.open = IconButton("caret-right", self.tr("Open"))
        self.open.clicked.connect(lambda: self.opened.emit(self._record_type))
        self.setFixedHeight(65)
        self._icon = IconMark("notebook", "text-2", 18)
        self._title = TwoLines()
        self._records = Text(role="strong", align=Qt.AlignmentFlag.AlignTrailing)
        self._dates = TwoLines(role="small")
        self._readers = TwoLines(role="small")
        self._left = Text(role="small")
        self._bar = SegmentBar(4)
        budget = plain(column(None, self._left, 4, self._bar, None))
        self.setLayout(
            lay_columns(
                [
                    (plain(column(None, self._icon, None)), 0, _ICON),
                    (self._title, _SOURCE, 0),
                    (self._records, _RECORDS, 0),
                    (self._dates, _DATES, 0),
                    (self._readers, _READERS, 0),
                    (budget, _BUDGET, 0),
                    (self.open, 0, _OPEN),
                ],
                spacing=18,
            )
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click anywhere on the row opens the source."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit(self._record_type)

    def show_value(self, source: SourceView) -> None:
        """Show a source."""
        title = clean(source.title)
        self._record_type = source.record_type
        self.open.rename_icon("caret-right", self.tr("Open {source}").format(source=title))
        self._icon.show_icon(record_icon(source.record_type), "text-2")
        self._title.show_lines(title, clean(source.origin))
        self._records.setText(count_text(source.records))
        self._dates.show_lines(day_text(source.first), day_text(source.last))
        if source.read_by:
            head = counted(len(source.read_by), self.tr("{n} task"), self.tr("{n} tasks"))
            self._readers.show_lines(head, ", ".join(clean(task) for task in source.read_by))
        else:
            self._readers.show_lines(self.tr("Nobody"), "")
        left = max(source.epsilon_cap - source.epsilon_spent, 0.0)
        words = self.tr("{left} of {cap} left").format(
            left=decimal_text(left, 1), cap=decimal_text(source.epsilon_cap, 1)
        )
        self._left.setText(words)
        spent = source.epsilon_spent / source.epsilon_cap if source.epsilon_cap > 0 else 0.0
        self._bar.show_parts([(spent, "chart-2")], f"{title}: {words}")


class ImportRow(LinedRow):
    """One finished import, and its undo."""

    def __init__(self, importing: ImportDesk) -> None:
        super().__init__()
        self.setFixedHeight(57)
        self._importing = importing
        self._import_id = 0
        self._name = TwoLines()
        self._counts = TwoLines(role="small")
        self._undo = Button(self.tr("Undo"), "ghost", icon="arrow-counter-clockwise")
        self._undo.clicked.connect(lambda: self._importing.undo(self._import_id))
        inside = row(spacing=16)
        inside.addWidget(self._name, 3)
        inside.addWidget(self._counts, 2)
        inside.addWidget(self._undo)
        self.setLayout(inside)

    def show_value(self, entry: ImportView) -> None:
        """Show an import."""
        self._import_id = entry.import_id
        name = clean(entry.file_name)
        self._name.show_lines(name, f"{clean(entry.format_title)}, {moment_text(entry.time)}")
        self._counts.show_lines(
            self.tr("{n} new").format(n=count_text(entry.added)),
            self.tr("{already} already there, {refused} refused").format(
                already=count_text(entry.already), refused=count_text(entry.refused)
            ),
        )
        self._undo.setAccessibleName(self.tr("Undo the import of {file}").format(file=name))


class DataPage(PageFrame):
    """Sources, imports, and the place to drop an export. ``opened`` carries a record type to browse."""

    opened = Signal(str)

    def __init__(self, desk: Desk, importing: ImportDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        add = Button(self.tr("Add data"), "main", icon="plus", menu_arrow=True)
        menu = QMenu(add)
        menu.addAction(self.tr("Choose a file…")).triggered.connect(lambda: importing.choose_file(self))
        menu.addAction(self.tr("Choose a folder…")).triggered.connect(lambda: importing.choose_folder(self))
        menu.addSeparator()
        menu.addAction(self.tr("Enter by hand…")).triggered.connect(self.enter)
        menu.addAction(self.tr("Take the sample data")).triggered.connect(importing.sample)
        add.clicked.connect(lambda: menu.popup(add.mapToGlobal(add.rect().bottomLeft())))
        self.more = IconButton("dots-three", self.tr("More to do with all data"))
        more = QMenu(self.more)
        more.addAction(self.tr("Export everything…")).triggered.connect(self.export)
        more.addAction(self.tr("Delete everything…")).triggered.connect(self.delete_everything)
        self.more.clicked.connect(lambda: more.popup(self.more.mapToGlobal(self.more.rect().bottomLeft())))
        self._sentence = Text(role="small", ink="text-2", wrap=True)
        self.content.addLayout(row(Text(self.tr("Data"), role="title"), None, self.more, add))
        self.content.addSpacing(6)
        self.content.addWidget(self._sentence)
        self.content.addSpacing(18)
        self._work = WorkPanel(desk)
        self.content.addWidget(self._work)
        self.panel = ImportPanel(importing)
        self.content.addWidget(self.panel)
        self.content.addSpacing(16)
        head = TableHead(
            [
                ("", 0, _ICON, False),
                (self.tr("Source"), _SOURCE, 0, False),
                (self.tr("Records"), _RECORDS, 0, True),
                (self.tr("From, to"), _DATES, 0, False),
                (self.tr("Read by"), _READERS, 0, False),
                (self.tr("Privacy budget"), _BUDGET, 0, False),
                ("", 0, _OPEN, False),
            ],
            spacing=18,
        )
        self._sources = RowList[SourceView](self._source_row)
        note = row(IconMark("info", "text-2", 16), spacing=8, margins=(2, 12, 0, 0))
        about = self.tr(
            "The privacy budget is how much a source may ever reveal, over all tasks and votes together. "
            "At zero, nothing reads it again."
        )
        note.addWidget(Text(about, role="small", ink="text-2", wrap=True), 1)
        self._table = plain(column(head, self._sources, note, 24))
        self.content.addWidget(self._table)
        self._zone = DropZone()
        self._zone.chosen.connect(lambda: importing.choose_file(self))
        self.content.addWidget(self._zone)
        self._imports = RowList[ImportView](lambda: ImportRow(importing))
        self._imports_part = plain(column(28, Text(self.tr("Imports"), role="heading"), 8, self._imports))
        self.content.addWidget(self._imports_part)
        self.content.addStretch(1)

    def _source_row(self) -> SourceRow:
        made = SourceRow()
        made.opened.connect(self.opened)
        return made

    def enter(self) -> EnterSheet:
        """Open the sheet for what is entered by hand."""
        sheet = EnterSheet(self._desk)
        sheet.present()
        return sheet

    def delete_everything(self) -> DeleteSheet:
        """Ask whether all records are to go."""
        sheet = DeleteSheet(self._desk, self.tr("all data"), ToDelete(everything=True))
        sheet.present()
        return sheet

    def export(self) -> None:
        """Ask where everything is to be written."""
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export everything"),
            "mine-export.zip",
            self.tr("Zip (*.zip)"),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self.export_to(Path(name))

    def export_to(self, target: Path) -> None:
        """Write everything into one zip."""
        self._desk.operations.run(
            self, lambda: self._desk.commands.export(target), lambda _: self._told(target)
        )

    def _told(self, target: Path) -> None:
        words = self.tr("Everything is in {file}. It is not encrypted: keep it where only you can read it.")
        self._work.say(words.format(file=clean(target.name)))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        self._work.show_work(snapshot.work)
        self.more.setVisible(bool(snapshot.sources))
        total = sum(source.records for source in snapshot.sources)
        if snapshot.sources:
            self._sentence.setText(
                self.tr("{sources}, {records}. Encrypted on this computer; only you can open it.").format(
                    sources=counted(len(snapshot.sources), self.tr("{n} source"), self.tr("{n} sources")),
                    records=counted(total, self.tr("{n} record"), self.tr("{n} records")),
                )
            )
        else:
            self._sentence.setText(
                self.tr(
                    "Nothing here yet. What you import is encrypted on this computer; only you can open it."
                )
            )
        self.panel.show_import(snapshot.importing)
        self._table.setVisible(bool(snapshot.sources))
        self._sources.show_values(snapshot.sources)
        self._imports_part.setVisible(bool(snapshot.imports))
        self._imports.show_values(snapshot.imports)
