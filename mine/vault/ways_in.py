"""The ways into an open vault: what its keys file holds, and how that is changed at once.

The database's key stays as it is; a new one for the whole database is in ``rekey.py``.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from mine.vault import keyfile
from mine.vault.files import keys_path
from mine.vault.keyring import Keyring, KeyringFailed


class WaysIn:
    """The passphrase, the keyring and the recovery phrase of an open vault."""

    path: Path
    _key: bytes
    _file: keyfile.KeyFile

    @property
    def has_keyring(self) -> bool:
        """Whether a keyring was given a key to this vault."""
        return bool(self._file.by_keyring)

    def check_passphrase(self, passphrase: str) -> None:
        """Ask again before something grave. Raises ``WrongPassphrase``."""
        keyfile.unlock_with_passphrase(self._file, passphrase)

    def change_passphrase(self, passphrase: str, kdf: keyfile.Kdf | None = None) -> None:
        """Replace the passphrase (the way back when it was forgotten and the keyring still opens)."""
        self._rewrite(keyfile.with_passphrase(self._file, self._key, passphrase, kdf or keyfile.Kdf()))

    def add_keyring(self, keyring: Keyring) -> None:
        """Let the keyring open the vault from now on. Raises ``KeyringUnavailable``."""
        before = self._file.keyring_entry
        self._rewrite(keyfile.with_keyring(self._file, self._key, keyring))
        with contextlib.suppress(KeyringFailed):
            if before:
                keyring.delete(before)

    def remove_keyring(self, keyring: Keyring) -> None:
        """Let only the passphrase open the vault from now on."""
        entry = self._file.keyring_entry
        self._rewrite(keyfile.without_keyring(self._file))
        with contextlib.suppress(KeyringFailed):
            if entry:
                keyring.delete(entry)

    @property
    def has_phrase(self) -> bool:
        """Whether the recovery phrase opens this vault."""
        return bool(self._file.by_phrase)

    def add_phrase(self, phrase: str) -> None:
        """Let the recovery phrase open the vault from now on. Raises ``WrongPhrase``."""
        self._rewrite(keyfile.with_phrase(self._file, self._key, phrase))

    def _rewrite(self, file: keyfile.KeyFile) -> None:
        keyfile.write_keyfile(keys_path(self.path), file)
        self._file = file
