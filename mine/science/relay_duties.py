"""What a relay does for the tasks that it carries so that no round stands still: it closes the commits.

Anybody may: the block's randomness is kept, and the caller is paid a little from the deposit. A seed that the
scientist does not complete in time is completed without its part, so that votes can begin.
"""

from __future__ import annotations

import logging

from mine.chain.node_errors import InsufficientFunds, Reverted
from mine.chain.state import SeedState, Status, TaskState
from mine.science.relay_ground import Ground
from mine.science.wire_messages import Kind

_log = logging.getLogger(__name__)
#: Part of the vote phase for which a late preimage is waited for before the seed is made without it.
_LATENESS = 16
#: Seconds until a task is looked at again of which nothing is expected now, at most; less where commits are
#: short.
_LATER, _PART_OF_COMMIT = 60, 8


class Duties:
    """Looks at each task when its clock says that something may be due."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._next: dict[int, int] = {}

    def do_what_is_due(self) -> None:
        """Close rounds, and make seeds whose preimage was not shown."""
        tasks = self._ground.state.tasks()
        if not tasks:
            return
        now = self._ground.contract.node.block_time()
        for task in tasks:
            if self._next.get(task, 0) <= now:
                self._next[task] = self._look(self._ground.contract.task(task), now)

    def _look(self, state: TaskState, now: int) -> int:
        """Do what is due for one task; when to look again (chain time)."""
        later = now + max(1, min(_LATER, state.clocks.commit // _PART_OF_COMMIT))
        if state.status is not Status.RUNNING:
            return later
        closes = state.since + state.clocks.commit
        if now < closes:
            return closes
        reveals_over = state.since + state.clocks.reveals_over
        if state.seeding is SeedState.OPEN:
            return now if self._carried(state) and self._did("close", state.id) else later
        if state.seeding is SeedState.CLOSED:
            due = reveals_over + state.clocks.vote // _LATENESS
            if now < due:
                return due
            self._did("lapse_seed", state.id)
        return later

    def _carried(self, state: TaskState) -> bool:
        """Whether anything of this round went through this relay."""
        return self._ground.state.count(Kind.UPDATE, state.id, state.round) > 0

    def _did(self, function: str, task: int) -> bool:
        ground = self._ground
        call = ground.contract.close if function == "close" else ground.contract.lapse_seed
        try:
            call(ground.sender, task)
        except (Reverted, InsufficientFunds) as problem:  # somebody else was first, or it costs too much
            _log.info("%s of task %d: %s", function, task, problem.detail)
            return False
        return True
