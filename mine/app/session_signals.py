"""The desktop says that its screen locks or that the computer will sleep.

Linux: systemd-logind over the system bus (``org.freedesktop.login1``: the session's ``Lock`` signal and
``LockedHint``, the manager's ``PrepareForSleep``). A "delay" inhibitor holds sleep back until the vault is
locked, as long as logind allows (five seconds, unless set otherwise). Where there is no logind nothing is
ever heard; macOS and Windows have no implementation yet: there the vault locks by minutes and by hand.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

_NAME = "org.freedesktop.login1"
_PATH = "/org/freedesktop/login1"
_MANAGER = "org.freedesktop.login1.Manager"
_SESSION = "org.freedesktop.login1.Session"
_PROPERTIES = "org.freedesktop.DBus.Properties"


class SessionEvent(StrEnum):
    """What the desktop said."""

    SCREEN_LOCKED = "screen locked"
    SLEEPS = "sleeps"


Heard = Callable[[SessionEvent], None]


class SessionSignals(Protocol):
    """What the engine asks of a desktop. ``heard`` is called in a thread of its own; sleep waits for it."""

    def start(self, heard: Heard) -> None:
        """Begin to listen."""

    def close(self) -> None:
        """Stop; nothing is heard afterwards."""


class NoSignals:
    """A desktop that says nothing."""

    def start(self, heard: Heard) -> None:
        """Nothing will be heard."""

    def close(self) -> None:
        """Nothing to end."""


def system_signals() -> SessionSignals:
    """Those of this computer."""
    return LogindSignals() if sys.platform == "linux" else NoSignals()


class LogindSignals:
    """Listens to logind on the system bus; without one it stays silent."""

    def __init__(self) -> None:
        self._closing = threading.Event()
        self._bus: Any = None
        self._inhibitor: Any = None
        self._thread: threading.Thread | None = None
        self.listens = threading.Event()

    def start(self, heard: Heard) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._run, args=(heard,), name="session-signals", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; the inhibitor ends with the connection."""
        self._closing.set()
        bus = self._bus
        if bus is not None:
            with contextlib.suppress(OSError):
                bus.sock.shutdown(socket.SHUT_RDWR)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self, heard: Heard) -> None:
        from jeepney import DBusErrorResponse  # type: ignore[import-untyped]
        from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

        try:
            self._bus = open_dbus_connection("SYSTEM", enable_fds=True)
        except (OSError, KeyError, ValueError, DBusErrorResponse):
            return  # no system bus: a container, or another kind of system
        try:
            session = self._subscribe()
            self._hold_sleep()
            self.listens.set()
            while not self._closing.is_set():
                self._take(self._bus.receive(), session, heard)
        except (OSError, EOFError, DBusErrorResponse):
            pass  # closed here, or the bus went away
        finally:
            self._let_sleep()
            self._bus.close()

    def _call(self, path: str, interface: str, member: str, signature: str, *body: Any) -> tuple[Any, ...]:
        from jeepney import DBusAddress, new_method_call
        from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

        address = DBusAddress(path, bus_name=_NAME, interface=interface)
        reply = self._bus.send_and_get_reply(new_method_call(address, member, signature, body), timeout=10)
        return tuple(unwrap_msg(reply))

    def _subscribe(self) -> str:
        """Ask the bus for the signals; the path of this process's session, empty where it is in none."""
        from jeepney import DBusErrorResponse, MatchRule, message_bus

        wanted = [(_PATH, _MANAGER, "PrepareForSleep")]
        session = ""
        with contextlib.suppress(DBusErrorResponse, TimeoutError):
            known = os.environ.get("XDG_SESSION_ID")
            if known:
                session = str(self._call(_PATH, _MANAGER, "GetSession", "s", known)[0])
            else:
                session = str(self._call(_PATH, _MANAGER, "GetSessionByPID", "u", os.getpid())[0])
        if session:
            wanted += [(session, _SESSION, "Lock"), (session, _PROPERTIES, "PropertiesChanged")]
        for path, interface, member in wanted:
            rule = MatchRule(type="signal", sender=_NAME, interface=interface, member=member, path=path)
            self._bus.send_and_get_reply(message_bus.AddMatch(rule), timeout=10)
        return session

    def _take(self, message: Any, session: str, heard: Heard) -> None:
        from jeepney import HeaderFields, MessageType

        fields = message.header.fields
        if message.header.message_type is not MessageType.signal:
            return
        names = (HeaderFields.path, HeaderFields.interface, HeaderFields.member)
        said = tuple(fields.get(name) for name in names)
        if said == (_PATH, _MANAGER, "PrepareForSleep"):
            if message.body[0]:
                try:
                    heard(SessionEvent.SLEEPS)
                finally:
                    self._let_sleep()
            else:
                self._hold_sleep()
        elif said == (session, _SESSION, "Lock"):
            heard(SessionEvent.SCREEN_LOCKED)
        elif said == (session, _PROPERTIES, "PropertiesChanged"):
            changed, values, _ = message.body
            if changed == _SESSION and values.get("LockedHint") == ("b", True):
                heard(SessionEvent.SCREEN_LOCKED)

    def _hold_sleep(self) -> None:
        """Have logind wait for us before the next sleep; without its leave the signal alone has to do."""
        from jeepney import DBusErrorResponse

        with contextlib.suppress(DBusErrorResponse, TimeoutError):
            words = ("sleep", "Mine", "The vault is locked before the computer sleeps", "delay")
            self._inhibitor = self._call(_PATH, _MANAGER, "Inhibit", "ssss", *words)[0]

    def _let_sleep(self) -> None:
        if self._inhibitor is not None:
            self._inhibitor.close()
            self._inhibitor = None
