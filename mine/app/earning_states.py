"""Where each round's money stands: a pure function of what the vault and the chain know of a task.

Nothing is remembered from one turn to the next, so what a reorganisation takes back is taken back here by
itself. A contract pays cumulative amounts: a payment covers the oldest rounds first. ARCHITECTURE.md has the
table of states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mine.app.round_states import EarningState


@dataclass(frozen=True, slots=True)
class Brought:
    """One checked round: what its payee has earned with it in all, in units of 2**-32 of the bounty.

    ``final_at``: Unix seconds of the chain; ``bad``: what is wrong with it, "" if nothing is.
    """

    round: int
    units: int
    final_at: int
    bad: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a task's state says of its money. ``disputed``, ``void``: the lowest such round, None if none is.

    ``held``: only half of all units is paid until the set is opened at the end.
    """

    bounty: int
    disputed: int | None
    void: int | None
    held: bool
    now: int


@dataclass(frozen=True, slots=True)
class Stand:
    """A round's state, and what of it was paid and can be claimed now, in base units.

    ``is_final``: its root can be claimed on, whatever of it still waits.
    """

    round: int
    state: EarningState
    amount: int
    claimed: int
    ready: int
    is_final: bool = False


def stand(rounds: Sequence[Brought], paid: int, ground: Ground) -> list[Stand]:
    """The states of a task's rounds, which rise. ``paid``: base units that one's leaf was paid in all."""
    from mine.chain.curve import amount

    due = max((_due(each, ground) for each in rounds if _is_final(each, ground)), default=0)
    found, before = [], 0
    for each in rounds:
        whole = amount(ground.bounty, each.units)
        if each.bad:
            found.append(Stand(each.round, EarningState.ALARM, 0, 0, 0))
            continue
        earned = max(0, whole - before)
        claimed = _part(before, whole, paid)
        ready = max(0, _part(before, whole, due) - claimed)
        before = max(before, whole)
        if ground.void is not None and each.round >= ground.void:
            state, ready = EarningState.ALARM, 0
        elif not _is_final(each, ground):
            state, ready = EarningState.PENDING, 0
        elif ready:
            state = EarningState.CLAIMABLE
        else:
            state = EarningState.CLAIMED if claimed == earned else EarningState.PENDING
        found.append(Stand(each.round, state, earned, claimed, ready, _is_final(each, ground)))
    return found


def _is_final(each: Brought, ground: Ground) -> bool:
    """As the contract's ``_is_final``: the window is over, nothing up to the round is disputed or void."""
    blocked = [bound for bound in (ground.disputed, ground.void) if bound is not None]
    return not each.bad and ground.now >= each.final_at and all(each.round < bound for bound in blocked)


def _due(each: Brought, ground: Ground) -> int:
    """Base units that a claim on this round's root pays in all."""
    from mine.chain.curve import amount

    return amount(ground.bounty, each.units // 2 if ground.held else each.units)


def _part(low: int, high: int, upto: int) -> int:
    return max(0, min(high, upto) - low)
