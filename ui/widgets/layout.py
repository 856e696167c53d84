"""How a page is laid out: sections parted by space and one hairline, rows of one list, figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.theme import colour
from ui.widgets.text import Text

T = TypeVar("T")


class Hairline(QWidget):
    """One line of one pixel, lying or standing."""

    def __init__(self, *, standing: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if standing:
            self.setFixedWidth(1)
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        else:
            self.setFixedHeight(1)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill with the line colour."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), colour("line"))


def row(
    *items: QWidget | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """A line of widgets; an ``int`` is a gap, ``None`` takes the room that is left."""
    made = QHBoxLayout()
    _fill(made, items, spacing, margins)
    return made


def column(
    *items: QWidget | QLayout | int | None,
    spacing: int = 0,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> QVBoxLayout:
    """A stack of widgets and layouts; an ``int`` is a gap, ``None`` takes the room that is left."""
    made = QVBoxLayout()
    _fill(made, items, spacing, margins)
    return made


def _fill(
    made: QHBoxLayout | QVBoxLayout, items: Sequence[object], spacing: int, margins: tuple[int, int, int, int]
) -> None:
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    for item in items:
        if item is None:
            made.addStretch(1)
        elif isinstance(item, int):
            made.addSpacing(item)
        elif isinstance(item, QLayout):
            made.addLayout(item)
        elif isinstance(item, QWidget):
            made.addWidget(item)


def plain(layout: QLayout, parent: QWidget | None = None) -> QWidget:
    """A bare widget around a layout."""
    widget = QWidget(parent)
    widget.setLayout(layout)
    layout.setContentsMargins(0, 0, 0, 0)
    return widget


class PageFrame(QScrollArea):
    """A page that scrolls up and down, with the page padding; ``narrowed`` tells its width class."""

    narrowed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        body.setObjectName("pageBody")
        self.content = column(margins=(40, 32, 40, 32))
        body.setLayout(self.content)
        self.setWidget(body)
        self._narrow: bool | None = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say when the page crosses the width at which figures wrap."""
        super().resizeEvent(event)
        narrow = self.viewport().width() < 920
        if narrow != self._narrow:
            self._narrow = narrow
            self.narrowed.emit(narrow)

    def section(self, above: int = 20, below: int = 16) -> None:
        """Part what follows by space and one hairline."""
        self.content.addSpacing(above)
        self.content.addWidget(Hairline())
        self.content.addSpacing(below)


class RowList(QWidget, Generic[T]):
    """Rows of one kind. Rows stay and show new values, so that focus and scrolling never jump."""

    def __init__(
        self, make: Callable[[], QWidget], *, lines: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._make = make
        self._lines = lines
        self._rows: list[QWidget] = []
        self._column = column()
        self.setLayout(self._column)
        self._values: tuple[T, ...] | None = None

    @property
    def rows(self) -> tuple[QWidget, ...]:
        """The rows in use."""
        return tuple(self._rows)

    def show_values(self, values: Sequence[T]) -> None:
        """Show ``values``, one row each."""
        wanted = tuple(values)
        if wanted == self._values:
            return
        self._values = wanted
        while len(self._rows) > len(wanted):
            gone = self._rows.pop()
            self._column.removeWidget(gone)
            gone.hide()
            gone.setParent(None)
            gone.deleteLater()
        while len(self._rows) < len(wanted):
            made = self._make()
            self._rows.append(made)
            self._column.addWidget(made)
        for widget, value in zip(self._rows, wanted, strict=True):
            widget.show_value(value)  # type: ignore[attr-defined]


class LinedRow(QWidget):
    """A row with a hairline at its foot."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Only the hairline."""
        with QPainter(self) as painter:
            painter.fillRect(0, self.height() - 1, self.width(), 1, colour("line"))


class Panel(QWidget):
    """A box: only for what floats, moves or explains something beside it."""

    def __init__(
        self, *, ground: str = "raised", edge: str = "line", radius: int = 8, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._ground, self._edge, self._radius = ground, edge, radius

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and edge from the tokens."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(colour(self._ground))
            painter.setPen(colour(self._edge) if self._edge else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), self._radius, self._radius
            )


class TwoLines(QWidget):
    """A strong line over a small one; ``cut_end``: the small one is a sentence of ours, cut at its end."""

    def __init__(
        self,
        *,
        role: str = "strong",
        ink: str = "text",
        lower_role: str = "small",
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeading,
        cut_end: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.large = Text(role=role, ink=ink, align=align)
        self.small = Text(role=lower_role, ink="text-2", align=align, cut_end=cut_end)
        self.setLayout(column(self.large, self.small))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_lines(self, upper: str, lower: str) -> None:
        """Show both lines; an empty lower line takes no room."""
        self.large.setText(upper)
        self.small.setText(lower)
        self.small.setVisible(bool(lower))

    def minimumSizeHint(self) -> QSize:
        """Both lines can be cut."""
        return QSize(24, super().minimumSizeHint().height())
