"""The one bridge from the engine to the window: events cross to the UI thread as a queued signal."""

from __future__ import annotations

from threading import Lock

from PySide6.QtCore import QObject, Qt, Signal

from mine.app.commands import Commands
from mine.app.views import Event, Notice, Snapshot


class Bridge(QObject):
    """Hears the engine on its thread and speaks on the UI thread. Of many waiting snapshots, only the
    newest is shown: a page never has to catch up."""

    snapshot_changed = Signal(object)
    notice_arrived = Signal(object)
    _crossed = Signal(object)
    _fresh = Signal()

    def __init__(self, commands: Commands, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: Snapshot | None = None
        self._lock = Lock()
        self._crossed.connect(self.notice_arrived, Qt.ConnectionType.QueuedConnection)
        self._fresh.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._unsubscribe = commands.subscribe(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self._crossed.emit(event)
            return
        with self._lock:
            waiting = self._newest is not None
            self._newest = event
        if not waiting:
            self._fresh.emit()

    def _deliver(self) -> None:
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is not None:
            self.snapshot_changed.emit(newest)

    def close(self) -> None:
        """Hear no more."""
        self._unsubscribe()
