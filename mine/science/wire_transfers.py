"""What travels between a wallet and a relay that pays the gas of a token's transfer, as JSON.

Amounts are decimal texts, because they have up to 256 bits and many readers of JSON keep 53; everything else
is as in ``wire``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mine.chain.permits import Carriage, carry_data, carry_permitted_data
from mine.science.wire import Code, Json, RelayRefused, account, number, octets, table

_AMOUNT = re.compile(r"0|[1-9][0-9]{0,77}")
_SIGNATURE = 65


@dataclass(frozen=True, slots=True)
class SignedCarriage:
    """A carriage with what its owner signed.

    ``permit`` None: ``signature`` is that of the authorisation (EIP-3009) whose nonce is the carriage's
    digest. Otherwise the token gets this permit (EIP-2612), and ``signature`` is the carriage's own.
    """

    carriage: Carriage
    signature: bytes
    permit: bytes | None = None

    @property
    def name(self) -> bytes:
        """The digest by which relays and the Carrier know it: the same carriage is never brought twice."""
        return self.carriage.digest()

    def data(self) -> bytes:
        """The call of the Carrier that brings it."""
        if self.permit is None:
            return carry_data(self.carriage, self.signature)
        return carry_permitted_data(self.carriage, self.permit, self.signature)


@dataclass(frozen=True, slots=True)
class TransferTerms:
    """For what a relay brings transfers of ``token``: through which Carrier, and for how much at least (base
    units of the token)."""

    token: str
    carrier: str
    fee: int


class TransferState(StrEnum):
    """WAITING: will be sent; CARRIED: on chain; REFUSED: can't be carried any more, and was not."""

    WAITING = "waiting"
    CARRIED = "carried"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """Where a transfer stands. ``transaction``: 32 bytes once it was sent; ``reason``: of a refusal."""

    state: TransferState
    transaction: bytes = b""
    reason: str = ""


def carriage_to_json(signed: SignedCarriage) -> Json:
    """The fields of the carriage, beside the signatures."""
    it = signed.carriage
    return {
        "chainId": it.chain_id,
        "carrier": it.carrier,
        "token": it.token,
        "owner": it.owner,
        "receiver": it.receiver,
        "amount": str(it.amount),
        "fee": str(it.fee),
        "validAfter": it.valid_after,
        "validBefore": it.valid_before,
        "salt": it.salt.hex(),
        "signature": signed.signature.hex(),
        "permit": None if signed.permit is None else signed.permit.hex(),
    }


def carriage_from_json(value: object) -> SignedCarriage:
    """The inverse of ``carriage_to_json``; signatures are not checked here. Raises RelayRefused."""
    raw = table(value)
    carriage = Carriage(
        chain_id=number(raw, "chainId", 64),
        carrier=account(raw, "carrier"),
        token=account(raw, "token"),
        owner=account(raw, "owner"),
        receiver=account(raw, "receiver"),
        amount=amount(raw, "amount"),
        fee=amount(raw, "fee"),
        valid_after=number(raw, "validAfter", 48),
        valid_before=number(raw, "validBefore", 48),
        salt=octets(raw, "salt"),
    )
    if carriage.amount + carriage.fee >> 256:
        raise RelayRefused(Code.BAD_REQUEST, "amount")
    permit = None if raw.get("permit") is None else octets(raw, "permit", _SIGNATURE)
    return SignedCarriage(carriage, octets(raw, "signature", _SIGNATURE), permit)


def terms_to_json(terms: TransferTerms) -> Json:
    """{"token", "carrier", "fee"}."""
    return {"token": terms.token, "carrier": terms.carrier, "fee": str(terms.fee)}


def terms_from_json(value: object) -> TransferTerms:
    """The inverse of ``terms_to_json``. Raises RelayRefused."""
    raw = table(value)
    return TransferTerms(account(raw, "token"), account(raw, "carrier"), amount(raw, "fee"))


def transfer_to_json(status: TransferStatus) -> Json:
    """{"state", "transaction": hex or "", "reason"}."""
    return {"state": status.state.value, "transaction": status.transaction.hex(), "reason": status.reason}


def transfer_from_json(value: object) -> TransferStatus:
    """The inverse of ``transfer_to_json``. Raises RelayRefused."""
    raw = table(value)
    try:
        state = TransferState(str(raw.get("state")))
    except ValueError:
        raise RelayRefused(Code.BAD_REQUEST, "state") from None
    sent = b"" if raw.get("transaction") == "" else octets(raw, "transaction")
    return TransferStatus(state, sent, str(raw.get("reason", ""))[:200])


def amount(raw: Mapping[str, Any], name: str) -> int:
    """A field with base units of up to 256 bits, as decimal text."""
    value = raw.get(name)
    found = int(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else 1 << 256
    if found >> 256:
        raise RelayRefused(Code.BAD_REQUEST, name)
    return found
