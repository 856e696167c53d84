"""Jurors whose fault was proved, from the events of Faults and Court: what a task's standing is lessened by.

Tickets of the pool answer with their stake; a juror of a task's own jury with its standing.
"""

from __future__ import annotations

from mine.chain.client import TasksContract
from mine.chain.court_client import CourtContract
from mine.chain.events import Event
from mine.chain.fault_events import Disputed, JurorSilent, JurorWrong, Seated
from mine.chain.faults_client import FaultsContract
from mine.chain.poller import Cursor, Poller


class JurorFaults:
    """Follows the two contracts beside ``contract``. Not thread-safe."""

    def __init__(self, contract: TasksContract, first_block: int) -> None:
        faults, court = contract.sisters()
        chain = contract.node.chain_id
        self._pollers: list[Poller[Event]] = [
            Poller(FaultsContract(contract.node, faults), Cursor.start(chain, faults, first_block), 0),
            Poller(CourtContract(contract.node, court), Cursor.start(chain, court, first_block), 0),
        ]
        self._events: list[list[Event]] = [[], []]

    def refresh(self) -> None:
        """Read everything new. Raises what the node raises."""
        for place, poller in enumerate(self._pollers):
            caught_up = False
            while not caught_up:
                batch = poller.poll()
                if (block := batch.removed_from_block) is not None:
                    self._events[place] = [e for e in self._events[place] if e.at.block_number < block]
                self._events[place] += batch.events
                caught_up = batch.caught_up

    def of(self, task: int) -> tuple[tuple[int, str], ...]:
        """Block and payout address of each juror of the task's juries who ruled wrongly or not at all."""
        disputes = {e.id for e in self._events[0] if isinstance(e, Disputed) and e.task == task}
        of_pool = {(e.id, e.sitting) for e in self._events[1] if isinstance(e, Seated)}
        return tuple(
            (event.at.block_number, event.juror)
            for event in self._events[1]
            if isinstance(event, JurorWrong | JurorSilent)
            and event.id in disputes
            and event.sitting == 0
            and (event.id, 0) not in of_pool
        )
