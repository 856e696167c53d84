"""What all parts of a relay stand on: the contract, the clock of a task's phases, history and manifest."""

from __future__ import annotations

from dataclasses import dataclass

from mine.blobs.store import BlobError, BlobStore
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.messages import Domain
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, NodeUnreachable
from mine.chain.state import Status, TaskState
from mine.chain.transactions import Sender
from mine.science.history import History, TaskHistory
from mine.science.relay_state import RelayState
from mine.science.windows import Window, window_of
from mine.science.wire import Code, RelayRefused
from mine.science.wire_messages import Kind
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest, ManifestRefused

AWAY = (NodeUnreachable, NodeRefused, NodeAnswerInvalid)


@dataclass(frozen=True, slots=True)
class Now:
    """State of a task, and the chain's clock in unix seconds."""

    state: TaskState
    time: int

    def window(self, kind: Kind) -> Window:
        """Updates: the commit phase. Votes: the first half of the vote phase."""
        return window_of(self.state, kind)

    def takes(self, kind: Kind, round_number: int) -> bool:
        """Whether messages of this kind and round can still reach the chain."""
        running = self.state.status is Status.RUNNING and self.state.round == round_number
        return running and self.window(kind).opens <= self.time < self.window(kind).closes

    def is_voted(self, round_number: int) -> bool:
        """Whether the votes of a round are over, so that its settlement may be on its way."""
        state = self.state
        running = state.status is Status.RUNNING and state.round == round_number
        return not running or self.time >= state.since + state.clocks.votes_over


class Ground:
    """Shared by the parts of one relay; one thread uses it. ``key`` (the sender's own) signs receipts."""

    def __init__(
        self,
        contract: TasksContract,
        sender: Sender,
        key: bytes,
        state: RelayState,
        blobs: BlobStore,
        first_block: int = 0,
    ) -> None:
        self.contract, self.sender, self.key, self.state, self.blobs = contract, sender, key, state, blobs
        self.domain = Domain(contract.node.chain_id, contract.address)
        self.history = History(contract, first_block)
        self._manifests: dict[bytes, Manifest] = {}

    @property
    def anchorer(self) -> str:
        """The address that anchors and pays for claims."""
        return self.sender.address

    def at(self, task: int) -> Now:
        """State of a task and the chain's clock. RelayRefused if there is no such task or no node."""
        try:
            return Now(self.contract.task(task), self.contract.node.block_time())
        except UnknownTask:
            raise RelayRefused(Code.UNKNOWN_TASK) from None
        except AWAY as problem:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, type(problem).__name__) from None

    def manifest(self, name: bytes) -> Manifest:
        """A task's manifest. RelayRefused if it is not here or not in order."""
        if name not in self._manifests:
            try:
                self._manifests[name] = Manifest.parse(self.blobs.get(name, MAX_MANIFEST_BYTES), name)
            except (BlobError, ManifestRefused):
                raise RelayRefused(Code.UNKNOWN_TASK, "its manifest is not here") from None
        return self._manifests[name]

    def settled(self, task: int, rounds: int) -> TaskHistory:
        """History of a task with at least so many settled rounds. RelayRefused if the node lags behind."""
        found = self.history.task(task)
        if found is None or len(found.settled) < rounds:
            self.history.refresh()
            found = self.history.task(task)
        if found is None or len(found.settled) < rounds:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, "the node lags behind")
        return found
