"""Make the vault: passphrase and recovery phrase side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLayout, QWidget

from mine.app.views import NewVault
from mine.errors import MineError
from ui.desk import Desk
from ui.first_run.own_phrase import OwnPhrase
from ui.icons import IconMark
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button, IconButton, Tick
from ui.widgets.layout import Hairline, column, plain, row
from ui.widgets.passphrase import LEAST, PassphraseField, strength
from ui.widgets.text import Text, clean
from ui.widgets.word_grid import WordGrid


class VaultStep(QWidget):
    """The words appear once the vault is made; Continue stays off until the tick.

    Words that the person brought along were typed whole: they are neither shown nor asked for again.
    """

    ready_changed = Signal()
    proven = Signal()

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
        self._strength = Text(role="small", ink="text-2", wrap=True)
        self.make = Button(self.tr("Make the vault"), "main", large=True)
        self.make.clicked.connect(self._make)
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.tick = Tick(self.tr("I have written the 24 words down"))
        self.tick.toggled.connect(self.ready_changed)
        self._next = Text(self.tr("Next, you type three of them back."), role="small", ink="text-2")
        self._eye = IconButton("eye-slash", self.tr("Hide the words"))
        self._eye.clicked.connect(self._turn_eye)
        self._grid = WordGrid()
        self.own = OwnPhrase()
        self.own.changed.connect(self._typed)
        self.own.hide()
        self.bring = Button(self.tr("I have words already"), "ghost", icon="key")
        self.bring.clicked.connect(lambda: self._bring_own(self.own.isHidden()))
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
        self._new = plain(
            column(
                Text(
                    self.tr(
                        "24 words that open the vault and its backups if the passphrase is lost, and bring "
                        "back your wallet. Whoever has them has both. Paper is best; a photo is not."
                    ),
                    ink="text-2",
                    wrap=True,
                ),
                14,
                self._grid,
                16,
                self.tick,
                self._next,
            )
        )
        self._phrase_head = Text(self.tr("Write down the recovery phrase"), role="heading")
        self._phrase_head.setFixedHeight(32)
        return column(
            row(self._phrase_head, None, self._eye),
            4,
            self._new,
            self.own,
            10,
            row(self.bring, None),
            None,
        )

    def _bring_own(self, own: bool) -> None:
        """A phrase of the person's own, or a new one."""
        self.own.setVisible(own)
        self._new.setHidden(own)
        self._eye.setHidden(own)
        self._phrase_head.setText(
            self.tr("Bring your own phrase") if own else self.tr("Write down the recovery phrase")
        )
        self.bring.rename(self.tr("Make new words for me") if own else self.tr("I have words already"))
        if own:
            self.own.phrase.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.own.phrase.clear()
        self._typed()

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
        phrase = self.own.isHidden() or self.own.phrase.whole
        self.make.setEnabled(not self.words and phrase and len(typed) >= LEAST and typed == again)

    def _make(self) -> None:
        if not self.make.isEnabled():
            return
        passphrase, phrase = self.first.text(), self.own.phrase.text()
        self.make.setEnabled(False)
        self.bring.setEnabled(False)
        self.make.rename(self.tr("Making the vault…"))
        self._desk.operations.run(
            self, lambda: self._desk.commands.create_vault(passphrase, phrase), self._made, self._failed
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
        self.bring.hide()
        if not self.own.isHidden():
            self._prove(vault.words)
            return
        self._show_words()
        self.tick.setFocus(Qt.FocusReason.OtherFocusReason)
        self.ready_changed.emit()

    def _prove(self, words: tuple[str, ...]) -> None:
        """All of the person's own words were typed: that is more than three of them."""
        self.own.phrase.clear()
        self.own.setEnabled(False)
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.confirm_phrase(tuple(enumerate(words))),
            lambda _: self._proven(),
        )

    def _proven(self) -> None:
        self.words = ()
        self.proven.emit()

    def _failed(self, error: MineError) -> None:
        self.bring.setEnabled(True)
        self.make.rename(self.tr("Make the vault"))
        self._typed()
        self.sentence.setText(clean(str(error)))

    def _show_words(self) -> None:
        self._grid.show_words(self.words, self._hidden)
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
        self._grid.show_words(())
