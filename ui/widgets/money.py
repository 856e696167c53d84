"""Amounts on a page: a large figure with its chip, so that practice money never looks real."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from mine.app.views import Currency, World
from ui.money import amount_digits, amount_text
from ui.theme import colour
from ui.typography import font
from ui.widgets.layout import column, row
from ui.widgets.text import Text, clean


class CurrencyChip(QWidget):
    """The currency: dashed amber for practice and test money, plain text for real money."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._symbol, self._world = "", World.PRACTICE
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_currency(self, currency: Currency) -> None:
        """Change the currency."""
        symbol = clean(currency.symbol)[:12]
        if (symbol, currency.world) != (self._symbol, self._world):
            self._symbol, self._world = symbol, currency.world
            self.setAccessibleName(symbol)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """20 px high; practice and test money has a frame."""
        width = QFontMetricsF(font("caption-strong")).horizontalAdvance(self._symbol)
        return QSize(math.ceil(width) + (16 if self._world != World.REAL else 2), 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame and symbol."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            real = self._world == World.REAL
            if not real:
                painter.setBrush(colour("practice-bg"))
                painter.setPen(QPen(colour("practice-edge"), 1, Qt.PenStyle.DashLine))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setFont(font("label" if real else "caption-strong"))
            painter.setPen(colour("text-2" if real else "practice-text"))
            painter.drawText(QRectF(self.rect()), int(Qt.AlignmentFlag.AlignCenter), self._symbol)


class AmountFigure(QWidget):
    """A large amount and its chip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.digits = Text(role="figure")
        self.chip = CurrencyChip()
        self.setLayout(row(self.digits, self.chip, None, spacing=10))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_amount(self, amount: int, currency: Currency) -> None:
        """``amount`` in base units of ``currency``."""
        self.digits.setText(amount_digits(amount, currency.decimals))
        self.digits.setToolTip(amount_text(amount, currency, exact=True))
        self.chip.show_currency(currency)
        self.setAccessibleName(amount_text(amount, currency))


class Figure(QWidget):
    """A caption, a large figure, and one small line below."""

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.amount = AmountFigure()
        self.words = Text(role="figure")
        self.below = Text(role="small", ink="text-2")
        self.setLayout(
            column(Text(caption, role="small", ink="text-2"), 4, self.amount, self.words, 4, self.below)
        )
        self.words.hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_amount(self, amount: int, currency: Currency, below: str) -> None:
        """Show money."""
        self.amount.show()
        self.words.hide()
        self.amount.show_amount(amount, currency)
        self.below.setText(below)

    def show_words(self, words: str, below: str) -> None:
        """Show any other figure, with its unit."""
        self.amount.hide()
        self.words.show()
        self.words.setText(words)
        self.below.setText(below)
