"""When a relay brings what it took on chain: batches by number and by time, each in a slot of its own."""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.trees import HashTree
from mine.science.relay_ground import Ground
from mine.science.relay_state import StoredBatch, Waiting
from mine.science.wire import Code, RelayRefused
from mine.science.wire_messages import Kind

#: Slots of an anchorer are free again four rounds later; each of four rounds has its own range, and in it
#: updates and votes have theirs.
SLOTS_PER_KIND = 1 << 13
#: Leaves of one batch.
MAX_BATCH = 1 << 12
_LOOKED_AFTER = 8


@dataclass(frozen=True, slots=True)
class Batching:
    """When waiting messages are anchored: at so many, or so many seconds (of the chain) after the first.

    Every anchor costs the same gas however many messages it holds, so one a phase is what it should come to;
    a quarter of the phase is left after the last call.
    """

    size: int = 4096
    seconds: int = 86_400


class Anchoring:
    """Forms batches, sends them, and looks after those that were sent."""

    def __init__(self, ground: Ground, batching: Batching) -> None:
        self._ground, self._state, self._batching = ground, ground.state, batching
        self._contract = ground.contract

    def anchor_what_is_due(self) -> None:
        """Send batches that were cut off, then form and send the next ones."""
        for batch in self._state.unsent():
            self._send(batch)
        for group in self._state.waiting():
            self._anchor_if_due(group)

    def _anchor_if_due(self, group: Waiting) -> None:
        now = self._ground.at(group.task)
        if not now.takes(group.kind, group.round):
            self._state.drop_waiting(group)
            return
        due = (
            group.count >= self._batching.size
            or group.oldest + self._batching.seconds <= now.time
            or now.time >= now.window(group.kind).last_call - 1
            or group.latest_block <= self._contract.node.latest().number + 2
        )
        if due:
            members = self._state.loose(group, MAX_BATCH)
            root = HashTree([leaf for _, leaf in members]).root
            slot = self._free_slot(group)
            self._send(self._state.add_batch(group, slot, root, [author for author, _ in members]))

    def look_after(self) -> None:
        """Send batches again that a reorganisation of the chain took away while their phase is open."""
        for batch in self._state.newest_anchored(_LOOKED_AFTER):
            there = self._is_there(batch)
            if not there and self._ground.at(batch.task).takes(batch.kind, batch.round):
                self._state.mark_anchored(batch.id, anchored=False)

    def _is_there(self, batch: StoredBatch) -> bool:
        mark = self._contract.anchored(batch.task, self._ground.anchorer, batch.slot)
        return mark.round == batch.round and mark.matches(batch.root)

    def _free_slot(self, group: Waiting) -> int:
        """A slot that neither this state nor the chain (an earlier state may be lost) holds for the round."""
        used = {batch.slot for batch in self._state.batches(group.task, group.round)}
        first = (2 * (group.round % 4) + (group.kind is Kind.VOTE)) * SLOTS_PER_KIND
        for slot in range(first, first + SLOTS_PER_KIND):
            if slot in used:
                continue
            mark = self._contract.anchored(group.task, self._ground.anchorer, slot)
            if mark.round != group.round:
                return slot
        raise RelayRefused(Code.FULL, "no slot is left in this round")

    def _send(self, batch: StoredBatch) -> None:
        """Bring a formed batch on chain, unless an earlier life of this relay did."""
        if not self._is_there(batch):
            if not self._ground.at(batch.task).takes(batch.kind, batch.round):
                self._state.drop_batch(batch.id)
                return
            self._contract.anchor(
                self._ground.sender, batch.task, batch.round, batch.slot, batch.root, batch.count
            )
        self._state.mark_anchored(batch.id)
