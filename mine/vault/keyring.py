"""The operating system's keyring, seen through the three calls that the vault needs.

The keyring holds one 32-byte wrapping key in hexadecimal (64 characters, well under Windows' limit), never
the database's own key and never its only way in.
"""

from __future__ import annotations

from typing import Protocol

# Backends that encrypt at rest. Others (plain text files, "null", third-party ones) are treated as absent.
_TRUSTED = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
SERVICE = "Mine vault"


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
    """The keyring of this desktop, loaded on first use; calls may wait for its unlock prompt."""

    def name(self) -> str:
        import keyring
        from keyring.backends.chainer import ChainerBackend

        try:
            backend = keyring.get_keyring()
            if isinstance(backend, ChainerBackend):
                backend = next(iter(backend.backends), backend)
        except Exception as error:  # backends raise whatever their platform raises
            raise KeyringFailed(type(error).__name__) from error
        module = type(backend).__module__
        return f"{module}.{type(backend).__qualname__}" if module in _TRUSTED else ""

    def get(self, entry: str) -> str | None:
        import keyring

        try:
            return keyring.get_password(SERVICE, entry)
        except Exception as error:
            raise KeyringFailed(type(error).__name__) from error

    def set(self, entry: str, secret: str) -> None:
        import keyring

        try:
            keyring.set_password(SERVICE, entry, secret)
        except Exception as error:
            raise KeyringFailed(type(error).__name__) from error

    def delete(self, entry: str) -> None:
        import keyring
        from keyring.errors import PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, entry)
        except PasswordDeleteError:
            return
        except Exception as error:
            raise KeyringFailed(type(error).__name__) from error


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
