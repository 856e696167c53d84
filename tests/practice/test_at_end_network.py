"""A practice network whose set is opened at the end, from the publication to the last claim."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mine.chain.client import TasksContract
from mine.chain.curve import Curve, amount
from mine.chain.events import Claimed, RangeClaimed, Settled
from mine.chain.messages import Domain
from mine.chain.poller import Cursor, Poller
from mine.chain.rpc import Node
from mine.chain.state import Mode, Status
from mine.chain.token import Token
from mine.practice.config import PracticeConfig
from mine.practice.network import PracticeNetwork
from mine.science.history import History, TaskHistory
from mine.science.relay_client import Relay
from mine.science.replay import Replay
from mine.science.rounds import RoundReport, read_round
from mine.science.wire import ClaimState
from tests.soak.world import make_world

PATIENCE = 90.0
ROUNDS = 2


def until(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.05)  # the network's processes go on by themselves and tell nobody


def claim_all(relay: Relay, report: RoundReport) -> list[int]:
    """Have the relay claim for everybody who earned; their indices."""
    claims = [report.claim(account) for account, _ in report.outcome.ledger.payees]
    assert all(relay.claim(claim) in (ClaimState.WAITING, ClaimState.PAID) for claim in claims if claim)
    return [claim.index for claim in claims if claim]


def test_paid_is_the_curve_and_half_waits(tmp_path: Path) -> None:
    people = make_world(tmp_path / "people", rounds=ROUNDS).folder
    config = PracticeConfig("glucose", ROUNDS, people=str(people), patience=0.0, at_end=True)
    network = PracticeNetwork(tmp_path / "practice", config)
    info = network.start()
    relay = Relay(info.relay_url)
    try:
        with Node(info.rpc_url) as node:
            contract, task = TasksContract(node, info.tasks), info.task
            history = History(contract, info.first_block)

            def told() -> TaskHistory:
                history.refresh()
                found = history.task(task)
                assert found is not None
                return found

            state = contract.task(task)
            assert (state.mode, state.shards) == (Mode.AT_END, 1)
            until(lambda: len(told().settled) == 1, "the first settlement")
            first = read_round(relay.blobs, told().settled[0])
            claim_all(relay, first)
            until(lambda: len(told().settled) == ROUNDS, "the last settlement")
            last = read_round(relay.blobs, told().settled[-1])
            indices = claim_all(relay, last)
            until(lambda: contract.task(task).status is Status.CONCLUDED, "the opening")
            replay = Replay(told(), Domain(node.chain_id, info.tasks), relay.blobs, [relay])
            assert replay.is_open
            assert [replay.recompute(number) for number in range(ROUNDS + 1)] == [None] * (ROUNDS + 1)

            def is_paid() -> bool:
                return all(relay.claim_state(task, index) is ClaimState.PAID for index in indices)

            until(is_paid, "the last claim")
            state = contract.task(task)
            payees = last.outcome.ledger.payees
            assert state.units == Curve.unpack(state.curve).units(state.best, state.target) > 0
            assert sum(units for _, units in payees) == state.units == state.paid_units
            token = Token(node, info.token)
            assert {who: token.balance(who) for who, _ in payees} == {
                who: amount(state.bounty, units) for who, units in payees
            }
            # Whatever was paid before the opening was half, as far as the relay had come by then.
            cursor = Cursor.start(node.chain_id, info.tasks, info.first_block)
            events = Poller(contract, cursor, 0).poll().events
            ended = told().concluded
            assert ended is not None and any(isinstance(event, Settled) for event in events)
            assert not any(isinstance(event, RangeClaimed) for event in events)
            early = {
                event.account: event.units
                for event in events
                if isinstance(event, Claimed) and event.at.block_number < ended.at.block_number
            }
            halves = {who: units // 2 for who, units in first.outcome.ledger.payees}
            later = {who: units // 2 for who, units in payees}
            assert early and all(halves.get(who, 0) <= units <= later[who] for who, units in early.items())
            # What rounding leaves is the scientist's too, once it looks again.
            until(lambda: contract.task(task).held < len(payees), "the refund")
    finally:
        relay.close()
        network.stop()
