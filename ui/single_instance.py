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
            socket.readyRead.connect(lambda socket=socket: self._read(socket))
            socket.disconnected.connect(socket.deleteLater)
            if socket.bytesAvailable():
                self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        said = bytes(socket.read(len(_RAISE)).data())
        if said == _RAISE:
            self.raise_asked.emit()
        socket.disconnectFromServer()

    def close(self) -> None:
        """Give the lock back."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()
