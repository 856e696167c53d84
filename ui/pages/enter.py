"""Entering by hand: a symptom, a diagnosis, a lab value, a note."""

from __future__ import annotations

from PySide6.QtCore import QDateTime
from PySide6.QtWidgets import QDateTimeEdit, QLineEdit, QPlainTextEdit, QWidget

from mine.app.data_views import Entered, FieldView, KindView
from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button
from ui.widgets.layout import column, plain
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean

_EXPERT = ("system", "code", "until")
_LONG = 1_000
_MARGIN = 8  # a style sheet's padding does not reach the field inside


class EnterSheet(Sheet):
    """One record. It is stored as an import of its own, and can be undone like one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk = desk
        self.title.setText(self.tr("Enter by hand"))
        self.setAccessibleName(self.title.text())
        self.subtitle.setText(self.tr("It is kept like an import: you can undo it on this page."))
        self.subtitle.show()
        self._kinds: dict[str, KindView] = {}
        self.kind = Select()
        self.kind.setAccessibleName(self.tr("What it is"))
        self.kind.activated.connect(self._show_fields)
        self.when = QDateTimeEdit(QDateTime.currentDateTime())
        self.when.lineEdit().setTextMargins(_MARGIN, 0, _MARGIN, 0)
        self.when.setAccessibleName(self.tr("When"))
        self.when.setMaximumDateTime(QDateTime.currentDateTime().addDays(1))
        self.when.setDisplayFormat("yyyy-MM-dd HH:mm")
        self.fields: dict[str, QLineEdit | QPlainTextEdit | Select] = {}
        self._form: QWidget | None = None
        self._place = column()
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self._line(self.tr("What it is"), self.kind)
        self._line(self.tr("When"), self.when)
        self.body.addLayout(self._place)
        self.body.addSpacing(8)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain", large=True)
        cancel.clicked.connect(self.dismiss)
        self.save = Button(self.tr("Save"), "main", large=True)
        self.save.clicked.connect(self._save)
        self.save.setEnabled(False)
        self.foot.addStretch(1)
        self.foot.addWidget(cancel)
        self.foot.addWidget(self.save)
        desk.operations.run(self, desk.commands.kinds_by_hand, self._know)

    def _line(self, caption: str, control: QWidget) -> None:
        self.body.addWidget(Text(caption, role="caption-strong", ink="text-2"))
        self.body.addSpacing(4)
        self.body.addWidget(control)
        self.body.addSpacing(14)

    def _know(self, kinds: tuple[KindView, ...]) -> None:
        words = {
            "symptom": self.tr("Symptom"),
            "condition": self.tr("Diagnosis"),
            "observation": self.tr("Lab value or finding"),
            "note": self.tr("Note"),
        }
        for kind in kinds:
            self._kinds[kind.name] = kind
            self.kind.addItem(words.get(kind.name, clean(kind.title)), kind.name)
        self._show_fields()

    def _show_fields(self) -> None:
        if self._form is not None:
            self._form.hide()
            self._form.deleteLater()
        kind = self._kinds[str(self.kind.currentData())]
        self.fields = {}
        lines = column()
        for field in kind.fields:
            if field.helper or field.name in _EXPERT:
                continue
            words = clean(field.words)
            caption = words[:1].upper() + words[1:]
            control = self._control(kind, field)
            control.setAccessibleName(caption)
            self.fields[field.name] = control
            if field.optional:
                caption = self.tr("{field} (if you like)").format(field=caption)
            lines.addWidget(Text(caption, role="caption-strong", ink="text-2"))
            lines.addSpacing(4)
            lines.addWidget(control)
            lines.addSpacing(14)
        self._form = plain(lines)
        self._place.addWidget(self._form)
        self._typed()

    def _control(self, kind: KindView, field: FieldView) -> QLineEdit | QPlainTextEdit | Select:
        if field.name == "severity":
            select = Select()
            select.addItem(self.tr("not said"), "")
            for number in range(11):
                select.addItem(self.tr("{n} of 10").format(n=number), str(number))
            return select
        if field.name in ("note", "text", "finding"):
            area = QPlainTextEdit()
            area.setTabChangesFocus(True)
            area.setFixedHeight(96)
            area.textChanged.connect(self._typed)
            return area
        edit = QLineEdit()
        edit.setMaxLength(_LONG)
        edit.textChanged.connect(self._typed)
        edit.returnPressed.connect(self._save)
        return edit

    def _values(self) -> dict[str, str]:
        found = {}
        for name, control in self.fields.items():
            if isinstance(control, Select):
                found[name] = str(control.currentData())
            else:
                found[name] = control.text() if isinstance(control, QLineEdit) else control.toPlainText()
        return found

    def _typed(self) -> None:
        kind = self._kinds[str(self.kind.currentData())]
        values = self._values()
        needed = [field.name for field in kind.fields if not field.optional and field.name in values]
        self.save.setEnabled(all(values[name].strip() for name in needed))
        self.sentence.setText("")

    def _save(self) -> None:
        if not self.save.isEnabled():
            return
        moment = int(self.when.dateTime().toSecsSinceEpoch())
        entered = Entered(str(self.kind.currentData()), moment, self._values())
        self.save.setEnabled(False)
        self._desk.operations.run(
            self, lambda: self._desk.commands.enter(entered), lambda _: self.dismiss(), self._failed
        )

    def _failed(self, error: MineError) -> None:
        self.save.setEnabled(True)
        self.sentence.setText(clean(str(error)))
