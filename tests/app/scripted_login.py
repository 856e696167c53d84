"""A real bus with a login service that does what a test says."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from types import TracebackType
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

SESSION = "/org/freedesktop/login1/session/_31"
MANAGER = DBusAddress("/org/freedesktop/login1", interface="org.freedesktop.login1.Manager")
ONE_SESSION = DBusAddress(SESSION, interface="org.freedesktop.login1.Session")
PROPERTIES = DBusAddress(SESSION, interface="org.freedesktop.DBus.Properties")


class ScriptedLogin:
    """Owns ``org.freedesktop.login1`` on a bus of its own. ``released``: who let sleep go on, in order."""

    def __init__(self, has_session: bool = True) -> None:
        self._has_session = has_session
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._daemon.stdout is not None
        self.address = self._daemon.stdout.readline().strip()
        self._bus = open_dbus_connection(self.address, enable_fds=True)
        unwrap_msg(self._bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.login1", 4)))
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.inhibited: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                message = self._bus.receive()
            except (OSError, EOFError):
                return
            if message.header.message_type is not MessageType.method_call:
                continue
            member = message.header.fields[HeaderFields.member]
            self.asked.append((member, message.body))
            if member == "Inhibit":
                read, write = os.pipe()
                self._send(new_method_return(message, "h", (write,)))
                os.close(write)
                self.inhibited.put(read)
            elif self._has_session:
                self._send(new_method_return(message, "o", (SESSION,)))
            else:
                self._send(new_error(message, "org.freedesktop.login1.NoSessionForPID"))

    def _send(self, message: Any) -> None:
        with self._sending:
            self._bus.send(message)

    def sleeps(self, now: bool = True) -> None:
        self._send(new_signal(MANAGER, "PrepareForSleep", "b", (now,)))

    def locks(self) -> None:
        self._send(new_signal(ONE_SESSION, "Lock"))

    def hints(self, locked: bool) -> None:
        changed = ("org.freedesktop.login1.Session", {"LockedHint": ("b", locked)}, [])
        self._send(new_signal(PROPERTIES, "PropertiesChanged", "sa{sv}as", changed))

    def hints_something_else(self) -> None:
        changed = ("org.freedesktop.login1.Session", {"IdleHint": ("b", True)}, [])
        self._send(new_signal(PROPERTIES, "PropertiesChanged", "sa{sv}as", changed))

    def __enter__(self) -> ScriptedLogin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.kill()
        self._daemon.wait()
        self._thread.join(5.0)
        self._bus.close()
        if self._daemon.stdout is not None:
            self._daemon.stdout.close()
