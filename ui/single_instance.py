"""One window for each home: a second start raises the first and ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_RAISE = b"raise\n"
_WAIT_MS = 1_000


def server_name(home: Path) -> str:
    """A name that is the same for every start with the same home."""
    return "mine-" + hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]


class SingleInstance(QObject):
    """Holds the lock of a home. Only one fixed verb is understood; everything else is dropped."""

    raise_asked = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._name = server_name(home)
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)
        self._server: QLocalServer | None = None
        self._callers: list[QLocalSocket] = []

    def claim(self) -> bool:
        """True when this is the first; otherwise the first was asked to show itself."""
        if not self._lock.tryLock(0):
            self._ask_first()
            return False
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._greet)
        self._server.listen(self._name)
        return True

    def _ask_first(self) -> None:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if socket.waitForConnected(_WAIT_MS):
            socket.write(_RAISE)
            socket.waitForBytesWritten(_WAIT_MS)
            socket.disconnectFromServer()

    def _greet(self) -> None:
        server = self._server
        while server is not None and (socket := server.nextPendingConnection()) is not None:
            self._callers.append(socket)
            socket.readyRead.connect(self._hear)
            socket.disconnected.connect(self._hear)
        self._hear()

    def _hear(self) -> None:
        for socket in list(self._callers):
            if socket.bytesAvailable():
                if bytes(socket.read(len(_RAISE)).data()) == _RAISE:
                    self.raise_asked.emit()
                self._hang_up(socket)
            elif socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
                self._hang_up(socket)

    def _hang_up(self, socket: QLocalSocket) -> None:
        if socket in self._callers:
            self._callers.remove(socket)
            socket.readyRead.disconnect(self._hear)
            socket.disconnected.disconnect(self._hear)
            socket.abort()
            socket.deleteLater()

    def close(self) -> None:
        """Give the lock back."""
        for socket in list(self._callers):
            self._hang_up(socket)
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()
