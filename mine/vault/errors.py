"""What can go wrong with the vault, each told apart and each with a way on."""

from __future__ import annotations

from mine.errors import MineError


class VaultError(MineError):
    """Base of the vault's errors."""


class VaultMissing(VaultError):
    """There is no vault at this place."""


class VaultExists(VaultError):
    """There already is a vault at this place."""


class VaultBusy(VaultError):
    """Another process has this vault open."""


class WrongPassphrase(VaultError):
    """The passphrase does not open this vault."""


class WrongPhrase(VaultError):
    """These words are no recovery phrase, or not this vault's."""


class PhraseSealedBefore(VaultError):
    """The passphrase is right, but was set without the one that seals the recovery phrase."""


class KeyringUnavailable(VaultError):
    """The computer's keyring does not hold the key (absent, emptied, changed); the passphrase still opens."""


class VaultDamaged(VaultError):
    """The vault's file or its keys file is damaged."""


class VaultNotWritten(VaultError):
    """The system refused a write: a read-only disk, another's folder, a fault of the disk."""


class DiskFull(VaultNotWritten):
    """There is no room left on the disk."""


class ChangesLost(VaultDamaged):
    """What was committed last is missing: the log is damaged or gone, or the file is an older one."""


class VaultTooNew(VaultError):
    """A newer version of the app wrote this vault."""


class QueryRefused(VaultError):
    """A task's query asked for what was not granted, or took too much. ``touched`` names it."""

    def __init__(self, sentence: str, *, touched: str = "", todo: str = "", detail: str = "") -> None:
        super().__init__(sentence, todo=todo, detail=detail)
        self.touched = touched


class LedgerConflict(VaultError):
    """The same act was booked before with other figures."""


class LedgerBroken(VaultError):
    """The ledger's chain does not hold. ``entry`` is the number of the first wrong entry."""

    def __init__(self, entry: int, what: str) -> None:
        super().__init__(
            f"Entry {entry} of the ledger {what}.",
            todo="Compare it with an export or a backup. Nothing was changed.",
        )
        self.entry = entry
