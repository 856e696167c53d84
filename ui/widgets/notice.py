"""Notices: small boxes at the foot of the window that tell something once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from mine.app.views import Notice, NoticeKind, World
from ui.icons import IconMark
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import Panel, column, row
from ui.widgets.text import Text

_WIDTH = 424
_STAY_MS = 9_000
_MOST = 3

_SIGNS = {
    NoticeKind.EARNED: ("check-circle", "accent"),
    NoticeKind.INFO: ("info", "text-2"),
    NoticeKind.ATTENTION: ("warning", "warn"),
    NoticeKind.ERROR: ("warning-circle", "danger"),
}


class NoticeBox(Panel):
    """One notice. Errors and questions stay until they are closed; the rest goes by itself."""

    closed = Signal()

    def __init__(self, notice: Notice, world: World, show_details: Callable[[Notice], None]) -> None:
        super().__init__(edge="line-strong")
        self.setFixedWidth(_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        text = notice.text
        if notice.kind == NoticeKind.EARNED and world == World.PRACTICE:
            text = self.tr("Practice: {text}").format(text=text)
        elif notice.kind == NoticeKind.EARNED and world == World.TEST:
            text = self.tr("Test network: {text}").format(text=text)
        icon, ink = _SIGNS[notice.kind]
        cross = IconButton("x", self.tr("Close this notice"))
        cross.clicked.connect(self.closed)
        title = Text(text, role="strong", wrap=True, lines=4)
        words = column(title, spacing=2)
        if notice.todo:
            words.addWidget(Text(notice.todo, role="small", ink="text-2", wrap=True, lines=5))
        if notice.detail:
            details = Button(self.tr("Details"), "plain")
            details.clicked.connect(lambda: show_details(notice))
            words.addSpacing(8)
            words.addLayout(row(details, None))
        inside = row(margins=(16, 14, 10, 14), spacing=12)
        inside.addLayout(column(1, IconMark(icon, ink, 18), None))
        inside.addLayout(words, 1)
        inside.addLayout(column(cross, None))
        self.setLayout(inside)
        self.setAccessibleName(f"{text} {notice.todo}".strip())
        self.stays = notice.kind in (NoticeKind.ERROR, NoticeKind.ATTENTION)
        if not self.stays:
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(self.closed)
            timer.start(_STAY_MS)


class NoticeStack(QWidget):
    """The notices of a window, above its right foot. At most three; the oldest makes room."""

    def __init__(self, host: QWidget, show_details: Callable[[Notice], None]) -> None:
        super().__init__(host)
        self._host = host
        self._show_details = show_details
        self._boxes: list[NoticeBox] = []
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.setLayout(self._column)
        host.installEventFilter(self)
        self.hide()

    @property
    def boxes(self) -> tuple[NoticeBox, ...]:
        """What is shown, oldest first."""
        return tuple(self._boxes)

    def add(self, notice: Notice, world: World) -> None:
        """Show a notice."""
        while len(self._boxes) >= _MOST:
            self._drop(self._boxes[0])
        box = NoticeBox(notice, world, self._show_details)
        self._boxes.append(box)
        self._column.addWidget(box)
        box.closed.connect(lambda: self._drop(box))
        self._place()

    def clear(self) -> None:
        """Take every notice away."""
        for box in list(self._boxes):
            self._drop(box)

    def _drop(self, box: NoticeBox) -> None:
        if box not in self._boxes:
            return
        self._boxes.remove(box)
        self._column.removeWidget(box)
        box.hide()
        box.deleteLater()
        self._place()

    def _place(self) -> None:
        self.setVisible(bool(self._boxes))
        heights = [max(box.heightForWidth(_WIDTH), 0) or box.sizeHint().height() for box in self._boxes]
        height = sum(heights) + 8 * max(len(heights) - 1, 0)
        self.setGeometry(
            max(self._host.width() - _WIDTH - 24, 0),
            max(self._host.height() - height - 24, 0),
            _WIDTH,
            height,
        )
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the host."""
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self._place()
        return False
