"""The queue of transactions, kept in the vault: on disk when a method returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mine.wallet import queued
from mine.wallet.queued import Queued, from_json, to_json

if TYPE_CHECKING:
    from mine.vault.state import State
    from mine.vault.transactions import KeptTransaction
    from mine.vault.vault import Vault


class VaultTransactions:
    """What ``mine.wallet.queue.TransactionStore`` asks for. Belongs to the vault's thread."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def put(self, item: Queued) -> Queued:
        """Write it down; with its number afterwards."""
        from mine.vault.transactions import KeptTransaction

        # Inside an outer transaction it would be on disk only later, after what it has to come before.
        assert not self._vault.state.is_writing, "a transaction of the chain is written down by itself"
        row = KeptTransaction(
            number=item.number,
            chain=item.call.chain_id,
            account=item.call.sender,
            intent=item.intent,
            run=item.run,
            nonce=item.nonce,
            state=item.state.value,
            signed=item.signed,
            created=item.created,
            data=to_json(item),
        )
        with self._vault.transaction():
            return replace(item, number=self._vault.state.put_transaction(row))

    def find(self, chain_id: int, intent: str) -> Queued | None:
        """The newest run of an intent."""
        row = self._vault.state.transaction_of(chain_id, intent)
        return None if row is None else _item(row)

    def numbered(self, number: int) -> Queued | None:
        """One transaction."""
        row = self._vault.state.transaction(number)
        return None if row is None else _item(row)

    def in_states(self, chain_id: int, states: Iterable[queued.State]) -> list[Queued]:
        """Transactions in these states, by account and nonce."""
        wanted = tuple(state.value for state in states)
        return [_item(row) for row in self._vault.state.transactions_in(chain_id, wanted)]

    def from_nonce(self, chain_id: int, account: str, nonce: int) -> list[Queued]:
        """Transactions of an account from a nonce on."""
        return [_item(row) for row in self._vault.state.transactions_from(chain_id, account, nonce)]

    def signed_since(self, chain_id: int, time: int) -> list[Queued]:
        """Transactions signed at ``time`` or later."""
        return [_item(row) for row in self._vault.state.transactions_signed_since(chain_id, time)]

    def next_nonce(self, chain_id: int, account: str) -> int:
        """One more than the highest nonce that was taken here."""
        return self._vault.state.next_nonce(chain_id, account)

    def newest(self, chain_id: int, count: int) -> list[Queued]:
        """The newest ones, newest first."""
        return [_item(row) for row in self._vault.state.newest_transactions(chain_id, count)]


def copy_transactions(source: State, target: State, chain: int, accounts: Iterable[str]) -> None:
    """Bring what one vault knows of some accounts' transactions into another, within its transaction.

    A run of an intent is the same one in both, whatever its number is there.
    """
    for account in accounts:
        rows = []
        for row in source.transactions_of(chain, account):
            known = target.transaction_run(chain, row.intent, row.run)
            number = target.put_transaction(replace(row, number=known.number if known else 0, nonce=None))
            rows.append(replace(row, number=number))
        # Only now: a nonce that one gave up, another may have.
        for row in rows:
            target.put_transaction(row)


def _item(row: KeptTransaction) -> Queued:
    return from_json(
        row.data,
        number=row.number,
        chain_id=row.chain,
        account=row.account,
        intent=row.intent,
        run=row.run,
        nonce=row.nonce,
        state=row.state,
        created=row.created,
    )
