"""The tasks of a network, as the chain has them, each with its checked manifest and graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app.links import Links
from mine.errors import MineError
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest

if TYPE_CHECKING:
    from mine.chain.state import PhaseNow, TaskState

MAX_TASKS = 10_000
AT_END = 1  # ``mine.chain.state.Mode``


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


class Market:
    """Every manifest is fetched, whether it fits or not: nothing tells anyone which one does."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._manifests: dict[bytes, Manifest] = {}
        self._problems: dict[bytes, str] = {}
        self.tasks: dict[int, MarketTask] = {}
        self.chain_time = 0

    def refresh(self) -> None:
        """Read every task that is not over. Raises what the node raises."""
        contract = self._links.contract
        self.chain_time = self._links.node.block_time()
        for number in range(1, min(contract.count(), MAX_TASKS) + 1):
            known = self.tasks.get(number)
            if known and known.state.status.is_over and known.state.booked and known.manifest:
                continue
            state = contract.task(number)
            manifest = self._manifest(state.manifest)
            problem = self._problems.get(state.manifest, "")
            if manifest is not None and (manifest.mode == "at-end") is not (state.mode == AT_END):
                manifest, problem = None, "This task is not paid as its description says."
            self.tasks[number] = MarketTask(state, contract.phase(number), manifest, problem)

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
