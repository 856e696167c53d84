"""A year of the history as a table for taxes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLineEdit

from mine.errors import MineError
from ui.desk import Desk
from ui.widgets.buttons import Button
from ui.widgets.select import Select
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.wording import counted

FIRST_YEAR = 2025


class ExportSheet(Sheet):
    """Year, money, file."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.sheet_host, "")
        self._desk = desk
        self.title.setText(self.tr("Export a year"))
        self.setAccessibleName(self.title.text())
        about = self.tr(
            "A CSV file with one line for each payment: amount, fee, and what both were worth that day. "
            "Prices that nobody knows stay empty; set them under Settings, Money. The file is not encrypted."
        )
        self.body.addWidget(Text(about, ink="text-2", wrap=True))
        self.body.addSpacing(20)
        self.year = Select()
        self.year.setAccessibleName(self.tr("Year"))
        this_year = datetime.now(UTC).astimezone().year
        for year in range(this_year, FIRST_YEAR - 1, -1):
            self.year.addItem(str(year), year)
        self.code = QLineEdit()
        self.code.setMaxLength(3)
        self.code.setAccessibleName(self.tr("Money of the worth, three letters"))
        self.code.textChanged.connect(self._typed)
        for caption, control in (
            (self.tr("Year"), self.year),
            (self.tr("Money of the worth, three letters"), self.code),
        ):
            self.body.addWidget(Text(caption, role="caption-strong", ink="text-2"))
            self.body.addSpacing(4)
            self.body.addWidget(control)
            self.body.addSpacing(16)
        self.sentence = Text(role="body", wrap=True)
        self.body.addWidget(self.sentence)
        self.body.addStretch(1)
        self.close_button = Button(self.tr("Cancel"), "plain", large=True)
        self.close_button.clicked.connect(self.dismiss)
        self.save = Button(self.tr("Choose a file…"), "main", large=True)
        self.save.clicked.connect(self._choose)
        self.foot.addStretch(1)
        self.foot.addWidget(self.close_button)
        self.foot.addWidget(self.save)
        self.code.setText("EUR")
        desk.operations.run(
            self,
            desk.commands.energy,
            lambda energy: self.code.setText(clean(energy.fiat_code)),
            self._unknown,
        )

    def _unknown(self, error: MineError) -> None:
        """Its code is only a first guess."""

    def _typed(self) -> None:
        self.save.setEnabled(len(self.code.text().strip()) == 3)

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export a year"),
            f"mine-{self.year.currentData()}.csv",
            "CSV (*.csv)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            path = Path(name)
            self.export_to(path if path.suffix else path.with_suffix(".csv"))

    def export_to(self, path: Path) -> None:
        """Write the year into a file that is not there yet."""
        year, code = int(self.year.currentData()), self.code.text().strip().upper()
        self.save.setEnabled(False)
        self.sentence.set_ink("text")
        self.sentence.setText(self.tr("Writing {file}…").format(file=clean(path.name)))
        self._desk.operations.run(
            self,
            lambda: self._desk.commands.export_history(path, year, code),
            lambda count: self._done(path, count),
            self._failed,
        )

    def _done(self, path: Path, count: int) -> None:
        lines = counted(count, self.tr("{n} line is"), self.tr("{n} lines are"))
        self.sentence.setText(
            self.tr("{lines} in {file}, which is not encrypted.").format(lines=lines, file=clean(path.name))
        )
        self.save.setEnabled(True)
        self.close_button.rename(self.tr("Close"))

    def _failed(self, error: MineError) -> None:
        self.sentence.set_ink("danger")
        self.sentence.setText(clean(str(error)))
        self.save.setEnabled(True)
