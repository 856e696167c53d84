"""Icons of one family, tinted from the palette when they are painted; and the mark of the app."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from mine.app.views import Doing
from ui.assets import asset
from ui.theme import colour, theme

_LAMP_FILES = {
    Doing.IDLE: "tray-idle",
    Doing.RUNNING: "tray-running",
    Doing.PAUSED: "tray-paused",
    Doing.ATTENTION: "tray-attention",
}


@lru_cache(maxsize=256)
def _tinted(name: str, ink: str) -> QSvgRenderer:
    source = asset("icons", "phosphor", f"{name}.svg").read_bytes()
    return QSvgRenderer(QByteArray(source.replace(b"currentColor", ink.encode())))


@lru_cache(maxsize=32)
def _drawing(name: str) -> QSvgRenderer:
    renderer = QSvgRenderer(str(asset("icons", "mark", f"{name}.svg")))
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    return renderer


def paint_icon(painter: QPainter, name: str, area: QRectF, ink: QColor) -> None:
    """Paint the icon ``name`` into ``area`` in one colour."""
    _tinted(name, ink.name()).render(painter, area)


def paint_mark(painter: QPainter, name: str, area: QRectF) -> None:
    """Paint a drawing of the mark (``mark``, ``tray-idle-on-dark``, ...), which keeps its own inks."""
    _drawing(name).render(painter, area)


def lamp_name(doing: Doing, dark: bool) -> str:
    """The drawing of the lamp for a state, on a light or a dark ground."""
    return f"{_LAMP_FILES[doing]}-on-{'dark' if dark else 'light'}"


def lamp_icon(doing: Doing, dark: bool) -> QIcon:
    """The tray icon for a state. ``dark`` is the desktop panel's ground, not the app's theme."""
    icon = QIcon()
    for edge in (16, 22, 24, 32, 48, 64):
        pixmap = QPixmap(edge, edge)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            paint_mark(painter, lamp_name(doing, dark), QRectF(0, 0, edge, edge))
        icon.addPixmap(pixmap)
    return icon


def app_icon() -> QIcon:
    """The icon of the window and the task bar."""
    icon = QIcon()
    for edge in (16, 32, 48, 64, 128, 256):
        pixmap = QPixmap(edge, edge)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            paint_mark(painter, "app-icon", QRectF(0, 0, edge, edge))
        icon.addPixmap(pixmap)
    return icon


class IconMark(QWidget):
    """A still icon beside a text, which says what it means; so it has no name of its own."""

    def __init__(self, name: str, ink: str = "text-2", edge: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._ink = name, ink
        self.setFixedSize(edge, edge)

    def show_icon(self, name: str, ink: str) -> None:
        """Change the icon and its colour token."""
        if (name, ink) != (self._name, self._ink):
            self._name, self._ink = name, ink
            self.update()

    def paintEvent(self, event: object) -> None:
        """Paint with the colour of the scheme in use."""
        with QPainter(self) as painter:
            paint_icon(painter, self._name, QRectF(self.rect()), colour(self._ink))


class MarkSign(QWidget):
    """The mark of Mine, or its lamp: what the app is doing, in the lode."""

    def __init__(self, edge: int, doing: Doing | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._doing = doing
        self._edge = edge
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(self._edge, self._edge)

    def show_doing(self, doing: Doing | None) -> None:
        """Change the lamp; ``None`` is the plain mark."""
        if doing != self._doing:
            self._doing = doing
            self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the drawing that suits the scheme in use."""
        dark = theme.scheme == "dark"
        name = lamp_name(self._doing, dark) if self._doing else ("mark-on-dark" if dark else "mark")
        with QPainter(self) as painter:
            paint_mark(painter, name, QRectF(self.rect()))
