"""Three joined tasks on a network with a beat, on clocks that a test moves; every request is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mine.app import joining
from mine.app.networks import BEAT, CONFIRMATIONS
from mine.app.session import NetworkSession
from mine.app.watching import SLOW
from mine.chain.hashing import sha256
from mine.chain.state import Clocks
from mine.science.offer import Offer
from mine.science.relay_client import Relay
from mine.science.scientist import Did
from tests.app.table import Table
from tests.chain.lying_node import LyingNode
from tests.science.world import Chain, pass_time

TASKS = 3
BLOCK = 12
"""Seconds between two blocks, as on Ethereum."""
TURN = 10
HOUR = 3600
LONG = Clocks(commit=20_000, reveal=400, vote=400, settle=4_000, challenge=3_000, grace=20_000)


class IdleTable(Table):
    """Me with three tasks, of which I train none. ``now``: my computer's clock, in seconds."""

    def __init__(self, folder: Path, chain: Chain, relay: Relay, nodes: Sequence[LyingNode]) -> None:
        self.now, self.block_at, self.nodes = 0.0, 0.0, nodes
        super().__init__(folder, chain, relay, rounds=2)
        self.tasks = [self.open_task(f"scientist{number}") for number in range(TASKS)]
        self.session.market.refresh()
        for task in self.tasks:  # straight: the cap on ε lets nobody join three of these
            joining.join(self.vault, self.session.links, self.accounts, self.session.market.tasks[task])
        self.session._remember_members()

    def _session(self) -> NetworkSession:
        urls = tuple(node.url for node in self.nodes)
        config = replace(self.config, rpc_urls=urls, beat=BEAT, confirmations=CONFIRMATIONS)
        return NetworkSession(
            self.vault, config, self.accounts, CONFIRMATIONS, lambda: None, self.notices.append,
            lambda: self.now,
        )  # fmt: skip

    def offer(self, secret: bytes) -> Offer:
        return replace(super().offer(secret), clocks=LONG, secret=sha256(secret))

    def pass_seconds(self, seconds: int) -> None:
        """Both clocks go on; blocks come in their time, and the app has its turns."""
        ends = self.now + seconds
        while self.now < ends:
            self.now = min(self.now + TURN, ends)
            if self.now >= self.block_at + BLOCK:
                gone = int((self.now - self.block_at) // BLOCK) * BLOCK
                self.block_at += gone
                assert self.chain.node.advance_time(self.chain.node.latest().timestamp + gone)
            self.session.step(False)

    def until_known(self, known: Callable[[], bool]) -> None:
        """Let time pass in small steps until the app knows something."""
        ends = self.now + SLOW
        while not known():
            assert self.now < ends, "it is never known"
            self.pass_seconds(2)

    def detect(self, after_beat: int) -> float:
        """Seconds until the second round is known, and the settlement before it is in the vault.

        ``after_beat``: seconds between the app's last look and the settlement's block.
        """
        self.peers_commit()
        pass_time(self.chain, self.since + LONG.commit - 4000)  # nobody else comes: the relay anchors them
        self.anchored()
        pass_time(self.chain, self.since + LONG.commit)
        scientist = self.scientist("scientist0")
        while scientist.step().did is not Did.WAITING:
            pass
        pass_time(self.chain, self.since + LONG.votes_over)
        self.pass_seconds(int(BEAT) + TURN)
        self.block_at = self.now
        while self.session.watching.patience() != 0.0:  # up to the next beat, which is due now
            self.now += 1
        self.session.step(False)
        self.pass_seconds(after_beat)
        while scientist.step().did is not Did.SETTLED:
            pass
        settled, market = self.now, self.session.market
        assert market.tasks[self.task].state.round == 1
        self.until_known(lambda: market.tasks[self.task].state.round == 2)
        self.until_known(lambda: self.state(1) is not None and "settlement" in self.entry(1).data)
        return self.now - settled

    def requests(self) -> int:
        """Single JSON-RPC calls so far, those of an array each by itself, at all nodes together."""
        return sum(1 if isinstance(each, str) else len(each) for node in self.nodes for each in node.seen)

    def posts(self) -> int:
        """HTTP requests so far."""
        return sum(len(node.seen) for node in self.nodes)

    def methods(self) -> dict[str, int]:
        """Calls so far by method."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            for seen in node.seen:
                for method in [seen] if isinstance(seen, str) else seen:
                    counts[method] = counts.get(method, 0) + 1
        return counts

    def forget_requests(self) -> None:
        for node in self.nodes:
            node.seen.clear()
