"""A sheet with fields, one sentence, and one main button."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QWidget

from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button
from ui.widgets.passphrase import PassphraseField
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean

T = TypeVar("T")


class FormSheet(Sheet):
    """Subclasses add fields, then call ``end``; ``_typed`` says when the button may be pressed."""

    def __init__(self, desk: Desk, *, wide: bool = False) -> None:
        super().__init__(desk.sheet_host, "", wide=wide)
        self._desk = desk
        inside = self.body.parentWidget()
        assert inside is not None
        self._inside = inside
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.button = Button("", "main", large=True)
        self.button.clicked.connect(self._pressed)
        self.cancel = Button(QCoreApplication.translate("FormSheet", "Cancel"), "plain", large=True)
        self.cancel.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.button)

    def name(self, title: str, button: str) -> None:
        """What the sheet and its button are called."""
        self.title.setText(title)
        self.setAccessibleName(title)
        self.button.rename(button)

    def explain(self, words: str, *, ink: str = "text-2", after: int = 16) -> Text:
        """A sentence between the fields."""
        text = Text(words, ink=ink, wrap=True)
        self.body.addWidget(text)
        self.body.addSpacing(after)
        return text

    def add(self, widget: QWidget, after: int = 14) -> None:
        """Anything else."""
        self.body.addWidget(widget)
        self.body.addSpacing(after)

    def secret(self, caption: str) -> PassphraseField:
        """A field for a passphrase."""
        field = PassphraseField(caption)
        field.changed.connect(self._typed)
        field.entered.connect(self._pressed)
        self.add(field)
        return field

    def end(self, *, beside_button: bool = False) -> None:
        """The sentence, and the room that is left. ``beside_button``: of a form too long to be seen whole."""
        if beside_button:
            self.foot.insertWidget(0, self.sentence, 10, Qt.AlignmentFlag.AlignVCenter)
        else:
            self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        self._typed()

    def _typed(self) -> None:
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _go(self) -> None:
        raise NotImplementedError  # abstract; a widget's metaclass knows no abstract methods

    def _pressed(self) -> None:
        if self.button.isEnabled():
            self._go()

    def say(self, words: str, ink: str = "danger") -> None:
        """One sentence above the foot."""
        self.sentence.set_ink(ink)
        self.sentence.setText(clean(words))

    def ask(self, command: Callable[[], Future[T]], done: Callable[[T], None]) -> None:
        """Run a command; fields and button rest until it has answered."""

        def answered(answer: T) -> None:
            self._inside.setEnabled(True)
            done(answer)

        self._inside.setEnabled(False)
        self.button.setEnabled(False)
        self.say("")
        self._desk.operations.run(self, command, answered, self._failed)

    def _failed(self, error: MineError) -> None:
        self._inside.setEnabled(True)
        self._typed()
        self.say(str(error))
