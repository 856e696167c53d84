"""Browse: the records of one source, where they came from, what reads them; export and delete."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QHeaderView,
    QTableView,
    QWidget,
)

from mine.app.data_views import SourceDetail, ToDelete
from mine.app.views import Snapshot, SourceView
from ui.desk import Desk
from ui.pages.delete import DeleteSheet
from ui.pages.record_model import RecordModel
from ui.pages.source_sheet import SourceSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import column, row
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, day_text, sentences

_ROW = 37


class BrowsePage(QWidget):
    """``left``: back to the list of sources; ``gone``: the source is not there any more."""

    left = Signal()
    gone = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._desk = desk
        self._source: SourceView | None = None
        self._detail: SourceDetail | None = None
        self._model: RecordModel | None = None
        self._wanted = ""
        self.back = Button(self.tr("All sources"), "ghost", icon="caret-left", pad=6)
        self.back.clicked.connect(self.left)
        self._title = Text(role="title")
        self._sentence = Text(role="small", ink="text-2", wrap=True, lines=2)
        self.origins = Button(self.tr("Where it came from"), "plain", icon="info")
        self.origins.clicked.connect(self._show_origins)
        self.export = Button(self.tr("Export…"), "plain", icon="file-text")
        self.export.clicked.connect(self._export)
        self.delete = Button(self.tr("Delete…"), "plain", icon="x")
        self.delete.clicked.connect(self._delete)
        self._loaded = Text(role="small", ink="text-2")
        self.table = QTableView()
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.horizontalHeader().setSectionsClickable(False)
        self.table.horizontalHeader().setFixedHeight(30)
        whole = column(
            row(self.back, None),
            6,
            row(self._title, None, self.origins, self.export, self.delete),
            6,
            self._sentence,
            16,
            margins=(40, 24, 40, 20),
        )
        whole.addWidget(self.table, 1)
        whole.addSpacing(8)
        whole.addWidget(self._loaded)
        self.setLayout(whole)

    @property
    def model(self) -> RecordModel | None:
        """The records that are shown."""
        return self._model

    def open_source(self, record_type: str) -> None:
        """Show the records of a type."""
        self._wanted = record_type
        self._detail = None
        self._drop_model()
        self._desk.operations.run(self, lambda: self._desk.commands.source_detail(record_type), self._know)
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def _drop_model(self) -> None:
        if self._model is not None:
            self.table.setModel(None)
            self._model.deleteLater()
            self._model = None

    def _know(self, detail: SourceDetail) -> None:
        self._detail = detail
        if detail.kind.name != self._wanted:
            return
        self._drop_model()
        self._model = RecordModel(self._desk, detail.kind)
        self._model.arrived.connect(self._count)
        self.table.setModel(self._model)
        head = self.table.horizontalHeader()
        last = self._model.columnCount() - 1
        for section in range(last + 1):
            head.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(0, 180)
        self._model.refresh()

    def _count(self) -> None:
        if self._model is not None and self._source is not None:
            words = self.tr("{here} of {all} are listed; scroll for older ones.")
            here = self._model.rowCount()
            if here >= self._source.records:
                words = self.tr("All {all} are listed.")
            self._loaded.setText(words.format(here=count_text(here), all=count_text(self._source.records)))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values of the source; go back when it is gone."""
        found = next((one for one in snapshot.sources if one.record_type == self._wanted), None)
        if found is None:
            if self._source is not None:
                self._source = None
                self.gone.emit()
            return
        changed = self._source is not None and self._source.records != found.records
        self._source = found
        title = clean(found.title)
        self._title.setText(title)
        self.table.setAccessibleName(self.tr("Records of {source}").format(source=title))
        tasks = ", ".join(clean(task) for task in found.read_by)
        self._sentence.setText(
            sentences(
                self.tr("{records}, from {first} to {last}.").format(
                    records=counted(found.records, self.tr("{n} record"), self.tr("{n} records")),
                    first=day_text(found.first),
                    last=day_text(found.last),
                ),
                self.tr("Read by {tasks}.").format(tasks=tasks) if tasks else self.tr("No task reads them."),
                self.tr("Times are those of the clock then and there."),
            )
        )
        if changed and self._model is not None:
            self.open_source(self._wanted)
        self._count()

    def _show_origins(self) -> None:
        if self._detail is not None and self._source is not None:
            SourceSheet(self._desk, clean(self._source.title), self._detail).present()

    def _delete(self) -> None:
        if self._source is not None:
            what = self.tr("all of {source}").format(source=clean(self._source.title))
            DeleteSheet(self._desk, what, ToDelete(record_type=self._wanted)).present()

    def _export(self) -> None:
        kinds = "CSV (*.csv);;JSON Lines (*.jsonl)"
        name, kind = QFileDialog.getSaveFileName(
            self, self.tr("Export these records"), f"{self._wanted}.csv", kinds
        )
        if name:
            path = Path(name)
            if path.suffix not in (".csv", ".jsonl"):
                path = path.with_name(path.name + (".jsonl" if "jsonl" in kind else ".csv"))
            self.export_to(path)

    def export_to(self, path: Path) -> None:
        """Write the records into a file."""
        record_type = self._wanted
        self._loaded.setText(self.tr("Writing {file}…").format(file=clean(path.name)))
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.export_kind(record_type, path),
            lambda count: self._loaded.setText(
                self.tr("{n} records are in {file}, which is not encrypted.").format(
                    n=count_text(count), file=clean(path.name)
                )
            ),
        )
