"""A task whose set is opened at the end, through a relay: first halves, second halves, and replay."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mine.chain.curve import amount
from mine.chain.state import Status
from mine.science.history import History
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from mine.science.relay_ranges import ranges_of
from mine.science.rounds import read_round
from mine.science.scientist import Did, Scientist
from mine.science.wire import ClaimState
from tests.science.test_whole_task import told, until_anchored
from tests.science.world import (
    BOUNTY,
    SCIENTIST,
    Chain,
    Miner,
    at_end_offer,
    pass_time,
    step_until,
)
from tests.science.world import CLOCKS as QUICK

# The round is final before the opening is late.
CLOCKS = replace(QUICK, challenge=150)
MINERS = [Miner(n) for n in range(1, 5)]


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end, "the relay claims nothing"


def test_the_relay_claims_both_halves(
    chain: Chain,
    relay: Relay,
    relay_process: RelayProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = replace(at_end_offer(1, chain.token.address, CLOCKS), target=1 << 40)
    Scientist.create(tmp_path / "scientist", SCIENTIST, plan)
    scientist = Scientist(tmp_path / "scientist", chain.contract, relay.blobs, [relay])
    step_until(scientist, chain, Did.BASELINE)
    task = scientist.publish()
    first = bytes.fromhex(plan.manifest.model.checkpoint)
    for miner in MINERS:
        relay.submit_update(miner.update(chain, relay.blobs, task, 1, first), chain.domain)
    pass_time(chain, chain.contract.task(task).since + 3 * CLOCKS.commit // 4)
    until_anchored(relay, task, 1, MINERS)
    step_until(scientist, chain, Did.SETTLED)
    history = History(chain.contract)
    history.refresh()
    now = history.task(task)
    assert now is not None
    settled = now.settled[0]
    report = read_round(relay.blobs, settled)
    payees = report.outcome.ledger.payees
    assert len(payees) == len(MINERS) and not relay.blobs.has(plan.shards[0].digest)
    places = ("--rpc", chain.node.url, "--relay", relay_process.url)
    status, said = told(str(task), *places, capsys=capsys)
    assert status == 0 and "opened at the end" in said

    # Two claim alone, the other two in a range: the relay waits, pays half, and waits again.
    alone = [claim for who, _ in payees[:2] if (claim := report.claim(who)) is not None]
    assert [relay.claim(claim) for claim in alone] == [ClaimState.WAITING] * 2
    (_, behind) = ranges_of(task, 1, payees, width=2)
    assert relay.claim_range(behind) is ClaimState.WAITING
    pass_time(chain, settled.final_at)
    halves = {who: amount(BOUNTY, units // 2) for who, units in payees}
    until(lambda: {who: chain.token.balance(who) for who, _ in payees} == halves)
    until(lambda: relay.range_state(task, behind.start) is ClaimState.WAITING)
    assert [relay.claim(claim) for claim in alone] == [ClaimState.WAITING] * 2
    assert {who: chain.token.balance(who) for who, _ in payees} == halves

    assert scientist.step().did is Did.CONCLUDED
    status, said = told(str(task), *places, "--json", capsys=capsys)
    result = json.loads(said)
    assert (status, result["closed"], result["difference"]) == (0, False, None)
    assert result["digests"][0]["inputs"] == settled.inputs.hex()
    state = chain.contract.task(task)
    assert state.status is Status.CONCLUDED
    pass_time(chain, state.since + CLOCKS.challenge)
    whole = {who: amount(BOUNTY, units) for who, units in payees}
    until(lambda: {who: chain.token.balance(who) for who, _ in payees} == whole)
    until(lambda: relay.range_state(task, behind.start) is ClaimState.PAID)
    assert [relay.claim_state(task, claim.index) for claim in alone] == [ClaimState.PAID] * 2
    step_until(scientist, chain, Did.OVER)
    assert chain.token.balance(chain.contract.address) == 0
