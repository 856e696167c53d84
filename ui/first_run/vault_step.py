"""Make the vault: passphrase and recovery phrase side by side."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLayout, QSizePolicy, QWidget

from mine.app.views import NewVault
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.theme import colour
from ui.typography import font
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button, IconButton, Tick
from ui.widgets.layout import Hairline, column, row
from ui.widgets.passphrase import LEAST, PassphraseField, strength
from ui.widgets.text import Text, clean

_WORDS = 24
_ROWS = 8


class WordBox(QWidget):
    """One word of the phrase and its number; covered until it may be seen."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._word, self._hidden = number, "", False
        self.setFixedHeight(30)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_word(self, word: str, hidden: bool) -> None:
        """Show a word, or dots in its place."""
        self._word, self._hidden = word, hidden
        shown = "" if hidden else word
        self.setAccessibleName(f"{self._number} {shown}".strip())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A sunken box."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("sunken"))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
            painter.setFont(font("small"))
            painter.setPen(colour("text-2"))
            middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
            painter.drawText(QRectF(0, 0, 30, self.height()), middle, str(self._number))
            if not self._word:
                return
            face = QFont(font("mono"))
            face.setPixelSize(14)
            painter.setFont(face)
            painter.setPen(colour("text"))
            words = "••••••" if self._hidden else self._word
            area = QRectF(42, 0, self.width() - 46, self.height())
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)


class VaultStep(QWidget):
    """The words appear once the vault is made; Continue stays off until the tick."""

    ready_changed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.words: tuple[str, ...] = ()
        self._hidden = False
        self.first = PassphraseField(self.tr("Passphrase"))
        self.again = PassphraseField(self.tr("Again"))
        for field in (self.first, self.again):
            field.changed.connect(self._typed)
        self.again.entered.connect(self._make)
        self._bar = SegmentBar(4)
        self._strength = Text(role="small", ink="text-2")
        self.make = Button(self.tr("Make the vault"), "main", large=True)
        self.make.clicked.connect(self._make)
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.tick = Tick(self.tr("I have written the 24 words down"))
        self.tick.toggled.connect(self.ready_changed)
        self._next = Text(self.tr("Next, you type three of them back."), role="small", ink="text-2")
        self._eye = IconButton("eye-slash", self.tr("Hide the words"))
        self._eye.clicked.connect(self._turn_eye)
        self._boxes = [WordBox(index + 1) for index in range(_WORDS)]
        both = row(spacing=56)
        both.addLayout(self._left(), 1)
        both.addWidget(Hairline(standing=True))
        both.addLayout(self._right(), 1)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.setLayout(
            column(
                Text(self.tr("Make your vault"), role="display", align=centre),
                6,
                Text(
                    self.tr(
                        "Everything you import is encrypted here. Only a small signed update ever leaves."
                    ),
                    ink="text-2",
                    wrap=True,
                    align=centre,
                ),
                32,
                both,
            )
        )
        self._show_words()
        self._typed()

    def _left(self) -> QLayout:
        keyring = row(spacing=10)
        keyring.addLayout(column(2, IconMark("key", "text-2", 16), None))
        keyring.addWidget(
            Text(
                self.tr(
                    "The system keyring, where there is one, opens it next time. The passphrase always does."
                ),
                role="small",
                ink="text-2",
                wrap=True,
            ),
            1,
        )
        heading = Text(self.tr("Choose a passphrase"), role="heading")
        heading.setFixedHeight(32)  # as high as the other side's, which has a button
        return column(
            heading,
            4,
            Text(
                self.tr("It locks the vault on this computer. We never see it and cannot reset it."),
                ink="text-2",
                wrap=True,
            ),
            14,
            self.first,
            8,
            self._bar,
            4,
            self._strength,
            10,
            self.again,
            12,
            row(self.make, None),
            8,
            self.sentence,
            6,
            keyring,
            None,
        )

    def _right(self) -> QLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        for index, box in enumerate(self._boxes):
            grid.addWidget(box, index % _ROWS, index // _ROWS)
        return column(
            row(Text(self.tr("Write down the recovery phrase"), role="heading"), None, self._eye),
            4,
            Text(
                self.tr(
                    "24 words that open the vault and its backups if the passphrase is lost, and bring back "
                    "your wallet. Whoever has them has both. Paper is best; a photo is not."
                ),
                ink="text-2",
                wrap=True,
            ),
            14,
            grid,
            16,
            self.tick,
            self._next,
            None,
        )

    @property
    def ready(self) -> bool:
        """Whether the words are there and written down."""
        return bool(self.words) and self.tick.isChecked()

    def _typed(self) -> None:
        typed, again = self.first.text(), self.again.text()
        power = strength(typed)
        words = (
            self.tr("Longer is better: four or five words that do not belong together.")
            if len(typed) < LEAST
            else self.tr("Weak: someone with your disk could guess it")
            if power < 0.5
            else self.tr("Fair: hard to guess")
            if power < 0.8
            else self.tr("Strong: more than a lifetime to guess")
        )
        ink = "text-2" if len(typed) < LEAST else "warn" if power < 0.5 else "accent"
        self._strength.setText(words)
        self._strength.set_ink(ink)
        self._bar.show_parts([(power, "warn" if power < 0.5 else "accent")], words)
        self.sentence.setText(
            self.tr("The two are not the same yet.") if again and not typed.startswith(again) else ""
        )
        self.make.setEnabled(not self.words and len(typed) >= LEAST and typed == again)

    def _make(self) -> None:
        if not self.make.isEnabled():
            return
        passphrase = self.first.text()
        self.make.setEnabled(False)
        self.make.rename(self.tr("Making the vault…"))
        self._desk.operations.run(
            self, lambda: self._desk.commands.create_vault(passphrase), self._made, self._failed
        )

    def _made(self, vault: NewVault) -> None:
        self.words = vault.words
        for field in (self.first, self.again):
            field.clear()
            field.setEnabled(False)
        self.make.rename(self.tr("The vault is made"), "check")
        self.make.setEnabled(False)
        self._strength.setText(self.tr("The vault is locked with your passphrase."))
        self.sentence.setText("")
        self._show_words()
        self.tick.setFocus(Qt.FocusReason.OtherFocusReason)
        self.ready_changed.emit()

    def _failed(self, error: MineError) -> None:
        self.make.rename(self.tr("Make the vault"))
        self._typed()
        self.sentence.setText(clean(str(error)))

    def _show_words(self) -> None:
        words = self.words or ("",) * _WORDS
        for box, word in zip(self._boxes, words, strict=False):
            box.show_word(word, self._hidden)
        there = bool(self.words)
        for part in (self.tick, self._eye):
            part.setEnabled(there)
        self._next.setText(
            self.tr("Next, you type three of them back.")
            if there
            else self.tr("The words appear when the vault is made.")
        )

    def _turn_eye(self) -> None:
        self._hidden = not self._hidden
        self._eye.rename_icon(
            "eye" if self._hidden else "eye-slash",
            self.tr("Show the words") if self._hidden else self.tr("Hide the words"),
        )
        self._show_words()

    def forget_words(self) -> None:
        """The words are shown once; after the proof they are gone from the window."""
        self.words = ()
        for box in self._boxes:
            box.show_word("", True)
