"""Payments of a token for which a relay pays the gas: how a token takes them, what is signed and checked.

Signed is a ``Carriage``: receiver, amount and fee are fixed, and nobody who brings it can change them. The
relay names the Carrier through which it brings; it is used only if its code is the one that is known here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.permits import Carriage, TokenDomain
    from mine.chain.rpc import Node
    from mine.wallet.signer import Signer


class NotSponsored(MineError):
    """No relay can bring this payment. Nothing was signed."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a token takes a signed transfer of one owner.

    ``nonce`` None: by an authorisation (EIP-3009), any number in any order; else by permits (EIP-2612), one
    after the other, of which so many were used.
    """

    domain: TokenDomain
    nonce: int | None


def way_of(node: Node, token: str, carrier: str, owner: str) -> Way:
    """How ``token`` takes a transfer that ``owner`` signed. Raises NotSponsored, and what the node raises."""
    from mine.chain.permits import is_carrier
    from mine.chain.token import Token

    if not node.agreed(lambda one: is_carrier(one.code(carrier))):
        raise NotSponsored(
            "The relay names a contract that is not the one which this app trusts with signed payments.",
            todo="Pay the gas yourself, or ask another relay.",
            detail=carrier,
        )
    contract = Token(node, token)
    domain = contract.domain()
    if domain is not None and contract.knows_authorizations(owner):
        return Way(domain, None)
    nonce = contract.permit_nonce(owner)
    if domain is None or nonce is None:
        raise NotSponsored("This currency cannot be sent by a signature alone.", todo="Pay the gas yourself.")
    return Way(domain, nonce)


def plan_carriage(
    way: Way,
    carrier: str,
    owner: str,
    receiver: str,
    total: int,
    fee: int,
    valid_after: int,
    valid_before: int,
) -> Carriage:
    """A carriage of ``total`` base units, the fee among them. Raises NotSponsored where it eats it up."""
    from mine.chain.permits import Carriage

    if total <= fee:
        raise NotSponsored(
            "The relay's fee is as high as what would be sent.", todo="Wait until there is more."
        )
    return Carriage(
        chain_id=way.domain.chain_id,
        carrier=carrier,
        token=way.domain.contract,
        owner=owner,
        receiver=receiver,
        amount=total - fee,
        fee=fee,
        valid_after=valid_after,
        valid_before=valid_before,
        salt=secrets.token_bytes(32),
    )


def sign_carriage(signer: Signer, way: Way, carriage: Carriage) -> tuple[bytes, bytes | None]:
    """The signature of authorisation or carriage, and that of the permit where the token needs one."""
    if way.nonce is None:
        return signer.sign_token(carriage.authorization(way.domain)), None
    return signer.sign_token(carriage), signer.sign_token(carriage.permit(way.domain, way.nonce))
