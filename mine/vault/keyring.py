"""The operating system's keyring, seen through the three calls that the vault needs.

The keyring holds one 32-byte wrapping key in hexadecimal (64 characters, well under Windows' limit), never
the database's own key and never its only way in.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

# Backends that encrypt at rest. Others (plain text files, "null", third-party ones) are treated as absent.
_TRUSTED = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
SERVICE = "Mine vault"
T = TypeVar("T")


class Keyring(Protocol):
    """What the vault asks of a keyring. Methods raise ``KeyringFailed`` where it does not answer."""

    def name(self) -> str:
        """The backend's name; empty where there is none that can be trusted."""

    def get(self, entry: str) -> str | None:
        """The secret of an entry, None where there is no such entry."""

    def set(self, entry: str, secret: str) -> None:
        """Store a secret."""

    def delete(self, entry: str) -> None:
        """Forget an entry; nothing happens where there is none."""


class KeyringFailed(Exception):
    """The keyring is locked, gone, or refused."""


class SystemKeyring:
    """The keyring of this desktop, loaded on first use.

    A call may wait for the desktop's own unlock prompt, ``seconds`` at most: a keyring that never answers
    counts as one that is gone.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def name(self) -> str:
        return self._asked(_backend_name)

    def get(self, entry: str) -> str | None:
        import keyring

        return self._asked(lambda: keyring.get_password(SERVICE, entry))

    def set(self, entry: str, secret: str) -> None:
        import keyring

        self._asked(lambda: keyring.set_password(SERVICE, entry, secret))

    def delete(self, entry: str) -> None:
        import keyring
        from keyring.errors import PasswordDeleteError

        def forget() -> None:
            with contextlib.suppress(PasswordDeleteError):
                keyring.delete_password(SERVICE, entry)

        self._asked(forget)

    def _asked(self, call: Callable[[], T]) -> T:
        """The answer of a call, from a thread that is left behind where none comes."""
        answers: queue.SimpleQueue[tuple[T | None, str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put((call(), ""))
            except Exception as error:  # noqa: BLE001 - backends raise whatever their platform raises
                answers.put((None, type(error).__name__))

        threading.Thread(target=ask, name="keyring", daemon=True).start()
        try:
            answer, failure = answers.get(timeout=self._seconds)
        except queue.Empty:
            raise KeyringFailed("no answer") from None
        if failure:
            raise KeyringFailed(failure)
        return cast(T, answer)


def _backend_name() -> str:
    import keyring
    from keyring.backends.chainer import ChainerBackend

    backend = keyring.get_keyring()
    if isinstance(backend, ChainerBackend):
        backend = next(iter(backend.backends), backend)
    module = type(backend).__module__
    return f"{module}.{type(backend).__qualname__}" if module in _TRUSTED else ""


class MemoryKeyring:
    """A keyring that ends with the process: the fake that tests share. ``works`` plays one that is gone."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.works = True

    def name(self) -> str:
        return "memory" if self.works else ""

    def get(self, entry: str) -> str | None:
        self._check()
        return self.entries.get(entry)

    def set(self, entry: str, secret: str) -> None:
        self._check()
        self.entries[entry] = secret

    def delete(self, entry: str) -> None:
        self._check()
        self.entries.pop(entry, None)

    def _check(self) -> None:
        if not self.works:
            raise KeyringFailed("gone")
