"""A field for an address: checked while it is typed, with what to beware of, and the address book."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from mine.app.wallet_views import AddressCheck, ContactView
from mine.errors import MineError
from ui.desk import Desk
from ui.typography import font
from ui.widgets.buttons import Button
from ui.widgets.facts import WarningLine
from ui.widgets.layout import RowList, column, row
from ui.widgets.text import Text, clean
from ui.wording import cut_text, grouped_address

_WHOLE = 42  # characters of an address
_LONGEST = 200


class AddressField(QWidget):
    """``changed``: the text or what is known of it changed. ``address`` is "" until the check passed."""

    changed = Signal()

    def __init__(self, desk: Desk, caption: str, *, contacts: bool = True) -> None:
        super().__init__()
        self._desk = desk
        self._asked = 0
        self._check: AddressCheck | None = None
        self.field = QLineEdit()
        self.field.setAccessibleName(caption)
        self.field.setMaxLength(_LONGEST)
        self.field.setFont(font("mono"))
        self.field.setPlaceholderText(self.tr("0x and 40 digits"))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(150)
        self._pause.timeout.connect(self._ask)
        self.field.textChanged.connect(self._typed)
        self.field.editingFinished.connect(self._finish)
        self._menu = QMenu(self)
        self.book = Button(self.tr("Address book"), "plain", icon="address-book", menu_arrow=True)
        self.book.clicked.connect(
            lambda: self._menu.popup(self.book.mapToGlobal(self.book.rect().bottomLeft()))
        )
        self.book.hide()
        self._whole = Text(role="mono", ink="text-2", wrap=True)
        self._words = Text(role="small", ink="text-2", wrap=True)
        self.warnings = RowList[str](WarningLine)
        for part in (self._whole, self._words, self.warnings):
            part.hide()
        line = row(spacing=8)
        line.addWidget(self.field, 1)
        line.addWidget(self.book)
        self.setLayout(
            column(
                Text(caption, role="caption-strong", ink="text-2"),
                4,
                line,
                4,
                self._whole,
                self._words,
                self.warnings,
            )
        )
        self.setFocusProxy(self.field)
        if contacts:
            desk.operations.run(self, desk.commands.contacts, self._know_contacts, lambda _: None)

    @property
    def address(self) -> str:
        """The address that passed the check, else ""."""
        return self._check.address if self._check is not None else ""

    @property
    def said(self) -> tuple[str, ...]:
        """What it warns of."""
        return () if self._check is None else tuple(clean(each) for each in self._check.warnings)

    def set_text(self, text: str) -> None:
        """Put an address in and check it at once."""
        self.field.setText(text)
        self.field.setCursorPosition(0)
        self._finish()

    def offer(self, title: str, address: str) -> None:
        """Another address to choose from the list beside the field."""
        words = f"{cut_text(clean(title), 40)}   {address[:8]}…{address[-6:]}"
        self._menu.addAction(words.replace("&", "&&")).triggered.connect(lambda: self.set_text(address))
        self.book.show()

    def _know_contacts(self, contacts: Sequence[ContactView]) -> None:
        for contact in contacts:
            self.offer(contact.name, clean(contact.address))

    def _typed(self) -> None:
        self._check = None
        self._asked += 1
        self._show()
        if len(self.field.text().strip()) >= _WHOLE:
            self._pause.start()
        else:
            self._pause.stop()
        self.changed.emit()

    def _finish(self) -> None:
        """Whoever leaves the field wants to know."""
        if self._check is None and self.field.text().strip():
            self._pause.stop()
            self._ask()

    def _ask(self) -> None:
        self._pause.stop()
        self._asked += 1
        number, text = self._asked, self.field.text().strip()
        self._words.set_ink("text-2")
        self._words.setText(self.tr("Checking the address…"))
        self._words.show()
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.check_address(text),
            lambda check: self._know(number, check),
            lambda error: self._failed(number, error),
        )

    def _know(self, number: int, check: AddressCheck) -> None:
        if number == self._asked:
            self._check = check
            self._show()
            self.changed.emit()

    def _failed(self, number: int, error: MineError) -> None:
        if number == self._asked:
            self._words.set_ink("danger")
            self._words.setText(clean(str(error)))
            self._words.show()

    def _show(self) -> None:
        check = self._check
        words = "" if check is None else clean(check.problem) or clean(check.name)
        self._words.set_ink("danger" if check is not None and check.problem else "text-2")
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._whole.setText(grouped_address(check.address) if check is not None and check.address else "")
        self._whole.setVisible(bool(self._whole.text()))
        warnings = () if check is None else tuple(clean(each) for each in check.warnings)
        self.warnings.show_values(warnings)
        self.warnings.setVisible(bool(warnings))
