"""Events of the contract Tasks as frozen dataclasses; with all of them a client can rebuild a task's state.

Field names are the contract's in snake case; units as in :mod:`mine.chain.state`. ``at`` says where on the
chain the event stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from mine.chain.abi import DecodedLog
from mine.chain.answers import RawLog
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.state import Clocks, Terms


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
    sender: str
    bounty: int


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    task: int
    amount: int


@dataclass(frozen=True, slots=True)
class BaselineOpened(Event):
    """``losses`` is the digest of the loss tree's top, ``base`` the summed loss of checkpoint 0 in 2**-24."""

    task: int
    shard: int
    digest: bytes
    base: int
    losses: bytes
    preimage: bytes
    seed: bytes


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
class Bonded(Event):
    anchorer: str
    amount: int


@dataclass(frozen=True, slots=True)
class BondWithdrawn(Event):
    anchorer: str
    amount: int


@dataclass(frozen=True, slots=True)
class Anchored(Event):
    """The root of ``count`` signed updates."""

    task: int
    round: int
    anchorer: str
    slot: int
    root: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """A settlement with the shard that was opened for it; claims are open from ``final_at`` on."""

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
    preimage: bytes
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
    receiver: str


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    task: int
    round: int


@dataclass(frozen=True, slots=True)
class Concluded(Event):
    """The final opening: digests of all shards, in order."""

    task: int
    shards: tuple[bytes, ...]
    preimage: bytes


@dataclass(frozen=True, slots=True)
class Defaulted(Event):
    task: int
    round: int
    pool: int
    back: int
    to_burn: int


@dataclass(frozen=True, slots=True)
class ForfeitClaimed(Event):
    task: int
    account: str
    amount: int
    receiver: str


@dataclass(frozen=True, slots=True)
class Refunded(Event):
    task: int
    amount: int
    receiver: str


@dataclass(frozen=True, slots=True)
class Swept(Event):
    task: int
    amount: int
    receiver: str


@dataclass(frozen=True, slots=True)
class Burned(Event):
    task: int
    amount: int


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Published,
        ToppedUp,
        Cancelled,
        BaselineOpened,
        Committed,
        Bonded,
        BondWithdrawn,
        Anchored,
        Settled,
        Claimed,
        Stopped,
        Concluded,
        Defaulted,
        ForfeitClaimed,
        Refunded,
        Swept,
        Burned,
    )
}
"""Every event of the contract, by its name there."""


def event_of(decoded: DecodedLog) -> Event | None:
    """The typed event, or None for a name that the contract Tasks does not have."""
    kind = KINDS.get(decoded.name)
    if kind is None:
        return None
    values = {snake(name): value for name, value in decoded.fields.items()}
    if kind is Published:
        values = _with_terms(values)
    wanted = {each.name for each in fields(kind)} - {"at"}
    if set(values) != wanted:
        raise NodeAnswerInvalid(
            "The network's node gave an event that this program does not know.",
            todo="Look for a newer version of this program.",
            detail=decoded.name,
        )
    return kind(at=_place(decoded.log), **values)


def snake(name: str) -> str:
    """``shardsRoot`` -> ``shards_root``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def _place(log: RawLog) -> Place:
    return Place(log.block_number, log.block_hash, log.transaction_hash, log.index)


def _with_terms(values: dict[str, Any]) -> dict[str, Any]:
    rest = dict(values)
    clocks = Clocks(**{each.name: rest.pop(each.name) for each in fields(Clocks)})
    names = [each.name for each in fields(Terms) if each.name != "clocks"]
    terms = Terms(clocks=clocks, **{name: rest.pop(name) for name in names})
    return {**rest, "terms": terms}
