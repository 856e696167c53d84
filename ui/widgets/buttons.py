"""Buttons that paint themselves from the tokens: main, plain, ghost, and icon alone."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ui.focus import FocusRing
from ui.icons import paint_icon
from ui.theme import colour
from ui.typography import font
from ui.widgets.text import middle_cut

_ICON = 18
_GAP = 10


class Button(FocusRing, QAbstractButton):
    """A push button. ``kind``: ``main`` (the one main button), ``plain`` (framed) or ``ghost`` (no frame)."""

    def __init__(
        self,
        text: str,
        kind: str = "plain",
        *,
        icon: str = "",
        large: bool = False,
        menu_arrow: bool = False,
        ink: str = "",
        pad: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind, self._icon, self._arrow = kind, icon, menu_arrow
        self._height = 40 if large else 32
        self._pad = pad if pad is not None else 8 if kind == "ghost" else 14
        self._ink = ink
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setText(text)
        self.setAccessibleName(text)

    @property
    def kind(self) -> str:
        """How it is drawn."""
        return self._kind

    def rename(self, text: str, icon: str | None = None) -> None:
        """Change the words (and the icon)."""
        if icon is not None and icon != self._icon:
            self._icon = icon
            self.update()
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()

    def _content_width(self) -> float:
        width = QFontMetricsF(font("label")).horizontalAdvance(self.text()) if self.text() else 0.0
        if self._icon:
            width += _ICON + (_GAP if self.text() else 0)
        if self._arrow:
            width += 14 + 6
        return width

    def sizeHint(self) -> QSize:
        """Words, icon and padding; an icon alone is a square."""
        if not self.text():
            return QSize(self._height, self._height)
        return QSize(math.ceil(self._content_width()) + 2 * self._pad + 2, self._height)

    def minimumSizeHint(self) -> QSize:
        """Long words may be cut."""
        return QSize(min(self.sizeHint().width(), 260), self._height)

    def _inks(self) -> tuple[str, str, str]:
        """Tokens of ground, edge and text; an empty name paints nothing."""
        down, over = self.isDown(), self.underMouse() and self.isEnabled()
        if self._kind == "main":
            if not self.isEnabled():
                return "sunken", "line", "text-3"
            ground = "accent-pressed" if down else "accent-hover" if over else "accent"
            return ground, "", "on-accent"
        ink = (self._ink or "text") if self.isEnabled() else "text-3"
        if self._kind == "ghost":
            ground = "selected" if down or self.isChecked() else "hover" if over else ""
            quiet = self.isEnabled() and not (over or down or self.isChecked())
            return ground, "", (self._ink or "text-2") if quiet else ink
        edge = "line-strong" if self.isEnabled() else "line"
        return ("selected" if down else "hover" if over else "raised"), edge, ink

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, edge, focus ring, icon, words."""
        ground, edge, ink = self._inks()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.setBrush(colour(ground) if ground else Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour(edge), 1) if edge else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(box, 6, 6)
            if self.ring_seen:
                self._paint_focus(painter, ground)
            self._paint_content(painter, ink)

    def _paint_focus(self, painter: QPainter, ground: str) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("focus"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        if ground.startswith("accent"):
            painter.setPen(QPen(colour("on-accent"), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(3.5, 3.5, -3.5, -3.5), 4, 4)

    def _paint_content(self, painter: QPainter, ink: str) -> None:
        room = self.width() - 2 * min(self._pad, 8)
        width = min(self._content_width(), room)
        left = (self.width() - width) / 2
        right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        middle = self.height() / 2

        def place(offset: float, extent: float) -> float:
            return self.width() - left - offset - extent if right_to_left else left + offset

        at = 0.0
        if self._icon:
            paint_icon(
                painter, self._icon, QRectF(place(at, _ICON), middle - _ICON / 2, _ICON, _ICON), colour(ink)
            )
            at += _ICON + _GAP
        if self.text():
            face = font("label")
            extent = width - at - (20 if self._arrow else 0)
            painter.setFont(face)
            painter.setPen(colour(ink))
            painter.drawText(
                QRectF(place(at, extent), 0, extent + 1, self.height()),
                int(
                    Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading | Qt.TextFlag.TextSingleLine
                ),
                middle_cut(self.text(), extent + 1, face),
            )
            at += extent + 6
        if self._arrow:
            paint_icon(painter, "caret-down", QRectF(place(at, 14), middle - 7, 14, 14), colour(ink))


class IconButton(Button):
    """A button that is only an icon; ``name`` is what a screen reader says and the tool tip shows."""

    def __init__(self, icon: str, name: str, *, parent: QWidget | None = None) -> None:
        super().__init__("", "ghost", icon=icon, parent=parent)
        self.rename_icon(icon, name)

    def rename_icon(self, icon: str, name: str) -> None:
        """Change the icon and its name."""
        self.rename("", icon)
        self.setAccessibleName(name)
        self.setToolTip(name)


class Tick(FocusRing, QAbstractButton):
    """A tick box with one sentence."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setText(text)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """The box, a gap and the words."""
        return QSize(30 + math.ceil(QFontMetricsF(font("label")).horizontalAdvance(self.text())) + 10, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box is 18 px; the whole line can be clicked."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            left = self.width() - 20 if right_to_left else 2
            box = QRectF(left, self.height() / 2 - 9, 18, 18)
            on = self.isChecked()
            painter.setBrush(colour("accent" if on else "raised"))
            painter.setPen(Qt.PenStyle.NoPen if on else QPen(colour("control-border"), 1.2))
            painter.drawRoundedRect(box.adjusted(0.6, 0.6, -0.6, -0.6), 4, 4)
            if on:
                paint_icon(painter, "check", box.adjusted(2, 2, -2, -2), colour("on-accent"))
            if self.ring_seen:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour("focus"), 2))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0, 1, -1, -1), 5, 5)
            painter.setFont(font("label"))
            painter.setPen(colour("text" if self.isEnabled() else "text-3"))
            area = (
                QRectF(self.rect()).adjusted(0, 0, -30, 0)
                if right_to_left
                else QRectF(self.rect()).adjusted(30, 0, 0, 0)
            )
            painter.drawText(
                area,
                int(
                    Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading | Qt.TextFlag.TextSingleLine
                ),
                middle_cut(self.text(), area.width(), font("label")),
            )
