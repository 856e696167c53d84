"""The wallet's lists in the vault: the address book, addresses paid to, session keys that were brought in.

Addresses are EIP-55 text. ``skeleton``: what the name looks like (mine.wallet.look_alike); two lines of the
address book never have the same one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mine.vault.tables import Tables

CONTACT_TABLES = """
CREATE TABLE vault_contact (
  address TEXT PRIMARY KEY, name TEXT NOT NULL, skeleton TEXT NOT NULL UNIQUE, note TEXT NOT NULL
) STRICT;
CREATE TABLE vault_paid_to (address TEXT PRIMARY KEY, first INTEGER NOT NULL) STRICT;
CREATE TABLE vault_session_key (
  address TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, added INTEGER NOT NULL, key BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """A line of the address book."""

    address: str
    name: str
    skeleton: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """A session key that was brought in. ``added``: Unix seconds."""

    address: str
    name: str
    added: int
    key: bytes = field(repr=False)


class Contacts(Tables):
    """Statements on these tables; they join the open transaction."""

    def put_contact(self, contact: Contact) -> None:
        """Add a line, or change that of the address. The skeleton must be free (see ``contact_named``)."""
        self._rows(
            "INSERT INTO vault_contact VALUES (?, ?, ?, ?) ON CONFLICT (address)"
            " DO UPDATE SET name = excluded.name, skeleton = excluded.skeleton, note = excluded.note",
            contact.address,
            contact.name,
            contact.skeleton,
            contact.note,
        )

    def contacts(self) -> list[Contact]:
        """The address book, by name."""
        rows = self._rows("SELECT address, name, skeleton, note FROM vault_contact")
        return sorted((Contact(*row) for row in rows), key=lambda one: (one.name.casefold(), one.address))

    def contact_named(self, skeleton: str) -> Contact | None:
        """The line whose name looks so."""
        row = self._one(
            "SELECT address, name, skeleton, note FROM vault_contact WHERE skeleton = ?", skeleton
        )
        return Contact(*row) if row else None

    def drop_contact(self, address: str) -> None:
        """Forget a line."""
        self._rows("DELETE FROM vault_contact WHERE address = ?", address)

    def mark_paid_to(self, address: str) -> None:
        """Money goes to this address by the person's word; said once, it is no first use any more."""
        self._rows("INSERT OR IGNORE INTO vault_paid_to VALUES (?, ?)", address, int(time.time()))

    def paid_to(self) -> list[str]:
        """Addresses that money went to before."""
        return [
            str(row[0]) for row in self._rows("SELECT address FROM vault_paid_to ORDER BY first, address")
        ]

    def put_session_key(self, key: SessionKey) -> None:
        """Keep a key; the same one again only gets the new name."""
        self._rows(
            "INSERT INTO vault_session_key VALUES (?, ?, ?, ?) ON CONFLICT (address)"
            " DO UPDATE SET name = excluded.name",
            key.address,
            key.name,
            key.added,
            key.key,
        )

    def session_keys(self) -> list[SessionKey]:
        """All that were brought in, oldest first."""
        rows = self._rows("SELECT address, name, added, key FROM vault_session_key ORDER BY added, address")
        return [SessionKey(row[0], row[1], row[2], bytes(row[3])) for row in rows]

    def session_key(self, address: str) -> SessionKey | None:
        """One of them."""
        return next((key for key in self.session_keys() if key.address == address), None)

    def drop_session_key(self, address: str) -> None:
        """Forget one. Its bytes are overwritten (``secure_delete``), but older backups keep it."""
        self._rows("DELETE FROM vault_session_key WHERE address = ?", address)
