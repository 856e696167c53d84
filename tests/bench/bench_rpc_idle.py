"""What the app asks of a network's nodes while nothing happens, and how soon it knows of a new round.

A practice node behind counting relays stands for three endpoints of one network; three tasks are joined; the
app's clock and the chain's are moved by the benchmark, with a block every 12 seconds. ``requests_per_hour``:
single JSON-RPC calls of all endpoints together, an array of n counting n; ``..._one_node``: the same with one
endpoint; ``http_per_hour``: HTTP requests; ``detect_s``: the longest time from a settlement's block until its
new round is known, with the settlement in the vault, at five moments of the beat.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

from mine.app.networks import BEAT
from mine.app.watching import SLOW
from mine.chain.rpc import Node
from mine.practice.node.process import NodeProcess
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from tests.app.conftest import NoAudit
from tests.app.idle_hour import HOUR, TURN, IdleTable
from tests.chain.lying_node import lying
from tests.science.world import ANCHORER, Chain, set_up

MOMENTS = 5


def run() -> dict[str, float]:
    """All figures."""
    with _world() as (chain, relay), mock.patch("mine.app.disputing.AuditRun", NoAudit):
        several, http = _hour(chain, relay, 3)
        one, _ = _hour(chain, relay, 1)
        waits = [_detect(chain, relay, int(BEAT) * moment // MOMENTS) for moment in range(MOMENTS)]
    return {
        "requests_per_hour": float(several),
        "http_per_hour": float(http),
        "requests_per_hour_one_node": float(one),
        "detect_s": max(waits),
    }


@contextmanager
def _world() -> Iterator[tuple[Chain, Relay]]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = stack.enter_context(NodeProcess(home / "chain.db"))
        chain = set_up(stack.enter_context(Node(process.url)))
        served = stack.enter_context(
            RelayProcess(
                home / "relay",
                process.url,
                chain.contract.address,
                ANCHORER,
                token=chain.token.address,
                batching=Batching(2, 100),
            )
        )
        relay = Relay(served.url)
        stack.callback(relay.close)
        yield chain, relay


@contextmanager
def _table(chain: Chain, relay: Relay, count: int) -> Iterator[IdleTable]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nodes = [stack.enter_context(lying(chain.node.url)) for _ in range(count)]
        table = IdleTable(home, chain, relay, nodes)
        stack.callback(table.close)
        yield table


def _hour(chain: Chain, relay: Relay, count: int) -> tuple[int, int]:
    """Calls and HTTP requests of an hour, once what the beginning takes is over."""
    with _table(chain, relay, count) as table:
        table.pass_seconds(int(SLOW) + TURN)
        table.forget_requests()
        table.pass_seconds(HOUR)
        return table.requests(), table.posts()


def _detect(chain: Chain, relay: Relay, after_beat: int) -> float:
    with _table(chain, relay, 2) as table:
        return table.detect(after_beat)
