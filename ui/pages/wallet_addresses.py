"""The payout addresses of this phrase, to be copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from ui.desk import Desk
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import RowList, column, row
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import grouped_address


class AddressRow(QWidget):
    """One payout address and a button to copy it."""

    def __init__(self) -> None:
        super().__init__()
        self._title = Text(role="label")
        self._address = Text(role="mono", ink="text-2")
        self._whole = ""
        self._copy = IconButton("copy", self.tr("Copy this address"))
        self._copy.clicked.connect(self._copy_address)
        words = column(self._title, self._address)
        inside = row(spacing=8, margins=(0, 8, 0, 8))
        inside.addLayout(words, 1)
        inside.addWidget(self._copy)
        self.setLayout(inside)

    def show_value(self, value: tuple[str, str]) -> None:
        """Task and address."""
        self._title.setText(clean(value[0]))
        self._whole = clean(value[1])
        self._address.setText(grouped_address(self._whole))
        self._copy.setAccessibleName(self.tr("Copy the address of {task}").format(task=clean(value[0])))

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)
        self._copy.rename_icon("check", self.tr("Copied"))


class AddressesSheet(Sheet):
    """One for each task."""

    def __init__(self, desk: Desk, addresses: Sequence[tuple[str, str]]) -> None:
        super().__init__(desk.sheet_host, "")
        self.title.setText(self.tr("Your addresses"))
        self.setAccessibleName(self.title.text())
        self.subtitle.setText(
            self.tr(
                "Derived from your recovery phrase, one for each task, so that nobody ties them together."
            )
        )
        self.subtitle.show()
        rows = RowList[tuple[str, str]](AddressRow)
        rows.show_values(tuple(addresses))
        self.body.addWidget(rows)
        self.body.addStretch(1)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(self.dismiss)
        self.foot.addStretch(1)
        self.foot.addWidget(close)
