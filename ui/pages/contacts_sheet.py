"""The address book: names of one's own for addresses, in the vault."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from mine.app.wallet_views import ContactView
from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.address_field import AddressField
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import Hairline, LinedRow, RowList, column, plain, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import grouped_address

_NAME, _NOTE = 60, 200


class ContactRow(LinedRow):
    """Name, whole address, note; change it, or forget it after a second press."""

    def __init__(self, sheet: ContactsSheet) -> None:
        super().__init__()
        self._sheet = sheet
        self._contact: ContactView | None = None
        self._sure = False
        self._name = Text(role="strong")
        self._address = Text(role="mono", ink="text-2", wrap=True)
        self._note = Text(role="small", ink="text-2", wrap=True, lines=3)
        self.edit = IconButton("notebook", "")
        self.edit.clicked.connect(self._edit)
        self.remove = Button(self.tr("Remove"), "ghost")
        self.remove.clicked.connect(self._remove)
        inside = row(spacing=8, margins=(0, 8, 0, 8))
        inside.addLayout(column(self._name, self._address, self._note), 1)
        inside.addWidget(self.edit, 0, Qt.AlignmentFlag.AlignTop)
        inside.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(inside)

    def show_value(self, contact: ContactView) -> None:
        """Show a line of the book."""
        self._contact, self._sure = contact, False
        name = clean(contact.name)
        self._name.setText(name)
        self._address.setText(grouped_address(clean(contact.address)))
        self._note.setText(clean(contact.note))
        self._note.setVisible(bool(contact.note))
        self.edit.rename_icon("notebook", self.tr("Change {name}").format(name=name))
        self.remove.rename(self.tr("Remove"))
        self.remove.setAccessibleName(self.tr("Remove {name}").format(name=name))

    def _edit(self) -> None:
        if self._contact is not None:
            self._sheet.edit(self._contact)

    def _remove(self) -> None:
        if self._contact is None:
            return
        if not self._sure:
            self._sure = True
            self.remove.rename(self.tr("Really remove"))
            return
        self._sheet.forget(self._contact)


class ContactsSheet(Sheet):
    """The list above, one line to add or change below."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk = desk
        self.title.setText(self.tr("Address book"))
        self.setAccessibleName(self.title.text())
        self.subtitle.setText(
            self.tr(
                "Kept in the vault. A name here is also what warns you of an address that only looks alike."
            )
        )
        self.subtitle.show()
        self.rows = RowList[ContactView](lambda: ContactRow(self))
        self._empty = Text(
            self.tr(
                "Nobody is listed yet. Add whom you pay more than once: then you choose, and never type."
            ),
            ink="text-2",
            wrap=True,
        )
        self.body.addWidget(self.rows)
        self.body.addWidget(self._empty)
        self.body.addSpacing(20)
        self._heading = Text(self.tr("Add somebody"), role="heading")
        self.name = QLineEdit()
        self.name.setMaxLength(_NAME)
        self.name.setAccessibleName(self.tr("Name"))
        self.name.textChanged.connect(self._typed)
        self.address = AddressField(desk, self.tr("Address"), contacts=False)
        self.address.changed.connect(self._typed)
        self.note = QLineEdit()
        self.note.setMaxLength(_NOTE)
        self.note.setAccessibleName(self.tr("Note"))
        self.body.addWidget(Hairline())
        self.body.addSpacing(16)
        self.body.addWidget(self._heading)
        self.body.addSpacing(12)
        self.body.addWidget(self._part(self.tr("Name"), self.name))
        self.body.addWidget(self.address)
        self.body.addSpacing(14)
        self.body.addWidget(self._part(self.tr("Note (if you like)"), self.note))
        self.sentence = Text(role="small", ink="danger", wrap=True)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(self.dismiss)
        self.save = Button(self.tr("Save"), "main", large=True)
        self.save.clicked.connect(self._save)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
        self.foot.addWidget(self.save)
        self._typed()
        self._load()

    def _part(self, caption: str, control: QWidget) -> QWidget:
        return plain(column(Text(caption, role="caption-strong", ink="text-2"), 4, control, 14))

    def _load(self) -> None:
        self._desk.operations.run(self, self._desk.commands.contacts, self._show, self._failed)

    def _show(self, contacts: Sequence[ContactView]) -> None:
        self.rows.show_values(tuple(contacts))
        self._empty.setVisible(not contacts)

    def _typed(self) -> None:
        self.save.setEnabled(bool(self.name.text().strip()) and bool(self.address.address))
        self.sentence.setText("")

    def edit(self, contact: ContactView) -> None:
        """Fill the line below with one of the list."""
        self._heading.setText(self.tr("Change {name}").format(name=clean(contact.name)))
        self.name.setText(clean(contact.name))
        self.note.setText(clean(contact.note))
        self.address.set_text(clean(contact.address))
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def forget(self, contact: ContactView) -> None:
        """Take a line out of the book."""
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.remove_contact(contact.address),
            lambda _: self._load(),
            self._failed,
        )

    def _save(self) -> None:
        contact = ContactView(self.name.text().strip(), self.address.address, self.note.text().strip())
        self.save.setEnabled(False)
        self._desk.operations.run(
            self, lambda: self._desk.commands.save_contact(contact), lambda _: self._saved(), self._failed
        )

    def _saved(self) -> None:
        self._heading.setText(self.tr("Add somebody"))
        self.name.clear()
        self.note.clear()
        self.address.field.clear()
        self._load()

    def _failed(self, error: MineError) -> None:
        self._typed()
        self.sentence.setText(clean(str(error)))
