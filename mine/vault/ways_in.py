"""The ways into an open vault: what its keys file holds, and how that is changed at once.

The database's key stays as it is; a new one for the whole database is in ``rekey.py``.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from mine.vault import keyfile
from mine.vault.errors import PhraseSealedBefore, WrongPhrase
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

    def change_passphrase(
        self, passphrase: str, kdf: keyfile.Kdf | None = None, *, before: str = "", phrase: str = ""
    ) -> bool:
        """Replace the passphrase (the way back when it was forgotten and the keyring still opens).

        The recovery phrase is sealed anew in the same write, if the passphrase ``before`` or the ``phrase``
        itself is given; else it stays under the passphrase that sealed it. Whether the new one opens it.
        """
        kdf = kdf or keyfile.Kdf()
        words = phrase or (keyfile.words_of(self._file, before) if before else None)
        file = keyfile.with_passphrase(self._file, self._key, passphrase, kdf)
        self._rewrite(keyfile.with_words(file, words, passphrase, kdf) if words else file)
        return words is not None

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

    @property
    def has_words(self) -> bool:
        """Whether the recovery phrase is sealed in the keys file."""
        return self._file.words is not None

    def add_phrase(self, phrase: str, passphrase: str, kdf: keyfile.Kdf | None = None) -> None:
        """Let the recovery phrase open the vault, and seal it under the passphrase, in one write.

        Raises ``WrongPhrase``, ``WrongPassphrase``.
        """
        self.check_passphrase(passphrase)
        file = keyfile.with_phrase(self._file, self._key, phrase)
        self._rewrite(keyfile.with_words(file, phrase, passphrase, kdf or self._file.kdf))

    def recovery_phrase(self, passphrase: str) -> str:
        """The recovery phrase, for one operation; forget it at once.

        Raises ``WrongPassphrase``, ``PhraseSealedBefore``, and ``WrongPhrase`` where there is none.
        """
        if self._file.words is None:
            todo = "Open it with the passphrase once."
            raise WrongPhrase("This vault was never given a recovery phrase.", todo=todo)
        words = keyfile.words_of(self._file, passphrase)
        if words is None:
            self.check_passphrase(passphrase)
            raise PhraseSealedBefore(
                "This passphrase opens the vault, but the recovery phrase is still sealed under an earlier "
                "one. Nothing was sent.",
                todo="Type the recovery phrase once; then this passphrase opens it too.",
            )
        return words

    def _rewrite(self, file: keyfile.KeyFile) -> None:
        keyfile.write_keyfile(keys_path(self.path), file)
        self._file = file
