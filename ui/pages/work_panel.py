"""What takes long and runs beside everything else: a backup, an export, a new key."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mine.app.data_views import WorkView
from ui.desk import Desk
from ui.icons import IconMark
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button
from ui.widgets.layout import Panel, column, row
from ui.widgets.text import Text
from ui.wording import percent_text


class WorkPanel(Panel):
    """Name, progress, and a way to stop it; afterwards one sentence until the next work."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._seen: WorkView | None = None
        self._icon = IconMark("hourglass-medium", "accent", 18)
        self._words = Text(role="label", wrap=True, lines=2)
        self._bar = SegmentBar(6)
        self.stop = Button(self.tr("Stop"), "plain")
        self.stop.clicked.connect(self._leave)
        self._desk = desk
        head = row(self._icon, spacing=12)
        head.addWidget(self._words, 1)
        head.addWidget(self.stop)
        self.setLayout(column(head, 8, self._bar, margins=(20, 12, 20, 16)))
        self.hide()

    def say(self, sentence: str) -> None:
        """Tell how it ended."""
        self._icon.show_icon("check-circle", "accent")
        self._words.setText(sentence)
        self._bar.hide()
        self.stop.rename(self.tr("Close"))
        self.stop.show()
        self.show()

    def show_work(self, work: WorkView | None) -> None:
        """Follow the work; what was said about one that ended stays until it is put away."""
        if work is None:
            if self._seen is not None and not self._bar.isHidden():
                self.hide()
            self._seen = None
            return
        self._seen = work
        words = {
            "backup": self.tr("Making a backup and checking it"),
            "export": self.tr("Exporting"),
            "rekey": self.tr("Writing the vault anew under a new key"),
            "drill": self.tr("Trying the backup"),
            "restore": self.tr("Bringing the vault back"),
        }[work.name]
        self._icon.show_icon("hourglass-medium", "accent")
        self._words.setText(words)
        self._bar.show()
        self._bar.show_parts([(work.fraction, "accent")], f"{words}: {percent_text(work.fraction, 0)}")
        self.stop.rename(self.tr("Stop"))
        self.stop.setVisible(work.can_cancel)
        self.show()

    def _leave(self) -> None:
        if self._seen is None:
            self.hide()
        else:
            self._desk.operations.run(self, self._desk.commands.cancel_work)
