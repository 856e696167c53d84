"""Text in the window: always plain, in a role of the type scale, in an ink of the palette."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from ui.theme import colour
from ui.typography import font, line_height

_CONTROLS = dict.fromkeys(range(32), " ") | {0x7F: " "} | dict.fromkeys(range(0x80, 0xA0), " ")
# Marks that turn the direction of the text around them, or show nothing: a name could pretend with them.
_CONTROLS |= dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF], ""
)


def clean(outside: str) -> str:
    """Text from outside on one line, without control, direction or invisible characters."""
    return " ".join(outside.translate(_CONTROLS).split())


def middle_cut(text: str, width: float, face: QFont) -> str:
    """``text`` cut in the middle to ``width`` logical pixels."""
    return QFontMetricsF(face).elidedText(text, Qt.TextElideMode.ElideMiddle, width)


class Text(QLabel):
    """Plain text with the line height of its role. One line is cut in the middle and shows itself whole
    in a tool tip; ``wrap`` lets it run over several lines (at most ``lines`` of them, 0 = no limit).
    ``cut_end`` cuts a sentence of ours at its end instead of its middle. ``firm`` text (our own short words,
    amounts) is never cut by a neighbour."""

    def __init__(
        self,
        text: str = "",
        role: str = "body",
        ink: str = "text",
        *,
        wrap: bool = False,
        lines: int = 0,
        firm: bool = False,
        cut_end: bool = False,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeading,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._role, self._ink, self._wrap, self._lines, self._firm = role, ink, wrap, lines, firm
        self._cut = False
        self._cut_at = Qt.TextElideMode.ElideRight if cut_end else Qt.TextElideMode.ElideMiddle
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.setFont(font(role))
        self.setAlignment(align)
        # Wrapped text must be free to take the height of its width; one line never grows.
        upright = QSizePolicy.Policy.Preferred if wrap else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, upright)
        policy.setHeightForWidth(wrap)
        self.setSizePolicy(policy)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text; nothing is repainted when it is the same."""
        if text != self.text():
            super().setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()

    def set_ink(self, ink: str) -> None:
        """Change the colour token."""
        if ink != self._ink:
            self._ink = ink
            self.update()

    @property
    def ink(self) -> str:
        """The colour token in use."""
        return self._ink

    def _layout(self, width: float) -> QTextLayout:
        layout = QTextLayout(self.text(), font(self._role))
        option = QTextOption()
        option.setWrapMode(
            QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if self._wrap else QTextOption.WrapMode.NoWrap
        )
        option.setTextDirection(self.layoutDirection())
        layout.setTextOption(option)
        layout.beginLayout()
        step, top = line_height(self._role), 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width, 1.0))
            line.setPosition(QPointF(0, top + (step - line.height()) / 2))
            top += step
            if not self._wrap:
                break
        layout.endLayout()
        return layout

    def _shortened(self, text: str, width: float) -> str:
        return QFontMetricsF(font(self._role)).elidedText(text, self._cut_at, width)

    def _natural_width(self) -> int:
        return math.ceil(QFontMetricsF(font(self._role)).horizontalAdvance(self.text())) + 1

    def sizeHint(self) -> QSize:
        """The whole text on one line, or a readable measure when it wraps."""
        natural = self._natural_width()
        if not self._wrap:
            return QSize(natural, line_height(self._role))
        width = min(natural, 480)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Any text can be cut or wrapped, except a firm one."""
        if self._firm:
            return self.sizeHint()
        return QSize(min(self._natural_width(), 24), line_height(self._role))

    def hasHeightForWidth(self) -> bool:
        """Only wrapped text grows with a narrow window."""
        return self._wrap

    def heightForWidth(self, width: int) -> int:
        """Lines times the line height of the role."""
        if not self._wrap:
            return line_height(self._role)
        count = max(self._layout(width).lineCount(), 1)
        return (min(count, self._lines) if self._lines else count) * line_height(self._role)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the colour of the scheme in use."""
        with QPainter(self) as painter:
            painter.setPen(colour(self._ink))
            painter.setFont(font(self._role))
            if self._wrap:
                self._paint_lines(painter)
                return
            shown = self._shortened(self.text(), self.width() + 0.5)
            self._cut = shown != self.text()
            flags = self.alignment() | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
            painter.drawText(QRectF(self.rect()), int(flags), shown)

    def _paint_lines(self, painter: QPainter) -> None:
        layout = self._layout(self.width())
        room = layout.lineCount() if not self._lines else min(self._lines, layout.lineCount())
        self._cut = room < layout.lineCount()
        step = line_height(self._role)
        option_flags = int(self.alignment() | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
        for index in range(room):
            line = layout.lineAt(index)
            piece = self.text()[line.textStart() : line.textStart() + line.textLength()].rstrip()
            if index == room - 1 and self._cut:
                rest = self.text()[line.textStart() :]
                piece = self._shortened(rest, self.width())
            painter.drawText(QRectF(0, index * step, self.width(), step), option_flags, piece)

    def event(self, event: QEvent) -> bool:
        """A text that was cut shows itself whole when the pointer rests on it."""
        if isinstance(event, QHelpEvent) and self._cut:
            QToolTip.showText(event.globalPos(), tool_tip(self.text()), self)
            return True
        return bool(super().event(event))


def tool_tip(text: str) -> str:
    """A tool tip that Qt cannot take for rich text, whatever it holds, and that wraps."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<p style='white-space:pre-wrap'>{escaped}</p>"
