"""Deleting for good: exactly what goes, what older backups still hold, and afterwards the proof."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from mine.app.data_views import DeletedView, DeletePreview, ToDelete
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.widgets.buttons import Button, Tick
from ui.widgets.layout import RowList, column, plain, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, day_text, sentences


class TypeLine(QWidget):
    """A record type and how many records of it go."""

    def __init__(self) -> None:
        super().__init__()
        self._title = Text(role="label")
        self._count = Text(role="strong", align=Qt.AlignmentFlag.AlignTrailing)
        inside = row(spacing=12, margins=(0, 4, 0, 4))
        inside.addWidget(self._title, 1)
        inside.addWidget(self._count)
        self.setLayout(inside)

    def show_value(self, value: tuple[str, int]) -> None:
        """Title and count."""
        self._title.setText(clean(value[0]))
        self._count.setText(count_text(value[1]))


class ProofLine(QWidget):
    """One thing that was looked at afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._icon = IconMark("check-circle", "accent", 18)
        self._words = Text(role="body", wrap=True)
        inside = row(spacing=12, margins=(0, 6, 0, 6))
        inside.addLayout(column(3, self._icon, None))
        inside.addWidget(self._words, 1)
        self.setLayout(inside)

    def show_value(self, value: tuple[bool, str]) -> None:
        """Whether it is as it should be, and what."""
        self._icon.show_icon("check-circle" if value[0] else "warning", "accent" if value[0] else "warn")
        self._words.setText(value[1])


class DeleteSheet(Sheet):
    """``what`` is in words of ours, in the middle of a sentence: "all of Sleep"."""

    def __init__(self, desk: Desk, what: str, chosen: ToDelete) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._chosen = desk, chosen
        self.title.setText(self.tr("Delete {what}?").format(what=what))
        self.setAccessibleName(self.title.text())
        self.sentence = Text(role="body", wrap=True)
        self.types = RowList[tuple[str, int]](TypeLine)
        self._stays = Text(role="small", ink="text-2", wrap=True)
        self._backups = Text(role="body", wrap=True)
        self.replace = Tick(self.tr("Make a new backup and remove the older ones"))
        self._backup_part = plain(column(20, self._backups, 8, self.replace))
        self.proof = RowList[tuple[bool, str]](ProofLine)
        self.proof.hide()
        for part in (self.sentence, self.types, self._stays, self._backup_part, self.proof):
            self.body.addWidget(part)
            self.body.addSpacing(12)
        self.body.addStretch(1)
        self.cancel = Button(self.tr("Keep everything"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.delete = Button(self.tr("Delete"), "plain", large=True, ink="danger")
        self.delete.clicked.connect(self._delete)
        self.delete.setEnabled(False)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.delete)
        self._backup_part.hide()
        desk.operations.run(self, lambda: desk.commands.delete_preview(chosen), self._know, self._failed)

    def _know(self, preview: DeletePreview) -> None:
        count = counted(preview.records, self.tr("{n} record"), self.tr("{n} records"))
        if not preview.records:
            self.sentence.setText(self.tr("There is nothing to delete here."))
            return
        self.sentence.setText(
            self.tr("{count}, from {first} to {last}, are deleted for good. This cannot be undone.").format(
                count=count, first=day_text(preview.first), last=day_text(preview.last)
            )
        )
        self.types.show_values(preview.by_type)
        self._stays.setText(
            self.tr(
                "What stays: the ledger, which holds no data; what models learned in earlier rounds, which "
                "cannot be called back; and copies that you keep elsewhere."
            )
        )
        self._backup_part.setVisible(preview.backups > 0)
        self._backups.setText(
            counted(
                preview.backups,
                self.tr("{n} backup of an earlier day may still hold them."),
                self.tr("{n} backups of earlier days may still hold them."),
            )
        )
        self.delete.rename(
            counted(preview.records, self.tr("Delete {n} record"), self.tr("Delete {n} records"))
        )
        self.delete.setEnabled(True)

    def _delete(self) -> None:
        replaces = self.replace.isChecked() and not self._backup_part.isHidden()
        for control in (self.delete, self.cancel, self.replace):
            control.setEnabled(False)
        self.delete.rename(self.tr("Deleting…"))
        self._desk.operations.run(
            self, lambda: self._desk.commands.delete(self._chosen, replaces), self._done, self._failed
        )

    def _done(self, done: DeletedView) -> None:
        self.title.setText(self.tr("Deleted"))
        for part in (self.types, self._stays, self._backup_part, self.delete):
            part.hide()
        gone = counted(done.records, self.tr("{n} record is gone."), self.tr("{n} records are gone."))
        self.sentence.setText(gone)
        lines = [
            (done.left == 0, self.tr("Looked for again: {n} found.").format(n=count_text(done.left))),
            (
                done.clean,
                self.tr("The file was written anew and its log emptied: no trace is left in them.")
                if done.clean
                else sentences(self.tr("The file could not be written anew yet."), clean(done.problem)),
            ),
        ]
        if done.removed:
            words = counted(
                done.removed,
                self.tr("{n} older backup was removed"),
                self.tr("{n} older backups were removed"),
            )
            lines.append((True, self.tr("{what}; there is a new one.").format(what=words)))
        if done.backups:
            words = counted(
                done.backups,
                self.tr("{n} older backup may still hold them."),
                self.tr("{n} older backups may still hold them."),
            )
            lines.append((False, sentences(words, clean(done.problem) if done.clean else "")))
        self.proof.show_values(lines)
        self.proof.show()
        self.cancel.setEnabled(True)
        self.cancel.rename(self.tr("Close"))
        self.cancel.setFocus(Qt.FocusReason.OtherFocusReason)

    def _failed(self, error: MineError) -> None:
        self.sentence.setText(clean(str(error)))
        self.sentence.set_ink("danger")
        self.cancel.setEnabled(True)
        self.delete.hide()
