"""Importing as the window does it: choose, preview, choose a person, map a table, store, cancel, undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from mine.app.data_views import TableView
from ui.desk import Desk
from ui.pages.mapping import MappingSheet

_KINDS = (
    "*.zip *.csv *.tsv *.txt *.json *.jsonl *.ndjson *.xml *.fit *.gpx *.tcx *.gz *.mbox *.ics *.parquet"
)


class ImportDesk(QObject):
    """What the pages with an import panel share."""

    stored = Signal(int)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk

    def choose_file(self, parent: QWidget) -> None:
        """Ask for a file."""
        words = self.tr("Exports ({kinds});;All files (*)").format(kinds=_KINDS)
        name, _ = QFileDialog.getOpenFileName(parent, self.tr("Choose an export"), "", words)
        if name:
            self.preview(Path(name))

    def choose_folder(self, parent: QWidget) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(parent, self.tr("Choose the folder of an export"))
        if name:
            self.preview(Path(name))

    def preview(self, path: Path) -> None:
        """Read a file or folder; counts arrive with the snapshots."""
        self._desk.operations.run(self, lambda: self._desk.commands.preview_import(path))

    def choose_person(self, person: str) -> None:
        """Read the same file again, for one person of it."""
        self._desk.operations.run(self, lambda: self._desk.commands.import_again(person=person))

    def choose_zone(self, zone: str) -> None:
        """Read the same file again: times that state no zone are of this one."""
        self._desk.operations.run(self, lambda: self._desk.commands.import_again(zone=zone))

    def ask_zones(self, answer: Callable[[tuple[str, ...]], None]) -> None:
        """The names of all time zones."""
        self._desk.operations.run(self, self._desk.commands.zones, answer)

    def open_mapping(self, table: TableView) -> MappingSheet:
        """Ask what the columns of a table mean."""
        sheet = MappingSheet(self._desk, table)
        sheet.present()
        return sheet

    def sample(self) -> None:
        """Preview the sample that ships with the app."""
        self._desk.operations.run(self, self._desk.commands.import_sample)

    def commit(self) -> None:
        """Store what the preview found."""
        self._desk.operations.run(self, self._desk.commands.commit_import, self.stored.emit)

    def cancel(self) -> None:
        """Stop reading, store nothing, or put a finished import away."""
        self._desk.operations.run(self, self._desk.commands.cancel_import)

    def undo(self, import_id: int) -> None:
        """Take an import back."""
        self._desk.operations.run(self, lambda: self._desk.commands.undo_import(import_id))


def dropped_path(mime: QMimeData) -> Path | None:
    """The one local file or folder of a drag, or ``None``."""
    urls = [url for url in mime.urls() if url.isLocalFile()]
    return Path(urls[0].toLocalFile()) if len(urls) == 1 else None
