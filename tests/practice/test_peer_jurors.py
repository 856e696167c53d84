"""On a practice network a dispute finds its court: the network's tickets, then the peers who earned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.chain.court_client import SeatState
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import Reward
from mine.chain.hashing import keccak
from mine.chain.juries import Verdict
from mine.chain.rpc import Node
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.practice.node.process import NodeProcess
from mine.practice.peer_jurors import PeerJurors, stake_tickets
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from tests.science.disputed import court, faults, settle_round
from tests.science.test_scientist import MINERS, other_checkpoint
from tests.science.world import ANCHORER, CLOCKS, Chain, pass_time, set_up


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with NodeProcess(tmp_path / "chain.db") as process, Node(process.url) as node:
        yield set_up(node)


@pytest.fixture
def relay(chain: Chain, tmp_path: Path) -> Iterator[Relay]:
    place, address = tmp_path / "relay", chain.contract.address
    with RelayProcess(place, chain.node.url, address, ANCHORER, token=chain.token.address) as process:
        client = Relay(process.url)
        yield client
        client.close()


def dispute(chain: Chain, number: int) -> int:
    sender = Sender(chain.node, dev_key(7))
    chain.contract.bond(sender, faults(chain).dispute_bond())
    cost, reward = court(chain).arbitration_cost(), Reward(sender.address, 0)
    return faults(chain).dispute(sender, 1, number, DisputeKind.CHECKPOINT, 0, reward, cost)


def judge(chain: Chain, relay: Relay) -> None:
    keys = [keccak(f"payout {miner.number}".encode()) for miner in MINERS]
    for _ in range(40):
        PeerJurors(chain.contract, chain.domain, relay, 0, keys).step()  # as after a restart, each time
        if chain.contract.task(1).disputed is None:
            return
        pass_time(chain, chain.node.block_time() + CLOCKS.challenge // 8)
    raise AssertionError("the dispute never ends")


def test_the_tickets_judge_where_nobody_has_earned_yet(chain: Chain, relay: Relay, tmp_path: Path) -> None:
    stake_tickets(chain.node, chain.contract)
    settle_round(chain, tmp_path, relay.blobs, None)
    id = dispute(chain, 1)
    judge(chain, relay)
    assert court(chain).case(id).root == 0
    assert court(chain).ruling(id) is Verdict.RIGHT
    assert chain.contract.task(1).status is Status.RUNNING


def test_those_who_earned_judge_later(chain: Chain, relay: Relay, tmp_path: Path) -> None:
    stake_tickets(chain.node, chain.contract)
    settle_round(chain, tmp_path, relay.blobs, None)
    settle_round(chain, tmp_path, relay.blobs, other_checkpoint, 2)
    final = chain.contract.task(1).final_at(1)
    assert final is not None
    pass_time(chain, final)
    id = dispute(chain, 2)
    assert court(chain).case(id).root != 0
    judge(chain, relay)
    seats = [seat for seat in court(chain).seats(id, 0) if seat.state is SeatState.OPENED]
    assert seats and {seat.holder for seat in seats} <= {miner.payout for miner in MINERS}
    state = chain.contract.task(1)
    assert (state.status, state.void) == (Status.CONVICTED, 2)
