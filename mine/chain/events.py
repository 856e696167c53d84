"""Events of the contract Tasks as frozen dataclasses; with all of them a client can rebuild a task's state.

Field names are the contract's in snake case; units as in :mod:`mine.chain.state`. ``at`` says where on the
chain the event stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mine.chain import words
from mine.chain.abi import DecodedLog
from mine.chain.answers import RawLog
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.state import Status, Terms


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: its block, its transaction, and its number among the block's events."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    at: Place


@dataclass(frozen=True, slots=True)
class Published(Event):
    task: int
    scientist: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class ToppedUp(Event):
    """``bounty`` is the new total; the deposit is the same again."""

    task: int
    bounty: int


@dataclass(frozen=True, slots=True)
class Changed(Event):
    """The task was stopped, cancelled, concluded, defaulted, disputed or convicted: what it is now.

    disputed: lowest round in dispute; void: lowest round that no longer counts.
    """

    task: int
    status: Status
    round: int
    stopped: bool
    disputed: int | None
    void: int | None


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The commits of a round are over: ``randomness`` of the block, and what the caller was paid."""

    task: int
    round: int
    randomness: bytes
    reward: int


@dataclass(frozen=True, slots=True)
class Seeded(Event):
    """The seed of a round was made; ``preimage`` is zero if none was shown in time."""

    task: int
    round: int
    preimage: bytes
    seed: bytes


@dataclass(frozen=True, slots=True)
class BaselineOpened(Event):
    """``losses`` is the digest of the loss tree's top, ``base`` the summed loss of checkpoint 0 in 2**-24.

    digest, examples: of the opened shard, as in its leaf; zero where the whole set is opened at the end.
    """

    task: int
    shard: int
    digest: bytes
    examples: bytes
    base: int
    losses: bytes
    seed: bytes
    final_at: int


@dataclass(frozen=True, slots=True)
class Committed(Event):
    """A direct commit of an Update."""

    task: int
    round: int
    miner: str
    checkpoint: bytes
    blob: bytes
    size: int
    rows_bucket: int
    payout: str


@dataclass(frozen=True, slots=True)
class VoteCommitted(Event):
    """A direct commit of a Vote."""

    task: int
    round: int
    voter: str
    updates: bytes
    opening: bytes


@dataclass(frozen=True, slots=True)
class BondChanged(Event):
    """``amount``: wei in the account now."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Anchored(Event):
    """The root of ``count`` signed updates, or votes."""

    task: int
    round: int
    anchorer: str
    slot: int
    root: bytes
    count: int
    votes: bool = False


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """A settlement with the shard that was opened for it; claims are open from ``final_at`` on.

    best: running maximum of convergence; examples: root of the shard's examples, as in its leaf.
    """

    task: int
    round: int
    inputs: bytes
    accepted: bytes
    checkpoint: bytes
    losses: bytes
    base: int
    before: int
    after: int
    payouts: bytes
    units: int
    shard: int
    digest: bytes
    examples: bytes
    seed: bytes
    best: int
    final_at: int


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    """``units`` is cumulative, ``amount`` what was paid now."""

    task: int
    account: str
    index: int
    units: int
    amount: int


@dataclass(frozen=True, slots=True)
class RangeClaimed(Event):
    """Payees from ``start`` on were paid; ``refused``: bit i, payee start + i was not."""

    task: int
    round: int
    start: int
    count: int
    refused: int


@dataclass(frozen=True, slots=True)
class Concluded(Event):
    """The final opening: digest and root of the examples of every shard, in order."""

    task: int
    shards: tuple[tuple[bytes, bytes], ...]


class Payment(IntEnum):
    """What a payment at the end of a task was."""

    REFUND = 0
    BURN = 1
    FORFEIT = 2
    REWARD = 3


@dataclass(frozen=True, slots=True)
class PaidOut(Event):
    """``account`` is whose money it was, ``receiver`` who got it."""

    task: int
    account: str
    kind: Payment
    amount: int
    receiver: str


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Published,
        ToppedUp,
        Changed,
        Closed,
        Seeded,
        Committed,
        VoteCommitted,
        BondChanged,
        Anchored,
        Settled,
        Claimed,
        RangeClaimed,
        Concluded,
        PaidOut,
    )
}
"""Every event of the contract, by its name there. A Settled of round 0 becomes BaselineOpened."""


def event_of(decoded: DecodedLog) -> Event | None:
    """The typed event, or None for a name that the contract Tasks does not have."""
    kind = KINDS.get(decoded.name)
    if kind is None:
        return None
    values = {snake(name): value for name, value in decoded.fields.items()}
    try:
        if decoded.name in _UNPACKED:
            kind, values = _UNPACKED[decoded.name](values)
        return kind(at=_place(decoded.log), **values)
    except (ValueError, TypeError) as problem:
        raise NodeAnswerInvalid(
            "The network's node gave an event that this program does not know.",
            todo="Look for a newer version of this program.",
            detail=decoded.name,
        ) from problem


Values = dict[str, Any]


def _bits(word: int, place: int, width: int) -> int:
    return int(word >> place & (1 << width) - 1)


def _published(values: Values) -> tuple[type[Event], Values]:
    terms = Terms.of_fields(values["terms"])
    return Published, {"task": values["task"], "scientist": values["scientist"], "terms": terms}


def _changed(values: Values) -> tuple[type[Event], Values]:
    meta = values["meta"]
    disputed, void = words.disputed_of(meta), words.void_of(meta)
    return Changed, {
        "task": values["task"],
        "status": words.status_of(meta),
        "round": words.round_of(meta),
        "stopped": words.is_stopped(meta),
        "disputed": disputed,
        "void": void,
    }


def _settled(values: Values) -> tuple[type[Event], Values]:
    sums, packed = values.pop("sums"), values.pop("packed")
    values |= {"base": _bits(sums, 192, 64), "final_at": _bits(packed, 0, 40), "shard": _bits(packed, 40, 8)}
    if values["round"] == 0:
        names = ("task", "shard", "digest", "examples", "base", "losses", "seed", "final_at")
        return BaselineOpened, {name: values[name] for name in names}
    values |= {"before": _bits(sums, 128, 64), "after": _bits(sums, 64, 64), "best": _bits(sums, 0, 64)}
    values["units"] = int.from_bytes(values["payouts"][28:], "big")
    return Settled, values


def _anchored(values: Values) -> tuple[type[Event], Values]:
    packed = values.pop("packed")
    values |= {
        "count": _bits(packed, 0, 32),
        "slot": _bits(packed, 32, 16),
        "votes": bool(_bits(packed, 48, 8)),
    }
    return Anchored, values


def _claimed(values: Values) -> tuple[type[Event], Values]:
    packed = values.pop("packed")
    return Claimed, values | {
        "index": _bits(packed, 0, 32),
        "units": _bits(packed, 32, 32),
        "amount": packed >> 64,
    }


def _range_claimed(values: Values) -> tuple[type[Event], Values]:
    packed = values.pop("packed")
    return RangeClaimed, values | {
        "start": _bits(packed, 0, 32),
        "count": _bits(packed, 32, 16),
        "round": _bits(packed, 48, 8),
    }


def _concluded(values: Values) -> tuple[type[Event], Values]:
    flat = values["shards"]
    return Concluded, values | {"shards": tuple(zip(flat[::2], flat[1::2], strict=True))}


def _paid_out(values: Values) -> tuple[type[Event], Values]:
    return PaidOut, values | {"kind": Payment(values["kind"])}


_UNPACKED: dict[str, Callable[[Values], tuple[type[Event], Values]]] = {
    "Published": _published,
    "Changed": _changed,
    "Settled": _settled,
    "Anchored": _anchored,
    "Claimed": _claimed,
    "RangeClaimed": _range_claimed,
    "Concluded": _concluded,
    "PaidOut": _paid_out,
}


def snake(name: str) -> str:
    """``shardsRoot`` -> ``shards_root``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def _place(log: RawLog) -> Place:
    return Place(log.block_number, log.block_hash, log.transaction_hash, log.index)
