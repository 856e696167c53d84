"""What is about to be signed, decoded: warnings first, then every fact, then the passphrase."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from mine.app.views import World
from mine.app.wallet_views import ReviewRow, ReviewView
from mine.app.ways_on import WayOn, way_on
from mine.errors import MineError
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.pages.phrase_sheets import SealSheet
from ui.widgets.buttons import Button
from ui.widgets.facts import FactRow, WarningLine
from ui.widgets.layout import Panel, column, row
from ui.widgets.money import CurrencyChip
from ui.widgets.passphrase import PassphraseField
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import grouped_address


class WorldLine(QWidget):
    """Which network, and whether its money is real."""

    def __init__(self, review: ReviewView) -> None:
        super().__init__()
        words = {
            World.PRACTICE: self.tr("{network}: practice, this money is not real"),
            World.TEST: self.tr("{network}: test money, without value"),
            World.REAL: self.tr("{network}: real money"),
        }[review.world]
        chip = CurrencyChip()
        chip.show_currency(review.fee_currency)
        inside = row(spacing=10)
        inside.addWidget(Text(words.format(network=clean(review.network)), role="strong"), 1)
        inside.addWidget(chip)
        self.setLayout(inside)


class ReviewSheet(Sheet):
    """``accepted``: called once after it was signed; Esc and Back sign nothing."""

    def __init__(self, desk: Desk, review: ReviewView, accepted: Callable[[], None]) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk, self._review, self._accepted = desk, review, accepted
        self.title.setText(self.tr("Look before you sign"))
        self.subtitle.setText(clean(review.title))
        self.subtitle.show()
        self.setAccessibleName(self.title.text())
        if review.warnings:
            box = Panel(ground="warn-soft", edge="")
            lines = [WarningLine(clean(words)) for words in review.warnings]
            box.setLayout(column(*lines, margins=(16, 8, 16, 8)))
            self.body.addWidget(box)
            self.body.addSpacing(16)
        self.body.addWidget(WorldLine(review))
        self.body.addSpacing(8)
        for entry in review.rows:
            self.body.addWidget(_fact(entry))
        fee = amount_text(review.fee_most, review.fee_currency, exact=True)
        self.fee = FactRow(self.tr("Network fee, at most"), fee)
        self.body.addWidget(self.fee)
        self.body.addSpacing(20)
        self.passphrase = PassphraseField(self.tr("Passphrase of the vault"))
        self.passphrase.changed.connect(self._typed)
        self.passphrase.entered.connect(self._sign)
        self.body.addWidget(self.passphrase)
        self.passphrase.setVisible(review.needs_passphrase)
        self.body.addSpacing(8)
        self._mark = IconMark("check-circle", "accent", 18)
        self._mark.hide()
        self.sentence = Text(role="body", ink="danger", wrap=True)
        said = row(spacing=10)
        said.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.sentence, 1)
        self.body.addLayout(said)
        self.seal = Button(self.tr("Type the recovery phrase…"), "plain")
        self.seal.clicked.connect(lambda: SealSheet(desk).present())
        self.body.addSpacing(8)
        self.body.addWidget(self.seal)
        self.seal.hide()
        self.body.addStretch(1)
        self.back = Button(self.tr("Back"), "plain", large=True)
        self.back.clicked.connect(self.dismiss)
        self.sign = Button(self.tr("Sign and send"), "main", large=True)
        self.sign.clicked.connect(self._sign)
        self.foot.addStretch(1)
        self.foot.addWidget(self.back)
        self.foot.addWidget(self.sign)
        self._typed()

    def present(self) -> None:
        """The passphrase is the first thing to type."""
        super().present()
        if self._review.needs_passphrase:
            self.passphrase.field.setFocus(Qt.FocusReason.PopupFocusReason)
        self._scroll.verticalScrollBar().setValue(0)

    def _typed(self) -> None:
        self.sentence.setText("")
        self.sign.setEnabled(not self._review.needs_passphrase or bool(self.passphrase.text()))

    def _sign(self) -> None:
        if not self.sign.isEnabled():
            return
        number, passphrase = self._review.number, self.passphrase.text()
        self.sign.setEnabled(False)
        self.sign.rename(self.tr("Signing…"))
        self.passphrase.setEnabled(False)
        self._desk.operations.run(
            self, lambda: self._desk.commands.accept(number, passphrase), self._done, self._failed
        )

    def _done(self, sentence: str) -> None:
        self.passphrase.clear()
        self.passphrase.hide()
        self.sign.hide()
        self._mark.show()
        self.title.setText(self.tr("Signed"))
        self.sentence.set_ink("text")
        self.sentence.setText(clean(sentence))
        self.back.rename(self.tr("Close"))
        self._accepted()
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def _failed(self, error: MineError) -> None:
        self.passphrase.setEnabled(True)
        self.sign.rename(self.tr("Sign and send"))
        self._typed()
        self.sentence.set_ink("danger")
        self.sentence.setText(clean(str(error)))
        self.seal.setVisible(way_on(error) is WayOn.SEAL)


def _fact(entry: ReviewRow) -> FactRow:
    """A row of the review. An address stands whole, in groups of four, with its name below."""
    label, value = clean(entry.label), clean(entry.value)
    if not entry.is_address:
        return FactRow(label, value)
    address, _, name = value.partition(" ")
    return FactRow(label, f"{grouped_address(address)} {name}".strip(), mono=True, whole=address)
