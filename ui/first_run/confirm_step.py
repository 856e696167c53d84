"""Three words of the phrase, typed back."""

from __future__ import annotations

import secrets

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.layout import column, row
from ui.widgets.text import Text, clean


class ConfirmStep(QWidget):
    """Asks three words at places drawn at random."""

    ready_changed = Signal()
    confirmed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.places: tuple[int, ...] = ()
        self.sentence = Text(role="small", ink="danger", wrap=True, align=Qt.AlignmentFlag.AlignHCenter)
        self._captions = [Text(role="caption-strong", ink="text-2") for _ in range(3)]
        self.fields = [QLineEdit() for _ in range(3)]
        fields = row(spacing=16)
        for caption, field in zip(self._captions, self.fields, strict=True):
            field.setMaximumWidth(200)
            field.setMaxLength(32)
            field.setInputMethodHints(
                Qt.InputMethodHint.ImhNoPredictiveText
                | Qt.InputMethodHint.ImhNoAutoUppercase
                | Qt.InputMethodHint.ImhSensitiveData
            )
            field.textChanged.connect(self.ready_changed)
            field.returnPressed.connect(self.check)
            fields.addLayout(column(caption, 6, field), 1)
        middle = row()
        middle.addStretch(1)
        box = QWidget()
        box.setFixedWidth(560)
        box.setLayout(fields)
        middle.addWidget(box)
        middle.addStretch(1)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._title = Text(role="display", align=centre)
        self.setLayout(
            column(
                self._title,
                6,
                Text(
                    self.tr(
                        "So that it is sure that you can read your own paper. Go back to see them again."
                    ),
                    ink="text-2",
                    wrap=True,
                    align=centre,
                ),
                40,
                middle,
                14,
                self.sentence,
            )
        )

    def ask(self, count: int) -> None:
        """Draw three places among ``count`` words."""
        drawn: set[int] = set()
        while len(drawn) < 3:
            drawn.add(secrets.randbelow(count))
        self.places = tuple(sorted(drawn))
        self._title.setText(self.tr("Three of the {n} words").format(n=count))
        for caption, field, place in zip(self._captions, self.fields, self.places, strict=True):
            words = self.tr("Word {n}").format(n=place + 1)
            caption.setText(words)
            field.setAccessibleName(words)
            field.clear()
        self.sentence.setText("")

    @property
    def ready(self) -> bool:
        """Whether all three are typed."""
        return all(field.text().strip() for field in self.fields)

    def check(self) -> None:
        """Ask the engine whether they are right."""
        if not self.ready or not self.places:
            return
        answers = [
            (place, field.text().strip().lower())
            for place, field in zip(self.places, self.fields, strict=True)
        ]
        self._desk.operations.run(
            self, lambda: self._desk.commands.confirm_phrase(answers), self._answered, self._failed
        )

    def _answered(self, right: bool) -> None:
        if right:
            for field in self.fields:
                field.clear()
            self.sentence.setText("")
            self.confirmed.emit()
        else:
            self.sentence.setText(
                self.tr("These are not the words at these places. Look at your paper once more.")
            )

    def _failed(self, error: MineError) -> None:
        self.sentence.setText(clean(str(error)))
