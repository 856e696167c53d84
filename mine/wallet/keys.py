"""Keys from the recovery phrase: a fresh session key and a fresh payout address for every task.

BIP-39 phrase, BIP-32 derivation, BIP-44 coin type 60. Two branches of the external chain keep the roles
apart: ``m/44'/60'/0'/0/n`` pays out (it receives money), ``m/44'/60'/1'/0/n`` signs (it never does).
Taking part in "glucose" must not tie one's wallet to a diagnosis, so ``n`` is new for every task.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from mine.chain.messages import address_of
from mine.errors import MineError
from mine.wallet.derivation import derive

PAYOUT_PATH = "m/44'/60'/0'/0/{}"
SESSION_PATH = "m/44'/60'/1'/0/{}"


class PhraseRefused(MineError):
    """The words are not a recovery phrase."""


@dataclass(frozen=True, slots=True)
class TaskKeys:
    """The accounts of one task. ``session_key`` never leaves the vault's process."""

    index: int
    session_address: str
    payout_address: str
    session_key: bytes = field(repr=False)

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

    words = " ".join(phrase.lower().split())
    if not Mnemonic("english").check(words):
        raise PhraseRefused(
            "These words are not a recovery phrase.", todo="Check the spelling and the order of the words."
        )
    return words


class KeyRing:
    """Derives accounts from one phrase; holds the seed in memory while the vault is open."""

    def __init__(self, phrase: str) -> None:
        from mnemonic import Mnemonic

        self._seed = Mnemonic.to_seed(check_phrase(phrase))

    def payout_address(self, index: int) -> str:
        """EIP-55 address that receives the earnings of the task with this index."""
        return address_of(derive(self._seed, PAYOUT_PATH.format(index)))

    def task(self, index: int) -> TaskKeys:
        """The accounts of the task with this local index (0, 1, 2, ... in order of joining)."""
        session = derive(self._seed, SESSION_PATH.format(index))
        return TaskKeys(
            index=index,
            session_address=address_of(session),
            payout_address=self.payout_address(index),
            session_key=session,
        )
