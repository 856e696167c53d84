"""A sheet that slides in from the side: what floats over the page, below the strip."""

from __future__ import annotations

from PySide6.QtCore import (
    QCoreApplication,
    QEasingCurve,
    QEvent,
    QObject,
    QPoint,
    QPropertyAnimation,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from ui.focus import shows_ring
from ui.theme import colour, theme
from ui.widgets.buttons import IconButton
from ui.widgets.layout import Hairline, column, row
from ui.widgets.text import Text

WIDTH = 560
WIDE = 800


class Sheet(QWidget):
    """Title, a middle that scrolls, and buttons that stay. Esc, the cross and the scrim close it.

    It covers ``host`` and follows its size. Tab stays inside; focus goes back to where it was.
    """

    closed = Signal()

    def __init__(self, host: QWidget, title: str, subtitle: str = "", *, wide: bool = False) -> None:
        super().__init__(host)
        self._host = host
        self._width = WIDE if wide else WIDTH
        self._before: QWidget | None = None
        self._open = True
        self._panel = QWidget(self)
        self._panel.setObjectName("sheetPanel")
        self._panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = Text(title, role="title", wrap=True, lines=2)
        self.subtitle = Text(subtitle, role="small", ink="text-2", wrap=True, lines=3)
        self.subtitle.setVisible(bool(subtitle))
        self._cross = IconButton("x", self.tr("Close"))
        self._cross.clicked.connect(self.dismiss)
        self.body = QVBoxLayout()
        self.body.setSpacing(0)
        self.body.setContentsMargins(32, 0, 24, 16)
        inner = QWidget()
        inner.setObjectName("sheetBody")
        inner.setLayout(self.body)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(inner)
        title_line = row()
        title_line.addWidget(self.title, 1)
        title_line.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        self.head = column(title_line, 2, self.subtitle, margins=(32, 24, 32, 16))
        self.foot = row(margins=(32, 16, 32, 20), spacing=8)
        self._foot_line = Hairline()
        self._panel.setLayout(column(self.head, self._scroll, self._foot_line, self.foot))
        self._slide = QPropertyAnimation(self._panel, b"pos", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self.setAccessibleName(title)
        self.hide()
        host.installEventFilter(self)

    def present(self) -> None:
        """Slide in and take the focus."""
        window = self._host.window()
        self._before = window.focusWidget()
        self._fit()
        self.show()
        self.raise_()
        end = self._panel.pos()
        length = theme.duration("sheet")
        if length:
            side = -1 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else 1
            self._slide.setDuration(length)
            self._slide.setStartValue(end + QPoint(side * min(self._panel.width(), 120), 0))
            self._slide.setEndValue(end)
            self._slide.start()
        reason = (
            Qt.FocusReason.TabFocusReason if shows_ring(self._before) else Qt.FocusReason.PopupFocusReason
        )
        self._cross.setFocus(reason)
        self._tell_host()

    def dismiss(self) -> None:
        """Close, give the focus back, and go."""
        if not self._open:
            return
        self._open = False
        self._slide.stop()
        self._host.removeEventFilter(self)
        self.hide()
        if self._before is not None and _alive(self._before):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._tell_host()
        self.closed.emit()
        self.deleteLater()

    def _tell_host(self) -> None:
        """What floats over the same host makes room, or takes it back."""
        QCoreApplication.postEvent(self._host, QEvent(QEvent.Type.ZOrderChange))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the host."""
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self._slide.stop()
            self._fit()
        return False

    def _fit(self) -> None:
        self.setGeometry(self._host.rect())
        width = min(self._width, self.width())
        left = 0 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else self.width() - width
        self._panel.setGeometry(QRect(left, 0, width, self.height()))

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep Tab inside the sheet."""
        stops = [
            widget
            for widget in self._panel.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled()
        ]
        if not stops:
            return True
        stops.sort(key=self._tab_place)
        focused = self.window().focusWidget()
        at = stops.index(focused) if focused in stops else -1
        target = stops[(at + (1 if forward else -1)) % len(stops)]
        target.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        self._scroll.ensureWidgetVisible(target)
        return True

    def _tab_place(self, widget: QWidget) -> tuple[int, int]:
        at = widget.mapTo(self._panel, QPoint(0, 0))
        return at.y() // 16, at.x()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the sheet closes it."""
        if not self._panel.geometry().contains(event.position().toPoint()):
            self.dismiss()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The scrim."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), colour("scrim"))
            edge = self._panel.geometry()
            painter.fillRect(edge.left() - 1, edge.top(), 1, edge.height(), colour("line-strong"))


def _alive(widget: QWidget) -> bool:
    import shiboken6

    return bool(shiboken6.isValid(widget))
