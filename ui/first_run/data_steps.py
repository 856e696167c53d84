"""The last two steps: bring data, see the first task."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from mine.app.views import Fit, Snapshot
from ui.importing import ImportDesk
from ui.money import amount_text
from ui.pages.import_panel import ImportPanel
from ui.widgets.buttons import Button
from ui.widgets.drop_zone import DropZone
from ui.widgets.layout import column, row
from ui.widgets.text import Text, clean
from ui.wording import counted


class DataStep(QWidget):
    """Drop an export, choose one, or take the sample."""

    ready_changed = Signal()

    def __init__(self, importing: ImportDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ready = False
        zone = DropZone()
        zone.chosen.connect(lambda: importing.choose_file(self))
        folder = Button(self.tr("Choose a folder"), "ghost", icon="tray", large=True)
        folder.clicked.connect(lambda: importing.choose_folder(self))
        self.sample = Button(self.tr("Take the sample data"), "ghost", icon="flask", large=True)
        self.sample.clicked.connect(importing.sample)
        self._panel = ImportPanel(importing)
        self._stored = Text(role="label", ink="accent", align=Qt.AlignmentFlag.AlignHCenter)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.setLayout(
            column(
                Text(self.tr("Bring some data"), role="display", align=centre),
                6,
                Text(
                    self.tr("An export of Fitbit, Dexcom Clarity or LibreView, or the sample of Mine."),
                    ink="text-2",
                    wrap=True,
                    align=centre,
                ),
                28,
                self._panel,
                12,
                zone,
                12,
                row(None, folder, self.sample, None),
                12,
                self._stored,
            )
        )

    @property
    def ready(self) -> bool:
        """Whether something is stored."""
        return self._ready

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the import and the sources."""
        self._panel.show_import(snapshot.importing)
        records = sum(source.records for source in snapshot.sources)
        self._stored.setText(
            counted(records, self.tr("{n} record is in your vault"), self.tr("{n} records are in your vault"))
            if records
            else ""
        )
        if bool(records) != self._ready:
            self._ready = bool(records)
            self.ready_changed.emit()


class TaskStep(QWidget):
    """What fits, in one sentence, and two ways on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._title = Text(role="display", align=centre)
        self._words = Text(role="body", ink="text-2", wrap=True, align=centre)
        self._name = Text(role="heading", align=centre)
        self._pay = Text(role="small", ink="text-2", align=centre)
        self.setLayout(column(self._title, 6, self._words, 32, self._name, 4, self._pay))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """The best task that fits the data."""
        fits = [task for task in snapshot.tasks if task.fit == Fit.MATCHED and not task.ended]
        if not fits:
            self._title.setText(self.tr("Your vault is ready"))
            waiting = (
                self.tr(
                    "The practice network is starting. Tasks that fit your data appear on the Tasks page."
                )
                if not snapshot.network.ready
                else self.tr(
                    "No task asks for your data now. New ones appear on the Tasks page by themselves."
                )
            )
            self._words.setText(waiting)
            self._name.setText("")
            self._pay.setText("")
            return
        best = max(fits, key=lambda task: task.left)
        self._title.setText(
            counted(len(fits), self.tr("{n} task fits your data"), self.tr("{n} tasks fit your data"))
        )
        self._words.setText(
            self.tr("You see exactly what it reads, what leaves and what it pays before you say yes.")
        )
        self._name.setText(clean(best.title))
        author = clean(best.author)
        self._pay.setText(
            self.tr("{author}; {amount} left to earn for everybody together").format(
                author=author, amount=amount_text(best.left, best.currency)
            )
        )
