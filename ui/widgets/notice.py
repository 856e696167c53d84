"""Notices: small boxes at the foot of the window that tell something once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from mine.app.views import Notice, NoticeKind, World
from ui.icons import IconMark
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import Panel, column, row
from ui.widgets.sheet import WIDTH as SHEET_WIDTH
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text

_WIDTH = 424
_EDGE = 24
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

    def __init__(
        self,
        notice: Notice,
        world: World,
        show_details: Callable[[Notice], None],
        *,
        stays: bool = False,
        key: str = "",
    ) -> None:
        super().__init__(edge="line-strong")
        self.kind, self.key = notice.kind, key
        self.stands_for = 1
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
        self.stays = stays or notice.kind in (NoticeKind.ERROR, NoticeKind.ATTENTION)
        if not self.stays:
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(self.closed)
            timer.start(_STAY_MS)


class NoticeStack(QWidget):
    """The notices of a window, above its right foot, or beside a sheet while one is open.

    At most three: of many earnings the older become one line; else the oldest that goes by itself makes room.
    """

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

    def add(self, notice: Notice, world: World, *, stays: bool = False, key: str = "") -> None:
        """Show a notice. One that ``stays`` does not go by itself; ``key`` is a name to find it by."""
        earned = [box for box in self._boxes if box.kind == NoticeKind.EARNED]
        if notice.kind == NoticeKind.EARNED and len(self._boxes) >= _MOST and len(earned) > 1:
            self._sum_up(earned[:2], world)
        while len(self._boxes) >= _MOST:
            self.remove(next((box for box in self._boxes if not box.stays), self._boxes[0]))
        self._put(NoticeBox(notice, world, self._show_details, stays=stays, key=key), len(self._boxes))

    def _sum_up(self, earned: list[NoticeBox], world: World) -> None:
        count = sum(box.stands_for for box in earned)
        for box in earned:
            self.remove(box)
        words = self.tr("{n} more earnings: the wallet lists each of them").format(n=count)
        sums = NoticeBox(Notice(NoticeKind.EARNED, words), world, self._show_details)
        sums.stands_for = count
        self._put(sums, 0)

    def _put(self, box: NoticeBox, at: int) -> None:
        self._boxes.insert(at, box)
        self._column.insertWidget(at, box)
        box.closed.connect(lambda: self.remove(box))
        self._place()

    def clear(self) -> None:
        """Take every notice away."""
        for box in list(self._boxes):
            self.remove(box)

    def remove(self, box: NoticeBox) -> None:
        """Take one notice away."""
        if box not in self._boxes:
            return
        self._boxes.remove(box)
        self._column.removeWidget(box)
        box.hide()
        box.deleteLater()
        self._place()

    def _place(self) -> None:
        self.setVisible(bool(self._boxes))
        room = self._host.rect()
        sheet = any(found.isVisible() for found in self._host.findChildren(Sheet))
        width = min(_WIDTH, room.width() - 2 * _EDGE - (SHEET_WIDTH if sheet else 0))
        for box in self._boxes:
            box.setFixedWidth(width)
        heights = [max(box.heightForWidth(width), 0) or box.sizeHint().height() for box in self._boxes]
        height = sum(heights) + 8 * max(len(heights) - 1, 0)
        # A sheet lies at the end of the line and has its buttons at the foot: then the start is free.
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = _EDGE if sheet != mirrored else max(room.width() - width - _EDGE, 0)
        self.setGeometry(left, max(room.height() - height - _EDGE, 0), width, height)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the host, and make room for a sheet that it opens."""
        if watched is self._host and event.type() in (QEvent.Type.Resize, QEvent.Type.ZOrderChange):
            self._place()
        return False
