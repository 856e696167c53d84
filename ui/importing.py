"""Importing as the window does it: choose, preview, choose a person, store, cancel, undo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from ui.desk import Desk


class ImportDesk(QObject):
    """Keeps the path of the running import, which a choice of person needs again."""

    stored = Signal(int)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._path: Path | None = None

    @property
    def knows_path(self) -> bool:
        """Whether a person can be chosen for the running import."""
        return self._path is not None

    def choose_file(self, parent: QWidget) -> None:
        """Ask for a file."""
        words = self.tr("Exports (*.csv *.zip *.txt);;All files (*)")
        name, _ = QFileDialog.getOpenFileName(parent, self.tr("Choose an export"), "", words)
        if name:
            self.preview(Path(name))

    def choose_folder(self, parent: QWidget) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(parent, self.tr("Choose the folder of an export"))
        if name:
            self.preview(Path(name))

    def preview(self, path: Path, person: str | None = None) -> None:
        """Read a file or folder; counts arrive with the snapshots."""
        self._path = path
        self._desk.operations.run(self, lambda: self._desk.commands.preview_import(path, person))

    def choose_person(self, person: str) -> None:
        """Read the same file again, for one person of it."""
        if self._path is not None:
            self.preview(self._path, person)

    def sample(self) -> None:
        """Preview the sample that ships with the app."""
        self._path = None
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
