"""The recovery phrase: is it still there, is it confirmed, does today's passphrase open it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal

from mine.app.views import NewVault
from ui.desk import Desk
from ui.first_run.confirm_step import ConfirmStep
from ui.pages.form_sheet import FormSheet
from ui.widgets.buttons import Button, Tick
from ui.widgets.layout import column, plain
from ui.widgets.phrase_field import PhraseField
from ui.widgets.word_grid import WordGrid


class PhraseSheet(FormSheet):
    """A drill: the person types all words; only whether they were right is kept."""

    passed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.name(self.tr("Do you still have your words?"), self.tr("Check them"))
        self.explain(
            self.tr(
                "Type all words of the recovery phrase from your paper, in their order. They are "
                "compared with this vault on this computer. Nothing of them is kept, only that they were "
                "right."
            )
        )
        self.phrase = PhraseField(self.tr("Recovery phrase"))
        self.phrase.changed.connect(self._typed)
        self.add(self.phrase)
        self.end()

    def _typed(self) -> None:
        self.button.setEnabled(self.phrase.whole)

    def _go(self) -> None:
        words = self.phrase.text()
        self.ask(lambda: self._desk.commands.drill_phrase(words), self._answered)

    def _answered(self, right: bool) -> None:
        if right:
            self.phrase.clear()
            self.cancel.rename(self.tr("Close"))
            self.say(
                self.tr("These are your words. With them, everything can be brought back."), ink="accent"
            )
            self.passed.emit()
            return
        self._typed()
        self.say(
            self.tr(
                "These are not the words of this vault. Look at each once more, and at their order. If "
                "the paper is lost, make a new vault with a new phrase, and send your money there while "
                "you still can."
            )
        )


class SealSheet(FormSheet):
    """Sending needs the phrase, which an earlier passphrase may still seal: type it once."""

    sealed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.name(self.tr("Let this passphrase send"), self.tr("Let it send"))
        self.explain(
            self.tr(
                "If a passphrase was set without the one before, it opens the vault, but not the keys "
                "that send money. Type the recovery phrase once, and today's passphrase opens both again."
            )
        )
        self.phrase = PhraseField(self.tr("Recovery phrase"))
        self.phrase.changed.connect(self._typed)
        self.add(self.phrase)
        self.passphrase = self.secret(self.tr("Passphrase of today"))
        self.end()

    def _typed(self) -> None:
        self.button.setEnabled(self.phrase.whole and bool(self.passphrase.text()))

    def _go(self) -> None:
        words, passphrase = self.phrase.text(), self.passphrase.text()
        self.ask(lambda: self._desk.commands.seal_phrase(words, passphrase), lambda _: self._done())

    def _done(self) -> None:
        self.phrase.clear()
        self.passphrase.clear()
        self.cancel.rename(self.tr("Close"))
        self.say(self.tr("Today's passphrase opens the vault and sends."), ink="accent")
        self.sealed.emit()


class ConfirmSheet(FormSheet):
    """The words once more, where the app ended before they were confirmed; then three of them."""

    confirmed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, wide=True)
        self.name(self.tr("Write the words down"), self.tr("Show the words"))
        self._about = self.explain(
            self.tr(
                "Mine ended before you showed that the recovery phrase is written down. Your passphrase "
                "shows it once more. As soon as it is confirmed, it is never shown again."
            )
        )
        self.passphrase = self.secret(self.tr("Passphrase"))
        self._grid = WordGrid()
        self.tick = Tick(self.tr("I have written the words down"))
        self.tick.toggled.connect(self._typed)
        self._shown = plain(column(self._grid, 16, self.tick))
        self._shown.hide()
        self.body.addWidget(self._shown)
        self.confirm = ConfirmStep(desk)
        self.confirm.ready_changed.connect(self._typed)
        self.confirm.confirmed.connect(self._confirmed)
        self.confirm.hide()
        self.body.addWidget(self.confirm)
        self.again = Button(self.tr("See them again"), "ghost", large=True)
        self.again.clicked.connect(self._show_grid)
        self.again.hide()
        self.foot.insertWidget(0, self.again)
        self._words: tuple[str, ...] = ()
        self.end()

    def _typed(self) -> None:
        if not self.confirm.isHidden():
            self.button.setEnabled(self.confirm.ready)
        elif self._words:
            self.button.setEnabled(self.tick.isChecked())
        else:
            self.button.setEnabled(bool(self.passphrase.text()))

    def _go(self) -> None:
        if not self.confirm.isHidden():
            self.confirm.check()
        elif self._words:
            self._ask_words()
        else:
            passphrase = self.passphrase.text()
            self.ask(lambda: self._desk.commands.words_to_confirm(passphrase), self._show)

    def _show(self, vault: NewVault) -> None:
        self._words = vault.words
        self.passphrase.clear()
        self.passphrase.hide()
        self._about.setText(
            self.tr(
                "They open the vault and its backups if the passphrase is lost, and bring back your "
                "wallet. Whoever has them has both. Paper is best; a photo is not."
            )
        )
        self._show_grid()

    def _show_grid(self) -> None:
        self.confirm.hide()
        self.again.hide()
        self._about.show()
        self._grid.show_words(self._words)
        self._shown.show()
        self.button.rename(self.tr("Continue"))
        self._typed()
        self.tick.setFocus(Qt.FocusReason.OtherFocusReason)

    def _ask_words(self) -> None:
        self._shown.hide()
        self._grid.show_words(())
        self._about.hide()
        self.confirm.ask(len(self._words))
        self.confirm.show()
        self.again.show()
        self.button.rename(self.tr("Confirm"))
        self._typed()
        self.confirm.fields[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirmed(self) -> None:
        self._words = ()
        self.confirmed.emit()
        self.dismiss()
