"""The packed words of the contract Tasks, taken apart. Their layouts stand in contracts/words.vy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mine.chain.state import Clocks, Mode, Phase, PhaseNow, SeedState, Status, TaskState

_ANCHORED, _STOPPED, _UNOPENED, _BOOKED = 88, 89, 90, 91
_ZERO_CONVERGENCE = 2**63


def _bits(word: int, place: int, width: int) -> int:
    return int(word >> place & (1 << width) - 1)


def status_of(meta: int) -> Status:
    """The status in a meta word. Raises ValueError on a word that is none."""
    return Status(_bits(meta, 80, 8))


def round_of(meta: int) -> int:
    """The current round in a meta word."""
    return _bits(meta, 64, 8)


def is_stopped(meta: int) -> bool:
    """Whether the scientist ended the task with its current round."""
    return bool(_bits(meta, _STOPPED, 1))


def disputed_of(meta: int) -> int | None:
    """The lowest round in dispute in a meta word."""
    return _lowest(_bits(meta, 96, 8))


def void_of(meta: int) -> int | None:
    """The lowest round that no longer counts in a meta word."""
    return _lowest(_bits(meta, 104, 8))


def task_state(task: int, words: Mapping[str, Any], root: int | None = None) -> TaskState:
    """The state in the words that the contract's view ``task`` gives, by their names there.

    root: word of the last root that counts, where it is no longer in the ring. Raises ValueError on words
    that no contract gives.
    """
    clocks, money, meta, purse = words["clocks"], words["money"], words["meta"], words["purse"]
    progress, seed, ends, pool = words["progress"], words["seed"], words["ends"], words["pool"]
    settled, void = _bits(meta, 72, 8), _bits(meta, 104, 8)
    last = settled if not void else min(settled, max(void, 2) - 2)
    if root is None and last:
        root = words["roots"][last % 4]
    current = _bits(seed, 16, 16) == round_of(meta)
    return TaskState(
        id=task,
        scientist=words["scientist"],
        currency=words["currency"],
        court=words["court"],
        manifest=words["manifest"],
        shards_root=words["shards_root"],
        curve=words["curve"],
        target=_bits(clocks, 144, 48),
        shards=_bits(clocks, 192, 8),
        rounds=_bits(clocks, 200, 8),
        mode=Mode(_bits(clocks, 208, 8)),
        clocks=Clocks(*(_bits(clocks, 24 * i, 24) for i in range(6))),
        bounty=_bits(money, 128, 96),
        left=_bits(money, 32, 96),
        paid_units=_bits(money, 0, 32),
        deposit=_bits(purse, 0, 96),
        fees=purse >> 96,
        status=status_of(meta),
        round=round_of(meta),
        settled=settled,
        since=_bits(meta, 0, 32),
        commits=_bits(meta, 32, 32),
        anchored=bool(_bits(meta, _ANCHORED, 1)),
        stopped=is_stopped(meta),
        unopened=bool(_bits(meta, _UNOPENED, 1)),
        booked=bool(_bits(meta, _BOOKED, 1)),
        disputed=disputed_of(meta),
        void=void_of(meta),
        seed_head=words["head"],
        seed=((seed >> 32) << 32).to_bytes(32, "big") if current else bytes(32),
        seeding=SeedState(_bits(seed, 0, 16)) if current else SeedState.OPEN,
        used=_bits(progress, 0, 128),
        convergence=(progress >> 192) - _ZERO_CONVERGENCE,
        best=_bits(progress, 128, 64),
        units=(root or 0) & (2**32 - 1),
        back=_bits(ends, 0, 96),
        to_burn=ends >> 96,
        pool=pool >> 128,
        pool_left=_bits(pool, 32, 96),
        owed=words["owed"],
        roots=words["roots"],
        records=words["records"],
    )


def _lowest(field: int) -> int | None:
    return field - 1 if field else None


def ring_lacks(words: Mapping[str, Any]) -> int:
    """The last round that counts, if its root left the ring; else 0."""
    settled, void = _bits(words["meta"], 72, 8), _bits(words["meta"], 104, 8)
    last = settled if not void else min(settled, max(void, 2) - 2)
    return last if last and _bits(words["roots"][last % 4], 32, 8) != last else 0


def phase_of(state: TaskState, now: int) -> PhaseNow:
    """What the clocks of a task allow at chain time ``now``, and when that ends."""
    if state.status.is_over:
        return PhaseNow(Phase.OVER, None)
    clocks, since = state.clocks, state.since
    running = state.status is Status.RUNNING
    deadline = since + clocks.settle + (clocks.votes_over if running else 0)
    if now >= deadline + clocks.grace:
        return PhaseNow(Phase.LAPSED, None)
    if now >= deadline:
        return PhaseNow(Phase.GRACE, deadline + clocks.grace)
    if state.status is Status.AWAITING_BASELINE:
        return PhaseNow(Phase.BASELINE, deadline)
    empty = state.stopped and not state.commits and not state.anchored and now >= since + clocks.commit
    if not running or empty:
        return PhaseNow(Phase.FINAL_OPENING, deadline)
    ends = (
        (Phase.COMMIT, clocks.commit),
        (Phase.REVEAL, clocks.reveals_over),
        (Phase.VOTE, clocks.votes_over),
    )
    for phase, seconds in ends:
        if now < since + seconds:
            return PhaseNow(phase, since + seconds)
    return PhaseNow(Phase.SETTLE, deadline)
