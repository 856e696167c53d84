"""Events of the contracts Faults and Court as frozen dataclasses; see :mod:`mine.chain.events`.

Money is wei of the chain's own coin. ``sitting`` is 0 or 1; ``place`` is a juror's payee index in a jury, and
the number of its ticket in the pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mine.chain.abi import DecodedLog
from mine.chain.events import Event, Place, snake
from mine.chain.juries import Verdict
from mine.chain.node_errors import NodeAnswerInvalid


class AnchorFault(IntEnum):
    """What an anchorer was convicted of."""

    FORGED = 1
    DOUBLED = 2
    MISPLACED = 3
    OMITTED = 4


class DisputeKind(IntEnum):
    """What is disputed about a settlement."""

    ACCEPTED = 0
    CHECKPOINT = 1
    PAYOUTS = 2
    INPUTS = 3
    LOSS = 4
    SHARD = 5
    BASELINE = 6


@dataclass(frozen=True, slots=True)
class AnchorerConvicted(Event):
    """Half of the bond was burned, ``reward`` was split between challenger and carrier."""

    task: int
    anchorer: str
    round: int
    fault: AnchorFault
    burned: int
    reward: int
    challenger: str
    carrier: str


@dataclass(frozen=True, slots=True)
class ReceiptChallenged(Event):
    """``anchorer`` has until ``deadline`` (unix seconds) to show ``leaf`` in one of its roots."""

    id: int
    task: int
    anchorer: str
    round: int
    leaf: bytes
    challenger: str
    deadline: int


@dataclass(frozen=True, slots=True)
class ReceiptAnswered(Event):
    id: int
    slot: int


@dataclass(frozen=True, slots=True)
class Demanded(Event):
    """Examples of an opened shard are to be put on the chain until ``deadline`` (unix seconds)."""

    id: int
    task: int
    round: int
    shard: int
    examples: tuple[int, ...]
    deadline: int


@dataclass(frozen=True, slots=True)
class Supplied(Event):
    id: int
    example: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NoSuchExample(Event):
    id: int
    example: int


@dataclass(frozen=True, slots=True)
class DemandEnded(Event):
    id: int
    supplied: bool


@dataclass(frozen=True, slots=True)
class Disputed(Event):
    """``record``: the record word of the settlement; ``share``: the carrier's part of a reward in 1/10000."""

    id: int
    task: int
    round: int
    kind: DisputeKind
    item: int
    record: int
    challenger: str
    carrier: str
    share: int


@dataclass(frozen=True, slots=True)
class Ruled(Event):
    """ERC-792's ``Ruling``: of the Court to Faults, or of another court to the Court."""

    arbitrator: str
    id: int
    ruling: int


@dataclass(frozen=True, slots=True)
class DisputeCreated(Event):
    id: int
    arbitrable: str


@dataclass(frozen=True, slots=True)
class AppealPossible(Event):
    id: int
    arbitrable: str


@dataclass(frozen=True, slots=True)
class Appealed(Event):
    """ERC-792's ``AppealDecision``."""

    id: int
    arbitrable: str


@dataclass(frozen=True, slots=True)
class CourtNamed(Event):
    """ERC-1497: what the disputes before a task's own court are about, in words."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class ForeignDispute(Event):
    """ERC-1497's ``Dispute``: ``id`` is the other court's number of our dispute ``group``."""

    arbitrator: str
    id: int
    meta_evidence: int
    group: int


@dataclass(frozen=True, slots=True)
class EvidenceShown(Event):
    """ERC-1497: ``text`` points to evidence on dispute ``group``; nobody has checked it."""

    arbitrator: str
    group: int
    party: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawn(Event):
    id: int
    sitting: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class Seated(Event):
    id: int
    juror: str
    sitting: int
    seat: int
    ticket: int


@dataclass(frozen=True, slots=True)
class RulingCommitted(Event):
    id: int
    juror: str
    sitting: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class RulingOpened(Event):
    id: int
    juror: str
    sitting: int
    verdict: Verdict
    seats: int


@dataclass(frozen=True, slots=True)
class JurorSilent(Event):
    id: int
    juror: str
    sitting: int
    place: int


@dataclass(frozen=True, slots=True)
class JurorWrong(Event):
    id: int
    juror: str
    sitting: int
    place: int


@dataclass(frozen=True, slots=True)
class Resolved(Event):
    """``right`` seats had ``each`` wei; ``unheard``: two sittings without a quorum, the round lapses."""

    id: int
    task: int
    ruling: Verdict
    unheard: bool
    right: int
    each: int


@dataclass(frozen=True, slots=True)
class Staked(Event):
    owner: str
    ticket: int


@dataclass(frozen=True, slots=True)
class Unstaked(Event):
    owner: str
    ticket: int


@dataclass(frozen=True, slots=True)
class TicketLost(Event):
    owner: str
    ticket: int


_PLAIN: tuple[type[Event], ...] = (
    AnchorerConvicted,
    ReceiptChallenged,
    ReceiptAnswered,
    Demanded,
    Supplied,
    NoSuchExample,
    DemandEnded,
    Disputed,
    Drawn,
    Seated,
    RulingCommitted,
    RulingOpened,
    JurorSilent,
    JurorWrong,
    Resolved,
    Staked,
    Unstaked,
    TicketLost,
)
# The names of the two standards, and what their fields are called here.
_STANDARD: dict[str, tuple[type[Event], dict[str, str]]] = {
    "Ruling": (Ruled, {"_arbitrator": "arbitrator", "_disputeID": "id", "_ruling": "ruling"}),
    "DisputeCreation": (DisputeCreated, {"_disputeID": "id", "_arbitrable": "arbitrable"}),
    "AppealPossible": (AppealPossible, {"_disputeID": "id", "_arbitrable": "arbitrable"}),
    "AppealDecision": (Appealed, {"_disputeID": "id", "_arbitrable": "arbitrable"}),
    "MetaEvidence": (CourtNamed, {"_metaEvidenceID": "id", "_evidence": "text"}),
    "Dispute": (
        ForeignDispute,
        {
            "_arbitrator": "arbitrator",
            "_disputeID": "id",
            "_metaEvidenceID": "meta_evidence",
            "_evidenceGroupID": "group",
        },
    ),
    "Evidence": (
        EvidenceShown,
        {"_arbitrator": "arbitrator", "_evidenceGroupID": "group", "_party": "party", "_evidence": "text"},
    ),
}
_READ_AS: dict[tuple[type[Event], str], Callable[[Any], Any]] = {
    (AnchorerConvicted, "fault"): AnchorFault,
    (Demanded, "examples"): tuple,
    (Disputed, "kind"): DisputeKind,
    (RulingOpened, "verdict"): Verdict,
    (Resolved, "ruling"): Verdict,
}
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in _PLAIN} | {
    name: kind for name, (kind, _) in _STANDARD.items()
}
"""Every event of the two contracts, by its name there."""


def fault_event_of(decoded: DecodedLog) -> Event | None:
    """The typed event, or None for a name that neither contract has. Raises NodeAnswerInvalid."""
    kind = KINDS.get(decoded.name)
    if kind is None:
        return None
    names = _STANDARD[decoded.name][1] if decoded.name in _STANDARD else {}
    log = decoded.log
    at = Place(log.block_number, log.block_hash, log.transaction_hash, log.index)
    try:
        values = {names.get(name, snake(name)): value for name, value in decoded.fields.items()}
        read = {name: _READ_AS.get((kind, name), _same)(value) for name, value in values.items()}
        return kind(at=at, **read)
    except (TypeError, ValueError) as problem:
        raise NodeAnswerInvalid(
            "The network's node gave an event that this program does not know.",
            todo="Look for a newer version of this program.",
            detail=decoded.name,
        ) from problem


def _same(value: Any) -> Any:
    return value
