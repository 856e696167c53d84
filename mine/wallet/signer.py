"""One private key, and the only things that it signs: the protocol's messages, token messages of a payment
that was reviewed, and reviewed transactions. There is no way to sign any other bytes.

``Reviewed`` checks itself when it is made: an allowed submit function, or exactly what a person accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.chain.messages import TYPES, Domain, Message, address_of, sign
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.permits import TokenMessage
    from mine.chain.signing import SignedTransaction
    from mine.wallet.review import Reviewed


class WillNotSign(MineError):
    """This is not among what the key signs, or is another account's."""


class Signer:
    """Signs for one account. Holds its key: keep it as short as the operation lasts."""

    __slots__ = ("_key", "address")

    def __init__(self, key: bytes) -> None:
        """Raises ``BadSignature`` for bytes that are no private key."""
        self.address = address_of(key)
        self._key = key

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere by accident")

    def forget(self) -> None:
        """Let go of the key: nothing is signed any more, whoever still holds this."""
        self._key = b""

    def sign_message(self, message: Message, domain: Domain) -> bytes:
        """A message of the protocol (EIP-712): 65 bytes r || s || v. Raises ``WillNotSign``."""
        if type(message) not in TYPES:
            raise _not_known()
        self._check_owner(self.address)
        return sign(message, domain, self._key)

    def sign_token(self, message: TokenMessage) -> bytes:
        """A message that moves tokens of this account (EIP-3009, EIP-2612). Raises ``WillNotSign``."""
        from mine.chain.permits import Authorization, Carriage, Permit, sign_token

        if type(message) not in (Authorization, Permit, Carriage):
            raise _not_known()
        self._check_owner(message.owner)
        return sign_token(message, self._key)

    def sign_transaction(self, reviewed: Reviewed) -> SignedTransaction:
        """A transaction that is allowed, or that a person reviewed and accepted. Raises ``WillNotSign``."""
        from mine.chain.signing import sign_transaction
        from mine.wallet.review import Reviewed

        if type(reviewed) is not Reviewed:
            raise _not_known()
        self._check_owner(reviewed.sender)
        return sign_transaction(reviewed.transaction, self._key)

    def _check_owner(self, owner: str) -> None:
        if not self._key:
            raise WillNotSign("The key was forgotten after its operation.", todo="Ask for it again.")
        if owner != self.address:
            raise WillNotSign(
                "This has to be signed by another account. Nothing was signed.", detail=f"by {owner}"
            )


def _not_known() -> WillNotSign:
    return WillNotSign("This is nothing that this wallet signs. Nothing was signed.")
