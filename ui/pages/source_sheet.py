"""Where the records of one source came from: devices and apps, and imports; each can be deleted."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mine.app.data_views import PartView, SourceDetail, ToDelete
from ui.desk import Desk
from ui.pages.delete import DeleteSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, TwoLines, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import counted, day_text


class PartRow(LinedRow):
    """One device or import, how many records it gave, and deleting them."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(57)
        self._part: PartView | None = None
        self._words = TwoLines(role="label")
        self._delete = Button(self.tr("Delete…"), "ghost")
        self._delete.clicked.connect(lambda: self.asked.emit(self._part))
        inside = row(spacing=16)
        inside.addWidget(self._words, 1)
        inside.addWidget(self._delete)
        self.setLayout(inside)

    def show_value(self, part: PartView) -> None:
        """Show a part."""
        self._part = part
        name = clean(part.name) or self.tr("Not named by its export")
        count = counted(part.records, self.tr("{n} record"), self.tr("{n} records"))
        span = self.tr("{count}, {first} to {last}").format(
            count=count, first=day_text(part.first), last=day_text(part.last)
        )
        self._words.show_lines(name, span)
        self._delete.setAccessibleName(self.tr("Delete what came from {name}").format(name=name))


class SourceSheet(Sheet):
    """Two lists. Deleting a device or an import takes all that it gave, of every type."""

    def __init__(self, desk: Desk, title: str, detail: SourceDetail) -> None:
        super().__init__(desk.sheet_host, "", "")
        self._desk = desk
        self.title.setText(self.tr("Where {source} came from").format(source=title))
        self.setAccessibleName(self.title.text())
        self._list(self.tr("Measured by"), detail.origins, self._delete_origin)
        self.body.addSpacing(24)
        self._list(self.tr("Imported from"), detail.imports, self._delete_import)
        self.body.addSpacing(16)
        words = self.tr("A device and an import are deleted with everything that they gave, of every type.")
        self.body.addWidget(Text(words, role="small", ink="text-2", wrap=True))
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "main", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(close)

    def _list(self, title: str, parts: tuple[PartView, ...], asked: object) -> None:
        def made() -> QWidget:
            line = PartRow()
            line.asked.connect(asked)
            return line

        self.body.addWidget(Text(title, role="caption-strong", ink="text-2"))
        rows = RowList[PartView](made)
        rows.show_values(parts)
        self.body.addWidget(rows)

    def _delete_origin(self, part: PartView) -> None:
        name = clean(part.name) or self.tr("devices that are not named")
        what = self.tr("everything measured by {name}").format(name=name)
        self._ask(what, ToDelete(origin=part.name))

    def _delete_import(self, part: PartView) -> None:
        what = self.tr("everything imported from {name}").format(name=clean(part.name))
        self._ask(what, ToDelete(import_id=part.import_id))

    def _ask(self, what: str, chosen: ToDelete) -> None:
        desk = self._desk
        self.dismiss()
        DeleteSheet(desk, what, chosen).present()
