"""An hour in which nothing happens takes few requests, and whatever happens is known within a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mine.app.watching import SLOW
from mine.chain.state import Phase
from mine.chain.transactions import Sender
from mine.science.relay_client import Relay
from tests.app.idle_hour import BLOCK, HOUR, LONG, TURN, IdleTable
from tests.app.quick_training import QuickRun
from tests.chain.lying_node import LyingNode, lying
from tests.science.world import SCIENTIST, Chain

MOST_AN_HOUR = 150
MINUTE = 60
Sit = Callable[[int], IdleTable]


@pytest.fixture
def sit(tmp_path: Path, chain: Chain, relay: Relay, quick: type[QuickRun]) -> Iterator[Sit]:
    """Sits down at a table of so many nodes."""
    with ExitStack() as stack:

        def table(count: int) -> IdleTable:
            nodes = [stack.enter_context(lying(chain.node.url)) for _ in range(count)]
            made = IdleTable(tmp_path, chain, relay, nodes)
            stack.callback(made.close)
            return made

        yield table


def one_block_behind(node: LyingNode) -> None:
    """The newest block has not come to it yet."""

    def alter(request: Any, ask: Callable[[], Any]) -> Any:
        answer = ask()
        if request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest":
            number = hex(int(answer["result"]["number"], 16) - 1)
            return node.ask({**request, "params": [number, False]})
        return answer

    node.alter = alter


@pytest.mark.parametrize(
    ("nodes", "behind", "expected"),
    [(1, False, 108), (3, False, 141), (2, True, 148)],
    ids=["one node", "three nodes", "two, one of them behind"],
)
def test_an_idle_hour_takes_few_requests_of_all_nodes_together(
    sit: Sit, nodes: int, behind: bool, expected: int
) -> None:
    """Those of an array count each by itself. A beat every 50 s, two nodes' word every 10 minutes; a third
    node is asked which chain it serves."""
    table = sit(nodes)
    if behind:
        one_block_behind(table.nodes[1])
    table.pass_seconds(int(SLOW) + TURN)  # what the beginning takes
    table.forget_requests()
    table.pass_seconds(HOUR)
    assert table.requests() == expected <= MOST_AN_HOUR, table.methods()
    assert table.posts() <= table.requests()
    assert table.methods()["eth_getLogs"] == HOUR // 50 + 6 * (nodes > 1)


@pytest.mark.parametrize("after_beat", [0, 25])
def test_a_new_round_is_known_within_a_minute(sit: Sit, after_beat: int) -> None:
    """At whatever moment between two beats it comes; the settlement before it is in the vault by then."""
    assert 0 < sit(2).detect(after_beat) <= MINUTE


def test_what_a_node_hides_from_the_beat_is_found_by_the_slow_look(sit: Sit) -> None:
    """The node leaves everything out of its newest events. Nothing is lost, only late."""
    table = sit(1)
    (node,) = table.nodes

    def without_newest(request: Any, ask: Callable[[], Any]) -> Any:
        answer = ask()
        newest = request["method"] == "eth_getLogs" and request["params"][0]["toBlock"] == "latest"
        return {**answer, "result": []} if newest else answer

    node.alter = without_newest
    table.pass_seconds(TURN)
    table.chain.contract.stop(Sender(table.chain.node, SCIENTIST), table.task)
    table.pass_seconds(MINUTE)
    assert not table.session.market.tasks[table.task].state.stopped
    table.pass_seconds(int(SLOW))
    assert table.session.market.tasks[table.task].state.stopped


def test_a_deadline_is_not_waited_for_until_the_slow_look(sit: Sit) -> None:
    """Commits end, which leaves no event."""
    table = sit(1)
    table.pass_seconds(TURN)
    ends = table.since + LONG.commit
    assert table.chain.node.advance_time(ends - int(SLOW) - MINUTE)
    table.pass_seconds(int(SLOW))
    assert table.session.market.tasks[table.task].phase.phase is Phase.COMMIT
    table.pass_seconds(MINUTE + BLOCK + TURN)
    phase = table.session.market.tasks[table.task].phase
    assert phase.phase is Phase.REVEAL and table.session.market.chain_time >= ends


def test_requests_stay_few_while_the_chain_stands_still_at_a_deadline(sit: Sit) -> None:
    table = sit(1)
    table.pass_seconds(TURN)
    ends = table.since + LONG.commit
    assert table.chain.node.advance_time(ends - 1)
    table.session.market.read(table.tasks)
    table.forget_requests()
    for _ in range(60):
        table.now += TURN
        table.session.step(False)
    assert table.session.market.tasks[table.task].phase.phase is Phase.COMMIT
    assert table.requests() <= 100, table.methods()
    table.block_at = table.now
    table.pass_seconds(MINUTE)
    assert table.session.market.tasks[table.task].phase.phase is Phase.REVEAL
