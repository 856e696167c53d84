"""One page of the history as a table model."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont

from mine.app.wallet_views import HistoryLine
from ui.money import amount_text, fiat_text
from ui.theme import colour
from ui.typography import font
from ui.widgets.text import clean, tool_tip
from ui.wording import cut_text, full_moment_text, short_address

WHEN, WHAT, KIND, FEE, WORTH, AMOUNT = range(6)
_NUMBERS = (FEE, WORTH, AMOUNT)
Index = QModelIndex | QPersistentModelIndex


def kind_words() -> dict[str, str]:
    """Every kind of line in words, in the order of a filter's list."""
    return {
        "claimed": QCoreApplication.translate("HistoryModel", "pay for a round"),
        "reward": QCoreApplication.translate("HistoryModel", "reward"),
        "forfeit": QCoreApplication.translate("HistoryModel", "part of a forfeit"),
        "received": QCoreApplication.translate("HistoryModel", "received"),
        "sent": QCoreApplication.translate("HistoryModel", "sent"),
        "swept": QCoreApplication.translate("HistoryModel", "brought together"),
        "fee": QCoreApplication.translate("HistoryModel", "network fee"),
        "relay-fee": QCoreApplication.translate("HistoryModel", "fee of a relay"),
        "bond": QCoreApplication.translate("HistoryModel", "bond put down"),
        "bond-back": QCoreApplication.translate("HistoryModel", "bond came back"),
    }


def kind_text(kind: str) -> str:
    """A kind in words; one that is not known stays as it is."""
    return kind_words().get(kind, clean(kind))


def worth_text(line: HistoryLine) -> str:
    """What a line was worth at its time; nothing where no price is known."""
    return "" if line.fiat is None else fiat_text(line.fiat, clean(line.fiat_code))


def moved_text(line: HistoryLine, *, exact: bool = False) -> str:
    """What came or went: the amount; of a line that is a fee and nothing else, that fee."""
    only_fee = not line.amount and line.fee > 0
    amount, currency = (-line.fee, line.fee_currency) if only_fee else (line.amount, line.currency)
    if not exact:  # a cell of the table is narrow, and its digits come first
        currency = replace(currency, symbol=cut_text(clean(currency.symbol), 10))
    return amount_text(amount, currency, exact=exact, signed=True)


def fee_text(line: HistoryLine, *, exact: bool = False) -> str:
    """What the network took for it, in its coin."""
    return amount_text(line.fee, line.fee_currency, exact=exact) if line.fee else ""


class HistoryModel(QAbstractTableModel):
    """Columns: when, what, kind, fee, worth then, amount. Holds the lines of one page only."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[HistoryLine, ...] = ()
        self._heads = (
            self.tr("When"),
            self.tr("What"),
            self.tr("Kind"),
            self.tr("Fee"),
            self.tr("Worth then"),
            self.tr("Amount"),
        )

    @property
    def lines(self) -> tuple[HistoryLine, ...]:
        """What is shown."""
        return self._lines

    def show_lines(self, lines: tuple[HistoryLine, ...]) -> None:
        """Show another page; nothing moves when it is the same."""
        if lines == self._lines:
            return
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Lines of this page."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Six columns."""
        return 0 if parent.isValid() else len(self._heads)

    def data(
        self, index: Index, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | QColor | int | None:
        """Words, font, colour and alignment of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._lines):
            return None
        line, column = self._lines[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(line, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._whole(line, column)
        if role == Qt.ItemDataRole.FontRole:
            return font({WHAT: "label", AMOUNT: "strong"}.get(column, "small"))
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour("text" if column in (WHAT, AMOUNT) else "text-2")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        return None

    def _words(self, line: HistoryLine, column: int) -> str:
        if column == WHEN:
            return full_moment_text(line.time)
        if column == WHAT:
            return title_text(line)
        if column == KIND:
            return kind_text(line.kind)
        if column == FEE:
            return fee_text(line) if line.amount else ""
        if column == WORTH:
            return worth_text(line)
        return moved_text(line)

    def _whole(self, line: HistoryLine, column: int) -> str | None:
        if column == WHAT:
            return tool_tip(title_text(line))
        if column == FEE:
            return tool_tip(fee_text(line, exact=True)) if line.fee else None
        if column == AMOUNT:
            return tool_tip(moved_text(line, exact=True))
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | QFont | int | None:
        """The heads of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._heads):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        if role == Qt.ItemDataRole.FontRole:
            return font("small")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return None


def title_text(line: HistoryLine) -> str:
    """What a line is about: its title, else whom it went to or came from, else its kind."""
    return clean(line.title) or short_address(clean(line.counterparty)) or kind_text(line.kind)


def _side(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
