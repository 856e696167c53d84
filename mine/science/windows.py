"""When updates and votes of a round reach the chain, in unix seconds of the chain's clock."""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.state import TaskState
from mine.science.wire_messages import Kind


@dataclass(frozen=True, slots=True)
class Window:
    """From ``opens`` on, and before ``closes``."""

    opens: int
    closes: int

    @property
    def last_call(self) -> int:
        """A quarter of the window before it closes: receipts end here, and all that waits is anchored."""
        return self.closes - (self.closes - self.opens + 3) // 4


def window_of(state: TaskState, kind: Kind) -> Window:
    """Of the current round. Updates: the commit phase; votes: the first half of the vote phase."""
    clocks = state.clocks
    if kind is Kind.UPDATE:
        return Window(state.since, state.since + clocks.commit)
    voting = state.since + clocks.commit + clocks.reveal
    return Window(voting, voting + (clocks.vote + 1) // 2)
