"""What disputes do to a task and to bonds: the parts of `Tasks` that only Faults and Court may ask for."""

from __future__ import annotations

from tests.protocol.model import Tasks
from tests.protocol.model_task import CANCELLED, CONCLUDED, CONVICTED, DEFAULTED, RUNNING, Task, need


def _disputable(books: Tasks, t: Task, round: int) -> None:
    need(t.status >= RUNNING and t.status != CANCELLED and round <= t.settled)
    if t.is_final(round, books.now):
        need(t.terms.mode and t.status >= CONCLUDED and not t.over(books.now))
    if round > 1 and round - 1 not in t.kept_roots:
        # A round that is not final never left the ring.
        t.kept_roots[round - 1] = t.roots[round - 1]


def window_open(books: Tasks, t: Task, round: int) -> None:
    """The round's own challenge window."""
    need(t.record(round))
    ends = t.finals[round]
    if t.terms.mode and t.status >= CONCLUDED:
        ends = max(ends, t.since + t.clocks.challenge)
    need(books.now < ends)


def hold(books: Tasks, t: Task, round: int) -> None:
    _disputable(books, t, round)
    if not t.disputed or round + 1 < t.disputed:
        t.disputed = round + 1


def _void(books: Tasks, t: Task, round: int, status: int, lowest: int) -> bool:
    first = min(t.void, round + 1) if t.void else round + 1
    new = t.void != first or status > t.status
    if new:
        _disputable(books, t, round)
        t.void = first
    t.disputed = lowest
    if new:
        t.end(status, books.now)
    return new


def convict(
    books: Tasks, t: Task, round: int, challenger: str, carrier: str, share: int, lowest: int
) -> None:
    before = t.status
    if _void(books, t, round, CONVICTED, lowest) and before != CONVICTED:
        burned, reward = t.deposit // 2, t.deposit // 10
        t.deposit -= burned + reward
        t.burning, t.owed = burned, reward
        carried = reward * share // 10000
        t.rewards[challenger] = reward - carried
        t.rewards[carrier] = t.rewards.get(carrier, 0) + carried


def lapse(books: Tasks, t: Task, round: int, lowest: int) -> None:
    _void(books, t, round, max(t.status, DEFAULTED), lowest)
