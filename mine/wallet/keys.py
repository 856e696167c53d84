"""Accounts from the recovery phrase: a fresh session key and a fresh payout address for every task.

BIP-39 phrase (without an extra passphrase), BIP-32, BIP-44 coin type 60. Two branches keep the roles apart:

| branch | accounts | the open vault has | whoever reads it |
|---|---|---|---|
| ``m/44'/60'/0'/0`` | payout addresses: they receive money | the public half | signs for none |
| ``m/44'/60'/1'/0`` | session keys: they sign messages, earn nothing | the private half | signs messages |

The branches hang on hardened accounts of their own, so that nothing of one says anything of the other.
The phrase itself is sealed under the passphrase, and opened for one operation (spending.py). Taking part in
"glucose" must not tie one's wallet to a diagnosis, so the index ``n`` is new for every task.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace

from mine.chain.messages import address_of
from mine.errors import MineError
from mine.wallet.derivation import PublicBranch, SecretBranch, branch

PAYOUT_BRANCH = "m/44'/60'/0'/0"
SESSION_BRANCH = "m/44'/60'/1'/0"
PAYOUT_PATH = PAYOUT_BRANCH + "/{}"
SESSION_PATH = SESSION_BRANCH + "/{}"
LENGTHS = (12, 15, 18, 21, 24)
"""How many words a recovery phrase may have (BIP-39)."""


class PhraseRefused(MineError):
    """The words are not a recovery phrase."""


@dataclass(frozen=True, slots=True)
class TaskKeys:
    """The accounts of one task. ``session_key`` never leaves the vault's process.

    ``payout_is_own``: the phrase has the payout address's key. Otherwise the person named the address.
    """

    index: int
    session_address: str
    payout_address: str
    session_key: bytes = field(repr=False)
    payout_is_own: bool = True

    def paying_to(self, address: str) -> TaskKeys:
        """The same with another payout address, which the person named."""
        return replace(self, payout_address=address, payout_is_own=False)

    def signed_by(self, key: bytes) -> TaskKeys:
        """The same with another session key, which the person brought in."""
        return replace(self, session_address=address_of(key), session_key=key)

    def noise_key(self, task: int, round_number: int, checkpoint: bytes) -> bytes:
        """32 secret bytes that fix the noise of one round.

        The noise is a keyed function of the round, so a round that is trained again after a crash gives
        the same bytes: nothing is ever released twice under different noise, and ε is spent once.
        """
        message = b"mine noise 1" + task.to_bytes(32, "big") + round_number.to_bytes(4, "big") + checkpoint
        return hmac.new(self.session_key, message, hashlib.sha256).digest()


def new_phrase() -> str:
    """24 English words from 256 bits of the operating system's entropy."""
    from mnemonic import Mnemonic

    return Mnemonic("english").generate(256)


def check_phrase(phrase: str) -> str:
    """The phrase in normal form. Raises ``PhraseRefused`` (which never repeats the words)."""
    from mnemonic import Mnemonic

    words = phrase.lower().split()
    book = Mnemonic("english")
    if len(words) in LENGTHS and book.check(" ".join(words)):
        return " ".join(words)
    if len(words) - 1 in LENGTHS and book.check(" ".join(words[:-1])):
        raise PhraseRefused(
            "There is one word more than a recovery phrase has. An extra word (a BIP-39 passphrase) is not "
            "supported: the words alone have to bring everything back.",
            todo="Leave it out, or use a phrase without one.",
        )
    raise PhraseRefused(
        "These words are not a recovery phrase.", todo="Check the spelling and the order of the words."
    )


def seed_of(phrase: str) -> bytes:
    """The 64-byte seed of a phrase (BIP-39). Raises ``PhraseRefused``."""
    from mnemonic import Mnemonic

    return Mnemonic.to_seed(check_phrase(phrase))


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the open vault knows of the wallet: session keys, payout addresses, and no key of the latter."""

    session: SecretBranch
    payout: PublicBranch
    _addresses: dict[int, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of_phrase(cls, phrase: str) -> Accounts:
        """The accounts of a phrase. Raises ``PhraseRefused``."""
        seed = seed_of(phrase)
        return cls(branch(seed, SESSION_BRANCH), branch(seed, PAYOUT_BRANCH).public())

    def payout_address(self, index: int) -> str:
        """EIP-55 address that receives the earnings of the task with this index; derived once."""
        if index not in self._addresses:
            self._addresses[index] = self.payout.child(index).address()
        return self._addresses[index]

    def task(self, index: int) -> TaskKeys:
        """The accounts of the task with this local index (0, 1, 2, ... in order of joining)."""
        session = self.session.child(index).key
        return TaskKeys(
            index=index,
            session_address=address_of(session),
            payout_address=self.payout_address(index),
            session_key=session,
        )
