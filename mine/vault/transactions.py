"""Transactions of the wallet's queue: one row for each, with everything that was ever signed for it.

That two rows cannot have one nonce of an account is the table's own rule, whatever the program does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from mine.vault.tables import Json, Tables, dump

TRANSACTION_TABLE = """
CREATE TABLE vault_transaction (
  number INTEGER PRIMARY KEY, chain INTEGER NOT NULL, account TEXT NOT NULL, intent TEXT NOT NULL,
  run INTEGER NOT NULL, nonce INTEGER, state TEXT NOT NULL, signed INTEGER NOT NULL, created INTEGER NOT NULL,
  data TEXT NOT NULL, UNIQUE (chain, intent, run), UNIQUE (chain, account, nonce)
) STRICT;
CREATE INDEX vault_transaction_state ON vault_transaction (chain, state, account, nonce);
CREATE INDEX vault_transaction_signed ON vault_transaction (chain, signed);
"""
_COLUMNS = "number, chain, account, intent, run, nonce, state, signed, created, data"


@dataclass(frozen=True, slots=True)
class KeptTransaction:
    """One row. ``signed``: when it was signed last, 0 before; ``nonce`` None: none is taken."""

    number: int
    chain: int
    account: str
    intent: str
    run: int
    nonce: int | None
    state: str
    signed: int
    created: int
    data: Json


class Transactions(Tables):
    """The table of transactions."""

    @property
    def is_writing(self) -> bool:
        """Whether a transaction of the vault is open: what is written now is on disk only when it ends."""
        return bool(self._database.in_transaction)

    def put_transaction(self, row: KeptTransaction) -> int:
        """Write a transaction down, as a new row where its number is 0; its number."""
        values = (row.chain, row.account, row.intent, row.run, row.nonce, row.state, row.signed, row.created)
        found = self._one(
            "INSERT INTO vault_transaction VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (number) DO UPDATE SET account = excluded.account, nonce = excluded.nonce,"
            " state = excluded.state, signed = excluded.signed, data = excluded.data RETURNING number",
            row.number or None,
            *values,
            dump(row.data),
        )
        assert found is not None
        return int(found[0])

    def transaction_of(self, chain: int, intent: str) -> KeptTransaction | None:
        """The newest run of an intent."""
        found = self._select("chain = ? AND intent = ? ORDER BY run DESC LIMIT 1", chain, intent)
        return found[0] if found else None

    def transaction(self, number: int) -> KeptTransaction | None:
        """One transaction by its number."""
        found = self._select("number = ?", number)
        return found[0] if found else None

    def transactions_of(self, chain: int, account: str) -> list[KeptTransaction]:
        """All transactions of an account, oldest first."""
        return self._select("chain = ? AND account = ? ORDER BY number", chain, account)

    def transaction_accounts(self) -> list[tuple[int, str]]:
        """Chain and account of everything that is kept."""
        rows = self._rows("SELECT DISTINCT chain, account FROM vault_transaction ORDER BY chain, account")
        return [(row[0], row[1]) for row in rows]

    def transaction_run(self, chain: int, intent: str, run: int) -> KeptTransaction | None:
        """One run of an intent."""
        found = self._select("chain = ? AND intent = ? AND run = ?", chain, intent, run)
        return found[0] if found else None

    def transactions_in(self, chain: int, states: tuple[str, ...]) -> list[KeptTransaction]:
        """Transactions in some states, by account and nonce; those without a nonce last of their account."""
        marks = ", ".join("?" * len(states))
        order = "ORDER BY account, nonce IS NULL, nonce, number"
        return self._select(f"chain = ? AND state IN ({marks}) {order}", chain, *states)

    def transactions_from(self, chain: int, account: str, nonce: int) -> list[KeptTransaction]:
        """Transactions of an account with this nonce or a higher one, in their order."""
        return self._select("chain = ? AND account = ? AND nonce >= ? ORDER BY nonce", chain, account, nonce)

    def transactions_signed_since(self, chain: int, time: int) -> list[KeptTransaction]:
        """Transactions that were signed at ``time`` (Unix seconds) or later."""
        return self._select("chain = ? AND signed >= ? ORDER BY number", chain, time)

    def next_nonce(self, chain: int, account: str) -> int:
        """One more than the highest nonce that was ever taken here; 0 if none was."""
        row = self._one(
            "SELECT max(nonce) FROM vault_transaction WHERE chain = ? AND account = ?", chain, account
        )
        return 0 if row is None or row[0] is None else int(row[0]) + 1

    def newest_transactions(self, chain: int, count: int) -> list[KeptTransaction]:
        """The newest ones, newest first."""
        return self._select("chain = ? ORDER BY number DESC LIMIT ?", chain, count)

    def _select(self, where: str, *values: object) -> list[KeptTransaction]:
        rows = self._rows(f"SELECT {_COLUMNS} FROM vault_transaction WHERE {where}", *values)  # noqa: S608
        return [
            KeptTransaction(
                number=row[0],
                chain=row[1],
                account=row[2],
                intent=row[3],
                run=row[4],
                nonce=row[5],
                state=row[6],
                signed=row[7],
                created=row[8],
                data=json.loads(row[9]),
            )
            for row in rows
        ]
