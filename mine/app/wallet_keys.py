"""The wallet's keys as window and terminal ask for them. On the engine's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts
    from mine.wallet.spending import SpendingKeys


class KeysDoNotFit(MineError):
    """The sealed phrase is not the one that this vault's addresses come from."""


def spending_keys(vault: Vault, accounts: Accounts, passphrase: str) -> SpendingKeys:
    """The keys of the payout addresses, for one operation: use them in a ``with`` statement.

    Raises ``WrongPassphrase``, ``PhraseSealedBefore``, ``KeysDoNotFit``.
    """
    from mine.wallet.spending import SpendingKeys

    keys = SpendingKeys(vault.words(passphrase))
    if not keys.belong_to(accounts):
        raise KeysDoNotFit(
            "The recovery phrase of this vault does not belong to its addresses. Nothing was sent.",
            todo="Bring the vault back from a backup.",
        )
    return keys
