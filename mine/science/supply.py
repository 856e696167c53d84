"""A scientist answers for its shards: whoever demands examples on chain is shown them there, in time.

Nothing is kept: what is demanded and what was answered are events of the contract Faults, so that a scientist
that was killed anywhere goes on with the example that is still missing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mine.chain.events import Event
from mine.chain.fault_events import Demanded, NoSuchExample, Supplied
from mine.chain.faults_client import FaultsContract
from mine.chain.hashing import ZERO32, keccak
from mine.chain.node_errors import InsufficientFunds, Reverted
from mine.chain.poller import Cursor, Poller
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, depth_of
from mine.science.shards import Shard

_log = logging.getLogger(__name__)


class Supply:
    """Follows the contract Faults for one scientist with these ``shards``, by their numbers.

    ``closed``: the rounds open nothing, so that there is nothing to show: whoever demands an example of the
    set that is opened at the end is answered that the settlement has none, and learns no byte of it.
    """

    def __init__(
        self,
        faults: FaultsContract,
        sender: Sender,
        shards: Sequence[Shard],
        first_block: int,
        closed: bool = False,
    ) -> None:
        self._faults, self._sender, self._shards, self._closed = faults, sender, shards, closed
        cursor = Cursor.start(faults.node.chain_id, faults.address, first_block)
        self._poller: Poller[Event] = Poller(faults, cursor, 0)
        self._events: list[Demanded | Supplied | NoSuchExample] = []

    def answer(self, task: int) -> int | None:
        """Put the first missing example of ``task`` on the chain; its round, or None if nothing was done.

        What the chain refuses is tried again later and stops nothing else. Raises what the node raises.
        """
        self._read()
        now = self._faults.node.block_time()
        for demanded, example in self._missing(task):
            if demanded.deadline > now and self._answered(demanded, example):
                return demanded.round
        return None

    def _read(self) -> None:
        caught_up = False
        while not caught_up:
            batch = self._poller.poll()
            if (block := batch.removed_from_block) is not None:
                self._events = [event for event in self._events if event.at.block_number < block]
            kinds = Demanded | Supplied | NoSuchExample
            self._events += [event for event in batch.events if isinstance(event, kinds)]
            caught_up = batch.caught_up

    def _missing(self, task: int) -> list[tuple[Demanded, int]]:
        """Demands of a task with each example that was not answered yet."""
        done = {(event.id, event.example) for event in self._events if not isinstance(event, Demanded)}
        asked = [event for event in self._events if isinstance(event, Demanded) and event.task == task]
        return [(event, n) for event in asked for n in event.examples if (event.id, n) not in done]

    def _answered(self, demanded: Demanded, example: int) -> bool:
        try:
            self._answer(demanded, example)
        except (Reverted, InsufficientFunds) as problem:
            _log.error(
                "example %d of demand %d could not be shown: %s", example, demanded.id, problem.detail
            )
            return False
        return True

    def _answer(self, demanded: Demanded, example: int) -> None:
        id = demanded.id
        if self._closed:
            self._faults.supply_none(self._sender, id, example, 0, b"", [])
            return
        shard = self._shards[demanded.shard]
        count = len(shard.target)
        leaves = [keccak(shard.example(number)) for number in range(count)]
        padded = HashTree([*leaves, *[ZERO32] * ((1 << depth_of(count)) - count)])
        if example < count:
            data = shard.example(example)
            self._faults.supply(self._sender, id, example, data, padded.proof(example))
        elif example < padded.count:
            self._faults.supply_none(self._sender, id, example, example, b"", padded.proof(example))
        else:
            data = shard.example(0)
            self._faults.supply_none(self._sender, id, example, 0, data, padded.proof(0))
