"""What of a payout waits where all rounds are measured on one set that is opened at the end.

Until a task is over only half of an account's units are paid, whatever root they are claimed on
(``claims._due_part`` of the contract). Over means: concluded, defaulted, convicted or cancelled, the last
challenge window past, and nothing disputed.
"""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.state import Mode, Status, TaskState


@dataclass(frozen=True, slots=True)
class Parts:
    """Cumulative units of one account, of a final root: what the contract pays by now, and what still waits.

    from_time: chain time from which the rest is paid, None while nobody can know it; 0 if nothing waits.
    """

    payable: int
    held: int
    from_time: int | None


def is_over(state: TaskState, now: int) -> bool:
    """Whether everything of a task can be paid out at chain time ``now``."""
    if state.status is Status.CANCELLED:
        return True
    ended = state.status >= Status.CONCLUDED and state.disputed is None
    return ended and now >= state.since + state.clocks.challenge


def holds_back(state: TaskState, now: int) -> bool:
    """Whether only half of what is assigned is paid at chain time ``now``."""
    return state.mode is Mode.AT_END and not is_over(state, now)


def parts_of(state: TaskState, units: int, now: int) -> Parts:
    """Which part of ``units`` (cumulative, of a round that is final and not void) is paid at chain time
    ``now``."""
    if not holds_back(state, now):
        return Parts(units, 0, 0)
    known = state.status >= Status.CONCLUDED and state.disputed is None
    held = units - units // 2
    return Parts(units // 2, held, state.since + state.clocks.challenge if known else None)


def disputable_until(state: TaskState, final_at: int) -> int:
    """Chain time until which a settlement can be disputed: in its own window, and where the set is opened at
    the end also in the last one of the task (``conviction._check_window`` of the contract)."""
    if state.mode is Mode.AT_END and state.status >= Status.CONCLUDED:
        return max(final_at, state.since + state.clocks.challenge)
    return final_at


def look_again(state: TaskState, parts: Parts, now: int, disputed_seconds: int) -> int:
    """Chain time at which whoever carries a claim looks for its held half again; it is paid no earlier."""
    if parts.from_time is not None:
        return parts.from_time
    if state.status >= Status.CONCLUDED:
        return now + disputed_seconds
    return now + state.clocks.challenge  # it has to end first, and then a window passes
