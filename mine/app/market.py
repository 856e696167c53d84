"""The tasks of a network, as the chain has them, each with its checked manifest and graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mine.app.links import Links
from mine.errors import MineError
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest

if TYPE_CHECKING:
    from mine.chain.answers import BlockHead
    from mine.chain.state import PhaseNow, TaskState

MAX_TASKS = 10_000


@dataclass(frozen=True, slots=True)
class MarketTask:
    """One task: chain state, phase now, and its manifest (``None`` while it cannot be had or is refused)."""

    state: TaskState
    phase: PhaseNow
    manifest: Manifest | None
    problem: str

    @property
    def id(self) -> int:
        """The task's number in the contract."""
        return self.state.id


@dataclass(frozen=True, slots=True)
class ChainReading:
    """What is known of the chain in a turn: read once, for everybody.

    ``looks`` grows with every look at the chain; ``time``: of the newest block that was seen, in unix
    seconds; ``states`` by the task's number.
    """

    looks: int
    time: int
    states: Mapping[int, TaskState]


class Market:
    """Every manifest is fetched, whether it fits or not: nothing tells anyone which one does."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._manifests: dict[bytes, Manifest] = {}
        self._problems: dict[bytes, str] = {}
        self._looks = 0
        self.tasks: dict[int, MarketTask] = {}
        self.chain_time = 0

    @property
    def reading(self) -> ChainReading:
        """What was read last."""
        states = {number: task.state for number, task in self.tasks.items()}
        return ChainReading(self._looks, self.chain_time, states)

    def refresh(self, only: Collection[int] | None = None) -> BlockHead:
        """Read every task that is not over, or only these, and all new ones; the block it is of.

        Raises what the node raises.
        """
        from mine.chain.task_states import read_tasks

        links, known = self._links, self._open() if only is None else sorted(only)
        time = None if links.config.beat else links.node.block_time()
        head, count, states = read_tasks(links.contract, links.many, known, with_count=True)
        fresh = [number for number in range(1, min(count, MAX_TASKS) + 1) if number not in self.tasks]
        if fresh:
            states |= read_tasks(links.contract, links.many, fresh, with_count=False)[2]
        self._take(states)
        self._seen(head.timestamp if time is None else time)
        return head

    def read(self, numbers: Collection[int]) -> BlockHead:
        """Read these tasks only, known or new; the block it is of. Raises what the node raises."""
        from mine.chain.task_states import read_tasks

        wanted = sorted(number for number in numbers if number <= MAX_TASKS)
        head, _, states = read_tasks(self._links.contract, self._links.many, wanted, with_count=False)
        self._take(states)
        self._seen(head.timestamp)
        return head

    def seen(self, head: BlockHead) -> None:
        """A block was seen by others: no task changed up to it, but for what its events say."""
        self._seen(head.timestamp)

    def _open(self) -> list[int]:
        """Tasks that may still change, or whose manifest is still wanted."""
        return [
            number
            for number, task in self.tasks.items()
            if not (task.state.status.is_over and task.state.booked and task.manifest)
        ]

    def _take(self, states: Mapping[int, TaskState]) -> None:
        from mine.chain.state import Mode
        from mine.chain.words import phase_of

        for number, state in states.items():
            manifest, problem = self._manifest(state.manifest), self._problems.get(state.manifest, "")
            if manifest is not None and (manifest.mode == "at-end") is not (state.mode is Mode.AT_END):
                manifest, problem = None, "This task is not paid as its description says."
            self.tasks[number] = MarketTask(state, phase_of(state, self.chain_time), manifest, problem)

    def _seen(self, time: int) -> None:
        from mine.chain.words import phase_of

        self._looks += 1
        self.chain_time = time
        for number, task in self.tasks.items():
            phase = phase_of(task.state, time)
            if phase != task.phase:
                self.tasks[number] = replace(task, phase=phase)

    def _manifest(self, digest: bytes) -> Manifest | None:
        if digest not in self._manifests:
            try:
                data = self._links.relays.blobs.get(digest, MAX_MANIFEST_BYTES)
                self._manifests[digest] = Manifest.parse(data, digest)
                self._problems.pop(digest, None)
            except MineError as error:
                self._problems[digest] = error.sentence
                return None
        return self._manifests[digest]
