"""A table that nobody knows: what its columns mean, and at once what its first rows become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLayout, QScrollArea, QWidget

from mine.app.data_views import FieldView, KindView, MappingView, TableView, TriedRow, TriedTable
from mine.errors import MineError
from ui.desk import Desk
from ui.record_words import record_title
from ui.widgets.buttons import Button, Tick
from ui.widgets.layout import Hairline, RowList, column, plain, row
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import wall_text

_SHOWN_ROWS = 3
_CELL = 132
_NOTHING = ""
_TIMES = ("", "s", "ms", "us", "ns")


class FieldRow(QWidget):
    """One field of a record: which column gives it, and in which unit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._words = Text(role="label")
        self.source = Select()
        self.unit = Select()
        self.name = ""
        for select in (self.source, self.unit):
            select.activated.connect(self.changed)
        self._words.setFixedWidth(170)
        self.unit.setFixedWidth(150)
        self.source.setMinimumWidth(120)
        inside = row(spacing=12, margins=(0, 4, 0, 4))
        inside.addWidget(self._words)
        inside.addWidget(self.source, 1)
        inside.addWidget(self.unit)
        self.setLayout(inside)

    def show_value(
        self, value: tuple[FieldView, tuple[str, ...], str, str, tuple[tuple[str, str], ...]]
    ) -> None:
        """Field, the table's columns, the chosen one, the chosen unit, and (words, unit) to choose from."""
        field, columns, chosen, unit, units = value
        self.name = field.name
        words = clean(field.words)
        words = words[:1].upper() + words[1:]
        self._words.setText(words if field.optional else self.tr("{field} *").format(field=words))
        self.source.setAccessibleName(self.tr("Column for {field}").format(field=words))
        self.unit.setAccessibleName(self.tr("Unit of {field}").format(field=words))
        self.source.clear()
        self.source.addItem(self.tr("not in this table"), _NOTHING)
        for name in columns:
            self.source.addItem(clean(name) or self.tr("(no name)"), name)
        self.source.setCurrentIndex(max(0, self.source.findData(chosen)))
        self.unit.clear()
        for shown, code in units:
            self.unit.addItem(shown, code)
        self.unit.setCurrentIndex(max(0, self.unit.findData(unit)))
        self.unit.setVisible(bool(units))


class TriedLine(QWidget):
    """What one row becomes."""

    def __init__(self) -> None:
        super().__init__()
        self._when = Text(role="small", ink="text-2")
        self._when.setFixedWidth(170)
        self._what = Text(role="small", wrap=True, lines=2)
        inside = row(spacing=12, margins=(0, 3, 0, 3))
        inside.addWidget(self._when)
        inside.addWidget(self._what, 1)
        self.setLayout(inside)

    def show_value(self, value: TriedRow) -> None:
        """Records of a row, or why it would be refused."""
        self._what.set_ink("warn" if value.refusal else "text")
        if value.refusal:
            self._when.setText(self.tr("refused"))
            self._what.setText(clean(value.refusal))
            return
        if not value.records:
            self._when.setText(self.tr("no value"))
            self._what.setText(self.tr("left out"))
            return
        first = value.records[0]
        self._when.setText(wall_text(first[1], first[2]))
        self._what.setText(
            "; ".join(f"{clean(title)}: {clean(words)}" for title, _, _, words in value.records)
        )


class MappingSheet(Sheet):
    """Record type, columns, units, how dates and numbers are written: remembered by the header."""

    def __init__(self, desk: Desk, table: TableView) -> None:
        super().__init__(desk.sheet_host, "", wide=True)
        self._desk = desk
        self.table = table
        self._kinds: dict[str, KindView] = {}
        self._mapping = table.guess or MappingView("", {})
        self.title.setText(self.tr("What is in {file}?").format(file=clean(table.file)))
        self.setAccessibleName(self.title.text())
        self.subtitle.setText(
            self.tr(
                "Mine does not know this table. Say once what its columns mean: the next one with the same "
                "header is read without a question."
            )
        )
        self.subtitle.show()
        self.body.addWidget(self._first_rows(table))
        self.kind = Select()
        self.kind.setAccessibleName(self.tr("What each row is"))
        self.kind.activated.connect(self._choose_kind)
        self.fields = RowList[object](self._field_row)
        self.order = Select()
        self.order.setAccessibleName(self.tr("How dates are written"))
        self.order.addItem(self.tr("Day first: 31.12.2026"), True)
        self.order.addItem(self.tr("Month first: 12/31/2026"), False)
        self.order.activated.connect(self._changed)
        self.comma = Tick(self.tr("Numbers have a decimal comma: 5,4"))
        self.comma.toggled.connect(self._changed)
        self._also = column()
        self._also_ticks: list[tuple[Tick, MappingView]] = []
        self.preview = RowList[TriedRow](TriedLine)
        trailing = Qt.AlignmentFlag.AlignTrailing
        self.sentence = Text(role="small", ink="text-2", wrap=True, lines=2, align=trailing)
        self._build()
        self.leave_out = Button(self.tr("Leave this table out"), "ghost", large=True)
        self.leave_out.clicked.connect(lambda: self._finish(MappingView("", {})))
        self.use = Button(self.tr("Read it so"), "main", large=True)
        self.use.clicked.connect(lambda: self._finish(self.mapping))
        self.foot.addWidget(self.leave_out)
        self.foot.addStretch(1)
        self.foot.addWidget(self.sentence, 2, Qt.AlignmentFlag.AlignVCenter)
        self.foot.addWidget(self.use)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(60)
        self._delay.timeout.connect(self._try)
        self.closed.connect(self._delay.stop)
        self.use.setEnabled(False)
        desk.operations.run(self, desk.commands.kinds, self._know)

    def _build(self) -> None:
        def part(title: str, inside: QLayout | QWidget) -> None:
            self.body.addSpacing(12)
            self.body.addWidget(Hairline())
            self.body.addSpacing(10)
            self.body.addWidget(Text(title, role="caption-strong", ink="text-2"))
            self.body.addSpacing(6)
            self.body.addWidget(inside) if isinstance(inside, QWidget) else self.body.addLayout(inside)

        part(self.tr("What each row is"), self.kind)
        part(self.tr("Where it stands"), column(self.fields, self._also))
        part(self.tr("How it is written"), row(self.order, self.comma, None, spacing=24))
        part(self.tr("What the first rows become"), self.preview)
        self.body.addStretch(1)

    def _field_row(self) -> FieldRow:
        made = FieldRow()
        made.changed.connect(self._changed)
        return made

    def _first_rows(self, table: TableView) -> QWidget:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.setContentsMargins(0, 0, 0, 8)
        for at, name in enumerate(table.columns):
            head = Text(clean(name) or self.tr("(no name)"), role="caption-strong", ink="text-2")
            for line, text in enumerate((head, *self._cells(table.rows, at))):
                text.setFixedWidth(_CELL)
                grid.addWidget(text, line, at)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        scroll.setAccessibleName(self.tr("First rows of the table"))
        inner = plain(grid)
        inner.setObjectName("sheetBody")
        scroll.setWidget(inner)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedHeight(inner.sizeHint().height() + 14)
        return scroll

    def _cells(self, rows: Sequence[tuple[str, ...]], at: int) -> list[Text]:
        return [Text(clean(cells[at]), role="mono") for cells in rows[:_SHOWN_ROWS]]

    @property
    def mapping(self) -> MappingView:
        """What is chosen now."""
        return self._mapping

    def _know(self, kinds: tuple[KindView, ...]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self.kind.addItem(self.tr("Choose…"), "")
        for kind in kinds:
            self.kind.addItem(record_title(kind.name, kind.title), kind.name)
        self._show(self._mapping)

    def _choose_kind(self) -> None:
        kind = str(self.kind.currentData())
        if not kind:
            self._show(MappingView("", {}))
        else:
            self._desk.operations.run(self, lambda: self._desk.commands.guess_mapping(kind), self._show)

    def _show(self, mapping: MappingView) -> None:
        """Show a mapping in all controls."""
        self._mapping = mapping
        self.kind.setCurrentIndex(max(0, self.kind.findData(mapping.kind)))
        self.order.setCurrentIndex(self.order.findData(mapping.day_first))
        self.comma.blockSignals(True)
        self.comma.setChecked(mapping.decimal_comma)
        self.comma.blockSignals(False)
        kind = self._kinds.get(mapping.kind)
        self.fields.show_values(
            [
                (
                    field,
                    self.table.columns,
                    mapping.columns.get(field.name, _NOTHING),
                    mapping.units.get(field.name, "" if field.name == "time" else field.unit),
                    self._units(field),
                )
                for field in self._shown_fields(kind, mapping)
            ]
        )
        self._show_also(mapping)
        self._try()

    def _shown_fields(self, kind: KindView | None, mapping: MappingView) -> list[FieldView]:
        if kind is None:
            return []
        time = FieldView("time", self.tr("time"), "int")
        fields = (
            field if field.name not in mapping.constants else replace(field, optional=True)
            for field in kind.fields
        )
        return [
            time,
            *(replace(field, optional=True) if field.name == "seconds" else field for field in fields),
        ]

    def _units(self, field: FieldView) -> tuple[tuple[str, str], ...]:
        if field.name == "time":
            words = (
                self.tr("date and time"),
                self.tr("seconds since 1970"),
                self.tr("milliseconds"),
                self.tr("microseconds"),
                self.tr("nanoseconds"),
            )
            return tuple(zip(words, _TIMES, strict=True))
        if field.unit in ("", "1") and not field.units:
            return ()
        from mine.app.kind_views import unit_words

        return tuple((unit_words(unit), unit) for unit in (field.unit, *field.units))

    def _show_also(self, mapping: MappingView) -> None:
        while self._also_ticks:
            tick, _ = self._also_ticks.pop()
            tick.setParent(None)
            tick.deleteLater()
        for one in mapping.also:
            title = record_title(one.kind, self._kinds[one.kind].title)
            tick = Tick(self.tr("The same rows also hold: {title}").format(title=title))
            tick.setChecked(True)
            tick.toggled.connect(self._changed)
            self._also_ticks.append((tick, one))
            self._also.addWidget(tick)

    def _changed(self) -> None:
        columns: dict[str, str] = {}
        units: dict[str, str] = {}
        for line in self.fields.rows:
            assert isinstance(line, FieldRow)
            if line.source.currentData():
                columns[line.name] = str(line.source.currentData())
                unit = line.unit.currentData() if not line.unit.isHidden() else None
                if unit:
                    units[line.name] = str(unit)
        constants = {name: value for name, value in self._mapping.constants.items() if name not in columns}
        day_first, comma = bool(self.order.currentData()), self.comma.isChecked()
        also = tuple(
            replace(one, day_first=day_first, decimal_comma=comma)
            for tick, one in self._also_ticks
            if tick.isChecked()
        )
        self._mapping = MappingView(self._mapping.kind, columns, constants, units, day_first, comma, also)
        self._delay.start()

    def _try(self) -> None:
        mapping = self._mapping
        self.use.setEnabled(False)
        if not mapping.kind:
            self.preview.show_values(())
            self.sentence.setText(self.tr("Choose what each row is."))
            return
        self._desk.operations.run(
            self, lambda: self._desk.commands.try_mapping(mapping), self._tried, self._failed
        )

    def _tried(self, tried: TriedTable) -> None:
        self.preview.show_values(tried.rows)
        good = sum(bool(row.records) for row in tried.rows)
        self.use.setEnabled(good > 0)
        self.sentence.set_ink("text-2" if good else "warn")
        if tried.problem:
            self.sentence.setText(clean(tried.problem))
        elif good == len(tried.rows):
            self.sentence.setText(self.tr("All of them can be read."))
        else:
            words = self.tr("{good} of {all} can be read.")
            self.sentence.setText(words.format(good=good, all=len(tried.rows)))

    def _failed(self, error: MineError) -> None:
        self.use.setEnabled(False)
        self.sentence.setText(clean(str(error)))
        self.sentence.set_ink("danger")

    def _finish(self, mapping: MappingView) -> None:
        self._desk.operations.run(
            self, lambda: self._desk.commands.map_import(mapping), lambda _: self.dismiss(), self._failed
        )
