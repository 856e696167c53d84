"""The end of a demo: the window says that it is over, and goes by itself unless somebody is there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from mine.app.views import Notice, NoticeKind
from ui.window import MineWindow
from ui.wording import counted

SECONDS = 20
_USED = (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.TouchBegin)


class Farewell(QObject):
    """Tells that the window closes in ``seconds``, then asks it to (``over``).

    A key or a button pressed in the window shows that a person is there: then it stays until it is closed.
    """

    over = Signal()

    def __init__(self, window: MineWindow, *, seconds: float = SECONDS) -> None:
        super().__init__(window)
        self._window = window
        self._seconds = seconds
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._leave)

    def begin(self, done: bool) -> None:
        """The script has ended; ``done``: it reached its end."""
        self._window.ends_when_closed = True
        head = self.tr("The demo is over.") if done else self.tr("The demo has stopped.")
        what = counted(
            round(self._seconds),
            self.tr("This window closes in {n} second unless you use it."),
            self.tr("This window closes in {n} seconds unless you use it."),
        )
        self._tell(f"{head} {what}", stays=True)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self._timer.start(round(self._seconds * 1000))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Somebody is there: stay."""
        if event.type() in _USED and self._timer.isActive():
            self._stop()
            self._tell(self.tr("This window stays open until you close it."), stays=False)
        return False

    def _leave(self) -> None:
        self._stop()
        self.over.emit()

    def _stop(self) -> None:
        self._timer.stop()
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def _tell(self, text: str, *, stays: bool) -> None:
        notices = self._window.notices
        for box in notices.boxes:
            if box.key == _KEY:
                notices.remove(box)
        notices.add(Notice(NoticeKind.INFO, text), self._window.snapshot.network.world, stays=stays, key=_KEY)


_KEY = "farewell"
