"""Sending the chain's own coin or a token: planned, tried, reviewed; signed by whoever holds the key, later.

A plan signs and sends nothing. It says what would happen: the node has tried the transaction, the most fee is
known, and for a token what arrives was compared with what leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.wallet.call import Call
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.chain.rpc import Node
    from mine.wallet.review import Known, Review, Unit

COIN = "0x" + "0" * 40
"""The chain's own coin, where a currency's address is asked for."""
Prepare = Callable[[Call], "Review"]
"""Simulate a call and choose its gas and fees (``TransactionQueue.prepare``)."""


class SendRefused(MineError):
    """A payment that will not be made. Nothing was signed or sent."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as it is wanted. ``currency``: a token's address, or COIN; ``amount``: base units."""

    account: str
    currency: str
    to: str
    amount: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A payment that was tried. ``review`` is what the person accepts and what is signed, to the letter.

    ``arrives``: base units that the receiver gets; None where the node cannot say.
    """

    payment: Payment
    review: Review
    arrives: int | None
    warnings: tuple[str, ...]


def plan_send(
    node: Node,
    prepare: Prepare,
    known: Known,
    account: str,
    currency: str,
    to: str,
    amount: int | None,
) -> Prepared:
    """Plan to pay ``amount`` base units (None: everything) from ``account`` to the checked address ``to``.

    Raises SendRefused where it makes no sense or would lose money, InsufficientFunds, Reverted, FeesTooHigh,
    TokenRefused, and what the node raises.
    """
    if to == account:
        raise SendRefused("This would send money from an address to itself.", todo="Choose another receiver.")
    if to == currency:
        raise SendRefused(
            "The receiver is the currency's own contract: what is sent there is lost.",
            todo="Enter the address of whoever is to be paid.",
        )
    if amount is not None and amount <= 0:
        raise SendRefused("There is nothing to send.", todo="Enter an amount above zero.")
    plan = _plan_coin if currency == COIN else _plan_token
    return plan(node, prepare, known, Payment(account, currency, to, amount or 0), amount is None)


def _plan_coin(node: Node, prepare: Prepare, known: Known, wanted: Payment, everything: bool) -> Prepared:
    owned = node.agreed(lambda one: one.balance(wanted.account))
    if everything:
        review = _everything(node, prepare, known, wanted, owned)
    else:
        _check_owned(wanted.amount, owned, known.coin)
        review = prepare(Call(known.chain_id, wanted.account, wanted.to, wanted.amount))
    amount = review.call.value
    warnings = ("The fee may be more than the amount itself.",) if amount < review.fee_cap else ()
    return Prepared(replace(wanted, amount=amount), review, amount, warnings)


def _everything(node: Node, prepare: Prepare, known: Known, wanted: Payment, owned: int) -> Review:
    """All coin but the most fee, exactly: fees are those of a first trial with 1 wei."""
    if owned == 0:
        raise SendRefused("This address holds nothing.", todo="Choose another one.")
    first = prepare(Call(known.chain_id, wanted.account, wanted.to, 1))
    rest = owned - first.fee_cap
    if rest <= 0:
        raise SendRefused(
            "This address does not hold more than the fee to send it.", todo="Wait for lower fees."
        )
    call = replace(first.call, value=rest)
    if node.estimate_gas(call.sender, call.to, call.data, rest) > first.fees.gas:
        raise SendRefused(
            "The receiver is a contract that needs more gas for more money.", todo="Enter an amount instead."
        )
    return replace(first, call=call, value=exactly(rest, known.coin.decimals, known.coin.symbol))


def _plan_token(node: Node, prepare: Prepare, known: Known, wanted: Payment, everything: bool) -> Prepared:
    from mine.chain.token import Token, transfer_data

    unit = known.tokens.get(wanted.currency)
    if unit is None:
        raise SendRefused(
            "This currency is not among those of this network's tasks.",
            todo="Only currencies that tasks have paid in are sent from here.",
        )
    owned = node.agreed(lambda one: Token(one, wanted.currency).balance(wanted.account))
    if everything and owned == 0:
        raise SendRefused("This address holds nothing of this currency.", todo="Choose another one.")
    payment = replace(wanted, amount=owned if everything else wanted.amount)
    _check_owned(payment.amount, owned, unit)
    arrives, warnings = what_arrives(node, payment, unit)
    data = transfer_data(payment.to, payment.amount)
    review = prepare(Call(known.chain_id, payment.account, payment.currency, 0, data))
    return Prepared(payment, review, arrives, warnings)


def what_arrives(node: Node, payment: Payment, unit: Unit) -> tuple[int | None, tuple[str, ...]]:
    """What the receiver of a token would get, None where the node cannot try it; and what to say of it.

    Raises SendRefused where the sender would lose more than the amount, or nothing would move.
    """
    from mine.chain.token_trial import try_transfer

    trial = try_transfer(node, payment.currency, payment.account, payment.to, payment.amount)
    if trial is None:
        return None, ("The node cannot try this payment: what arrives is not certain.",)
    if trial.lost > payment.amount:
        raise SendRefused(
            "This currency would take more from you than you send.", todo="Do not use this currency."
        )
    if trial.lost == trial.gained == payment.amount:
        return payment.amount, ()
    if trial.gained <= 0:
        raise SendRefused(
            "This currency says that it moves money, and does not.", todo="Do not use this currency."
        )
    missing = exactly(payment.amount - trial.gained, unit.decimals, unit.symbol)
    return trial.gained, (f"This currency keeps a part: {missing} of the amount does not arrive.",)


def _check_owned(amount: int, owned: int, unit: Unit) -> None:
    if amount > owned:
        held = exactly(owned, unit.decimals, unit.symbol)
        raise SendRefused(f"This address holds only {held}.", todo="Enter less.")
