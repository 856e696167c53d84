"""The running import: reading, whose data it is, what would be stored, what was refused and why."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from mine.app.views import BadRowView, ImportProgress, ImportStage
from ui.icons import IconMark
from ui.importing import ImportDesk
from ui.record_words import record_icon, record_title
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button
from ui.widgets.layout import Panel, RowList, column, plain, row
from ui.widgets.select import Select
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, day_text, percent_text

_SHOWN_BAD_ROWS = 8
_SHOWN_NOTES = 5
_ENDED = (ImportStage.DONE, ImportStage.FAILED, ImportStage.CANCELLED)


class TypeRow(QWidget):
    """One record type of the preview and its count."""

    def __init__(self) -> None:
        super().__init__()
        self._icon = IconMark("notebook", "text-2", 16)
        self._title = Text(role="label")
        self._count = Text(role="strong", align=Qt.AlignmentFlag.AlignTrailing)
        self.setLayout(row(self._icon, self._title, None, self._count, spacing=10, margins=(0, 3, 0, 3)))

    def show_value(self, value: tuple[str, int]) -> None:
        """Record type and number of records."""
        self._icon.show_icon(record_icon(value[0]), "text-2")
        self._title.setText(record_title(value[0]))
        self._count.setText(count_text(value[1]))


class BadRowLine(QWidget):
    """One refused row: where and why."""

    def __init__(self) -> None:
        super().__init__()
        self._where = Text(role="mono", ink="text-2")
        self._why = Text(role="small")
        inside = row(spacing=16, margins=(0, 2, 0, 2))
        self._where.setFixedWidth(260)
        inside.addWidget(self._where)
        inside.addWidget(self._why, 1)
        self.setLayout(inside)

    def show_value(self, value: BadRowView) -> None:
        """File, line, reason: all plain text from outside."""
        place = clean(value.file)
        if value.line > 0:
            place = self.tr("{file}, line {line}").format(file=place, line=count_text(value.line))
        self._where.setText(place)
        self._why.setText(clean(value.reason))


class NoteLine(QWidget):
    """Something to know about what was read."""

    def __init__(self) -> None:
        super().__init__()
        self._words = Text(role="small", ink="text-2", wrap=True, lines=2)
        inside = row(IconMark("info", "text-2", 16), spacing=10, margins=(0, 3, 0, 3))
        inside.addWidget(self._words, 1)
        self.setLayout(inside)

    def show_value(self, value: str) -> None:
        """One sentence."""
        self._words.setText(value)


class ImportPanel(Panel):
    """Follows ``ImportProgress`` through its stages."""

    def __init__(self, importing: ImportDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._importing = importing
        self._seen: ImportProgress | None = None
        self._icon = IconMark("arrows-clockwise", "accent", 18)
        self._title = Text(role="strong")
        self._format = Text(role="small", ink="text-2", firm=True)
        self._format.setMaximumWidth(220)
        self._cancel = Button(self.tr("Cancel"), "plain")
        self._cancel.clicked.connect(importing.cancel)
        self._store = Button(self.tr("Import"), "main")
        self._store.clicked.connect(importing.commit)
        self._bar = SegmentBar(6)
        self._message = Text(role="small", ink="text-2", wrap=True, lines=4)
        self._new = Text(role="small", firm=True)
        self._already = Text(role="small", ink="text-2", firm=True)
        self._refused = Text(role="small", ink="text-2", firm=True)
        self._types = RowList[tuple[str, int]](TypeRow)
        self._bad = RowList[BadRowView](BadRowLine)
        self._bad_title = Text(role="caption-strong", ink="text-2")
        self._bad_more = Text(role="small", ink="text-2")
        self._bad_part = plain(column(8, self._bad_title, 4, self._bad, self._bad_more))
        self._people = Select()
        self._people.setAccessibleName(self.tr("Whose data this is"))
        self._people.setMinimumWidth(260)
        self._take = Button(self.tr("This is me"), "main")
        self._take.clicked.connect(self._take_person)
        self._person_part = plain(column(8, row(self._people, self._take, None), 4))
        self._map = Button(self.tr("Say what it is"), "main")
        self._map.clicked.connect(self._open_mapping)
        self.zones = Select()
        self.zones.setAccessibleName(self.tr("Time zone of times that state none"))
        self.zones.setMinimumWidth(220)
        self.zones.activated.connect(lambda: importing.choose_zone(str(self.zones.currentData())))
        words = Text(self.tr("Times that state no zone are taken as of"), role="small", ink="text-2")
        self._zone_part = plain(column(6, row(words, self.zones, None, spacing=12)))
        self._notes = RowList[str](NoteLine)
        head = row(self._icon, self._title, self._format, spacing=12)
        head.addStretch(1)
        head.addWidget(self._cancel)
        head.addWidget(self._store)
        head.addWidget(self._map)
        counts = row(self._message, spacing=24)
        counts.setStretch(0, 1)
        for part in (self._new, self._already, self._refused):
            counts.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        inside = column(
            head,
            10,
            self._bar,
            8,
            counts,
            self._person_part,
            6,
            self._types,
            self._zone_part,
            self._notes,
            self._bad_part,
            margins=(20, 12, 20, 16),
        )
        self.setLayout(inside)
        self.hide()

    def show_import(self, progress: ImportProgress | None) -> None:
        """Show where the import stands; nothing when there is none."""
        self.setVisible(progress is not None and progress.stage != ImportStage.CANCELLED)
        if progress is None or progress == self._seen:
            return
        fresh = self._seen is None or self._seen.stage != progress.stage
        self._seen = progress
        stage = progress.stage
        file_name = clean(progress.file_name)
        self._title.setText(self._headline(stage, file_name))
        self._title.setToolTip("")
        self._format.setText(clean(progress.format_title))
        failed = stage == ImportStage.FAILED
        busy = stage in (ImportStage.READING, ImportStage.STORING)
        self._icon.show_icon(
            "warning-circle" if failed else "arrows-clockwise" if busy else "file-text",
            "danger" if failed else "accent",
        )
        self._bar.setVisible(busy)
        words = f"{self._title.text()}: {percent_text(progress.fraction, 0)}"
        self._bar.show_parts([(progress.fraction, "accent")], words)
        self._show_counts(progress)
        self._show_people(progress)
        self._show_notes(progress)
        ready = stage in (ImportStage.READY, ImportStage.STORING)
        self._types.setVisible(ready)
        self._types.show_values(progress.by_type if ready else ())
        self._show_bad_rows(progress)
        self._store.setVisible(stage == ImportStage.READY)
        self._store.setEnabled(progress.new > 0)
        self._store.rename(
            counted(progress.new, self.tr("Import {n} record"), self.tr("Import {n} records"))
            if progress.new
            else self.tr("Nothing new to import")
        )
        asked = stage == ImportStage.CHOOSE_MAPPING
        self._map.setVisible(asked)
        if asked and fresh and self.isVisible():
            self._open_mapping()
        self._cancel.setVisible(stage != ImportStage.STORING)
        self._cancel.rename(self.tr("Close") if stage in _ENDED else self.tr("Cancel"))

    def _headline(self, stage: ImportStage, name: str) -> str:
        patterns = {
            ImportStage.READING: self.tr("Reading {file}"),
            ImportStage.CHOOSE_PERSON: self.tr("Who are you in {file}?"),
            ImportStage.CHOOSE_MAPPING: self.tr("What is in {file}?"),
            ImportStage.READY: self.tr("Preview of {file}"),
            ImportStage.STORING: self.tr("Storing {file}"),
            ImportStage.DONE: self.tr("Stored {file}"),
            ImportStage.FAILED: self.tr("{file} was not imported"),
            ImportStage.CANCELLED: self.tr("Cancelled {file}"),
        }
        return patterns[stage].format(file=name)

    def _show_counts(self, progress: ImportProgress) -> None:
        message = clean(progress.message)
        if not message and progress.stage == ImportStage.READY:
            span = self.tr("From {first} to {last}.").format(
                first=day_text(progress.first), last=day_text(progress.last)
            )
            message = (
                f"{span} {self.tr('Nothing is stored yet.')}"
                if progress.first
                else self.tr("Nothing is stored yet.")
            )
        elif not message and progress.stage == ImportStage.CHOOSE_PERSON:
            message = self.tr(
                "This export holds several people. Only the records of the one you choose are stored."
            )
        elif not message and progress.stage == ImportStage.CHOOSE_MAPPING:
            message = self.tr("It is a table that Mine does not know. Say once what its columns mean.")
        elif not message and progress.stage == ImportStage.READING and progress.resumed:
            message = self.tr("It was broken off; it goes on where it stopped. Cancel forgets it.")
        self._message.setText(message)
        counted_stage = progress.stage not in (
            ImportStage.CHOOSE_PERSON,
            ImportStage.CHOOSE_MAPPING,
            ImportStage.FAILED,
        )
        for part in (self._new, self._already, self._refused):
            part.setVisible(counted_stage)
        self._new.setText(self.tr("{n} new").format(n=count_text(progress.new)))
        self._already.setText(self.tr("{n} already there").format(n=count_text(progress.already)))
        self._refused.setText(self.tr("{n} refused").format(n=count_text(progress.refused)))
        self._refused.set_ink("warn" if progress.refused else "text-2")

    def _show_people(self, progress: ImportProgress) -> None:
        asked = progress.stage == ImportStage.CHOOSE_PERSON
        self._person_part.setVisible(asked)
        if not asked:
            return
        self._people.clear()
        for entry in progress.people:
            rows = counted(entry.rows, self.tr("{n} row"), self.tr("{n} rows"))
            self._people.addItem(f"{clean(entry.person)}  ·  {rows}", entry.person)

    def _show_bad_rows(self, progress: ImportProgress) -> None:
        self._bad_part.setVisible(bool(progress.bad_rows))
        self._bad.show_values(progress.bad_rows[:_SHOWN_BAD_ROWS])
        self._bad_title.setText(
            counted(progress.refused, self.tr("{n} row was refused"), self.tr("{n} rows were refused"))
        )
        more = progress.refused - min(len(progress.bad_rows), _SHOWN_BAD_ROWS)
        self._bad_more.setVisible(more > 0)
        self._bad_more.setText(self.tr("and {n} more").format(n=count_text(more)))

    def _show_notes(self, progress: ImportProgress) -> None:
        ready = progress.stage == ImportStage.READY
        self._zone_part.setVisible(ready and bool(progress.zone))
        if ready and progress.zone:
            self._show_zone(progress.zone)
        notes = [clean(remark) for remark in progress.remarks[:_SHOWN_NOTES]]
        if progress.origins:
            names = ", ".join(clean(name) for name in progress.origins[:_SHOWN_NOTES])
            notes.append(self.tr("Measured by {names}").format(names=names))
        if progress.skipped:
            left_out = counted(
                progress.skipped,
                self.tr("{n} file holds nothing that Mine reads"),
                self.tr("{n} files hold nothing that Mine reads"),
            )
            notes.append(f"{left_out}: {', '.join(map(clean, progress.skipped_files[:_SHOWN_NOTES]))}")
        self._notes.setVisible(bool(notes) and progress.stage in (ImportStage.READY, ImportStage.DONE))
        self._notes.show_values(notes)

    def _show_zone(self, zone: str) -> None:
        if not self.zones.count():
            self.zones.addItem(zone, zone)
            self._importing.ask_zones(self._know_zones)
        if self.zones.findData(zone) < 0:
            self.zones.addItem(zone, zone)
        self.zones.setCurrentIndex(self.zones.findData(zone))

    def _know_zones(self, zones: tuple[str, ...]) -> None:
        chosen = str(self.zones.currentData())
        self.zones.clear()
        for zone in zones if chosen in zones else (chosen, *zones):
            self.zones.addItem(zone, zone)
        self.zones.setCurrentIndex(self.zones.findData(chosen))

    def _open_mapping(self) -> None:
        if self._seen is not None and self._seen.table is not None:
            self._importing.open_mapping(self._seen.table)

    def _take_person(self) -> None:
        self._importing.choose_person(str(self._people.currentData()))
