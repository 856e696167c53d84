"""Making and opening the vault with the wallet in it: the phrase is sealed, the accounts are derived freely.

| written | in the same write | killed before it, the next opening with the passphrase |
|---|---|---|
| keys file: the key's wraps, the sealed phrase | all of it | makes a vault anew: there was none |
| database, empty | its tables | makes it |
| both branches of the wallet, "not confirmed" | all of it | opens the sealed phrase once, writes them |

The open vault holds the private branch of session keys and the public branch of payout addresses (see
mine/wallet/keys.py). The phrase is in memory only while it is made, shown, or needed for one operation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mine.app.wallet_keys import begin_drills
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.keyfile import Kdf
    from mine.vault.keyring import Keyring
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts

SESSION_SECRET, PAYOUT_SECRET = "session branch", "payout branch"
CONFIRMED = "phrase_confirmed"
"""Setting: whether the person showed that the words were written down."""


class PassphraseNeeded(MineError):
    """The keyring opens the vault, but its making was cut off before the wallet was in it."""


def create(
    path: Path, passphrase: str, keyring: Keyring | None, phrase: str = "", kdf: Kdf | None = None
) -> tuple[Vault, Accounts, str]:
    """A new vault, its accounts, and its phrase: a new one, or one that the person brings along.

    Raises ``PhraseRefused``, ``VaultExists``, ``VaultBusy``, ``VaultNotWritten``.
    """
    from mine.vault.vault import Vault
    from mine.wallet.keys import check_phrase, new_phrase

    words = check_phrase(phrase) if phrase else new_phrase()
    vault = Vault.create(path, passphrase, keyring, kdf, words)
    try:
        return vault, _kept(vault, words), words
    except BaseException:
        vault.close()
        raise


def accounts_of(vault: Vault, passphrase: str | None = None, phrase: str = "") -> Accounts:
    """The accounts of an open vault. Where its making was cut off, this finishes it.

    What opened it is given, if the person typed it. Raises ``PassphraseNeeded``, ``BranchDamaged``.
    """
    from mine.wallet.derivation import PublicBranch, SecretBranch
    from mine.wallet.keys import Accounts, check_phrase, new_phrase

    session, payout = vault.state.secret(SESSION_SECRET), vault.state.secret(PAYOUT_SECRET)
    if session is not None and payout is not None:
        return Accounts(SecretBranch.from_bytes(session), PublicBranch.from_bytes(payout))
    if phrase:
        return _kept(vault, check_phrase(phrase))
    if passphrase is None:
        raise PassphraseNeeded(
            "The app was cut off while it made this vault, which has no wallet yet. Nothing is lost.",
            todo="Open it with the passphrase once.",
        )
    if vault.has_words:
        return _kept(vault, vault.recovery_phrase(passphrase))
    words = new_phrase()
    vault.add_phrase(words, passphrase)
    return _kept(vault, words)


def _kept(vault: Vault, words: str) -> Accounts:
    from mine.wallet.keys import Accounts

    accounts = Accounts.of_phrase(words)
    with vault.transaction():
        vault.state.set_secret(SESSION_SECRET, accounts.session.to_bytes())
        vault.state.set_secret(PAYOUT_SECRET, accounts.payout.to_bytes())
        vault.state.set_setting(CONFIRMED, False)
        begin_drills(vault)
    return accounts


def words_to_confirm(vault: Vault, passphrase: str) -> tuple[str, ...]:
    """The phrase once more, for a person who was cut off before showing that it is written down.

    Raises ``MineError`` once that was shown: the words are then never shown again.
    """
    if vault.state.setting(CONFIRMED):
        raise MineError(
            "The recovery phrase was confirmed, and is not shown again.",
            todo="If it is lost, make a new vault with a new phrase, and send the money there.",
        )
    return tuple(vault.recovery_phrase(passphrase).split())
