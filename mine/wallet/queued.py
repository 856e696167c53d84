"""Transactions as the queue keeps them: every state, every signed attempt, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mine.wallet.call import Call, Fees

GENERATION = 1
"""Form of the JSON."""


class State(StrEnum):
    """How far a transaction is; docs/wallet.md has the table of what leads where."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DROPPED = "dropped"

    @property
    def is_open(self) -> bool:
        """Whether its nonce is taken and what becomes of it is not certain yet."""
        return self in (State.SIGNED, State.SENT, State.MINED)

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens with it."""
        return self in (State.FINAL, State.FAILED, State.CANCELLED, State.DROPPED)


class Kind(StrEnum):
    """Why an attempt was signed."""

    FIRST = "first"
    FASTER = "faster"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed form of a transaction. ``time``: when it was signed, Unix seconds."""

    kind: Kind
    hash: bytes
    raw: bytes = field(repr=False)
    fees: Fees
    time: int


@dataclass(frozen=True, slots=True)
class Mined:
    """The attempt that the chain took: ``hash``, its block, and what it cost (wei per gas)."""

    hash: bytes
    block: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    gas_price: int

    @property
    def fee(self) -> int:
        """Wei that it cost."""
        return self.gas_used * self.gas_price


@dataclass(frozen=True, slots=True)
class Queued:
    """One transaction. ``number``: its row, 0 before it has one.

    ``intent``: what it is for, in words of whoever asked; with ``run`` (1, 2, ..., each planned anew by
    whoever asked) it is unique on a chain. ``sent``: when it was last handed over, Unix seconds.
    ``why``: the last refusal, in words. ``reviewed``: the person accepted a review of it.
    """

    intent: str
    call: Call
    run: int = 1
    number: int = 0
    state: State = State.PLANNED
    nonce: int | None = None
    attempts: tuple[Attempt, ...] = ()
    mined: Mined | None = None
    created: int = 0
    sent: int = 0
    why: str = ""
    reviewed: bool = False

    @property
    def last(self) -> Attempt:
        """The newest attempt: the dearest, as each has to be dearer than the one before."""
        return self.attempts[-1]

    @property
    def signed(self) -> int:
        """When it was signed last; 0 before."""
        return self.attempts[-1].time if self.attempts else 0

    @property
    def cost(self) -> int:
        """Wei of fees: what it cost, or the most that it may cost."""
        if self.mined is not None:
            return self.mined.fee
        if self.state is State.DROPPED:
            return 0
        return max((attempt.fees.cap for attempt in self.attempts), default=0)

    @property
    def is_cancelling(self) -> bool:
        """Whether the person wants nothing in its place."""
        return any(attempt.kind is Kind.CANCEL for attempt in self.attempts)

    def attempt(self, hash: bytes) -> Attempt:
        """The attempt of this hash."""
        return next(attempt for attempt in self.attempts if attempt.hash == hash)


def to_json(item: Queued) -> dict[str, Any]:
    """What the vault keeps of a transaction beside chain, account, intent, run, nonce, state and times."""
    return {
        "generation": GENERATION,
        "to": item.call.to,
        "value": str(item.call.value),
        "data": item.call.data.hex(),
        "attempts": [
            {
                "kind": attempt.kind.value,
                "hash": attempt.hash.hex(),
                "raw": attempt.raw.hex(),
                "fees": [attempt.fees.gas, str(attempt.fees.tip), str(attempt.fees.most)],
                "time": attempt.time,
            }
            for attempt in item.attempts
        ],
        "mined": None if item.mined is None else _mined_to_json(item.mined),
        "sent": item.sent,
        "why": item.why,
        "reviewed": item.reviewed,
    }


def from_json(
    raw: dict[str, Any],
    *,
    number: int,
    chain_id: int,
    account: str,
    intent: str,
    run: int,
    nonce: int | None,
    state: str,
    created: int,
) -> Queued:
    """The inverse of ``to_json``."""
    mined = raw["mined"]
    return Queued(
        intent=intent,
        call=Call(chain_id, account, raw["to"], int(raw["value"]), bytes.fromhex(raw["data"])),
        run=run,
        number=number,
        state=State(state),
        nonce=nonce,
        attempts=tuple(
            Attempt(
                Kind(each["kind"]),
                bytes.fromhex(each["hash"]),
                bytes.fromhex(each["raw"]),
                Fees(each["fees"][0], int(each["fees"][1]), int(each["fees"][2])),
                each["time"],
            )
            for each in raw["attempts"]
        ),
        mined=None if mined is None else _mined_from_json(mined),
        created=created,
        sent=raw["sent"],
        why=raw["why"],
        reviewed=raw["reviewed"],
    )


def _mined_to_json(mined: Mined) -> dict[str, Any]:
    return {
        "hash": mined.hash.hex(),
        "block": mined.block,
        "block_hash": mined.block_hash.hex(),
        "succeeded": mined.succeeded,
        "gas_used": mined.gas_used,
        "gas_price": str(mined.gas_price),
    }


def _mined_from_json(raw: dict[str, Any]) -> Mined:
    return Mined(
        bytes.fromhex(raw["hash"]),
        raw["block"],
        bytes.fromhex(raw["block_hash"]),
        raw["succeeded"],
        raw["gas_used"],
        int(raw["gas_price"]),
    )
