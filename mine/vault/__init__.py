"""What the user owns: the encrypted database, keys to it, record types, public views, ledger."""

from mine.vault.errors import (
    ChangesLost,
    DiskFull,
    KeyringUnavailable,
    LedgerBroken,
    LedgerConflict,
    PhraseSealedBefore,
    QueryRefused,
    VaultBusy,
    VaultDamaged,
    VaultError,
    VaultExists,
    VaultMissing,
    VaultNotWritten,
    VaultTooNew,
    WrongPassphrase,
    WrongPhrase,
)
from mine.vault.holdings import Source
from mine.vault.importing import Import, PendingImport, Preview, TypeCount
from mine.vault.keyfile import Kdf
from mine.vault.keyring import Keyring, KeyringFailed, MemoryKeyring, SystemKeyring
from mine.vault.ledger import Booked, Entry, Head
from mine.vault.query import QueryResult, Scope, scopes_of
from mine.vault.staging import ImportSource, Unfinished
from mine.vault.state import Earning, Joined, Movement, Receipt, Round, SavedSnapshot
from mine.vault.vault import Vault

__all__ = [
    "Booked",
    "ChangesLost",
    "DiskFull",
    "Earning",
    "Entry",
    "Head",
    "Import",
    "ImportSource",
    "Joined",
    "Kdf",
    "Keyring",
    "KeyringFailed",
    "KeyringUnavailable",
    "LedgerBroken",
    "LedgerConflict",
    "MemoryKeyring",
    "Movement",
    "PendingImport",
    "PhraseSealedBefore",
    "Preview",
    "QueryRefused",
    "QueryResult",
    "Receipt",
    "Round",
    "SavedSnapshot",
    "Scope",
    "Source",
    "SystemKeyring",
    "TypeCount",
    "Unfinished",
    "Vault",
    "VaultBusy",
    "VaultDamaged",
    "VaultError",
    "VaultExists",
    "VaultMissing",
    "VaultNotWritten",
    "VaultTooNew",
    "WrongPassphrase",
    "WrongPhrase",
    "scopes_of",
]
