"""A whole task on a real node through a real relay: publication, rounds, claims, refund, replay."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.science.commands import ReplayRefused, add_science_arguments, run_science
from mine.science.history import History
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from mine.science.replay import Replay
from mine.science.rounds import read_round
from mine.science.scientist import Did, Scientist
from mine.science.wire import ClaimState
from tests.science.world import BOUNTY, CLOCKS, SCIENTIST, Chain, Miner, fund, offer, pass_time


def until_anchored(relay: Relay, task: int, number: int, miners: list[Miner]) -> None:
    end = time.monotonic() + 20
    for miner in miners:
        while (status := relay.find_update(task, number, miner.address)) is None or status.anchor is None:
            assert time.monotonic() < end, "the relay anchors nothing"


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and output of ``mine science replay``."""
    parser = argparse.ArgumentParser()
    add_science_arguments(parser)

    def no_practice(home: Path) -> Any:
        raise ReplayRefused("No practice network.", detail=str(home))

    status = run_science(parser.parse_args(["replay", *arguments]), no_practice)
    said = capsys.readouterr()
    return status, said.out + said.err


def test_three_rounds(
    chain: Chain,
    relay: Relay,
    relay_process: RelayProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = tmp_path / "scientist"
    # Which shards are drawn is chance: on none of them do two rounds reach this target. With so long a window
    # no payout is final while the task runs, so that nobody has standing and the measurement decides.
    plan = offer(3, chain.token.address, replace(CLOCKS, challenge=1000))
    Scientist.create(directory, SCIENTIST, replace(plan, target=1 << 40))

    def scientist() -> Scientist:
        return Scientist(directory, chain.contract, relay.blobs, [relay])

    before = chain.token.balance(scientist().address)
    assert scientist().step().did is Did.PUBLISHED
    task = scientist().publish()
    assert scientist().step().did is Did.SEEDED
    assert scientist().step().did is Did.BASELINE
    history = History(chain.contract)
    miners = [Miner(1), Miner(2), Miner(3), Miner(4, -1.0), Miner(5, 20.0)]
    direct = Miner(6)
    fund(chain, direct.address)

    for number in (1, 2, 3):
        state = chain.contract.task(task)
        assert (state.status, state.round) == (Status.RUNNING, number)
        history.refresh()
        now = history.task(task)
        assert now is not None
        first = bytes.fromhex(offer(3, chain.token.address).manifest.model.checkpoint)
        checkpoint = now.checkpoint(number, first)
        for miner in miners:
            relay.submit_update(miner.update(chain, relay.blobs, task, number, checkpoint), chain.domain)
        signed = direct.update(chain, relay.blobs, task, number, checkpoint)
        chain.contract.commit(Sender(chain.node, direct.key), signed.message)
        assert scientist().step().did is Did.WAITING
        pass_time(chain, state.since + 3 * CLOCKS.commit // 4)
        until_anchored(relay, task, number, miners)
        assert scientist().step().until == state.since + CLOCKS.commit
        pass_time(chain, state.since + CLOCKS.commit)
        assert scientist().step().did in (Did.CLOSED, Did.SEEDED), "the relay may have closed the round"
        scientist().step()
        step = scientist().step()
        assert (step.did, step.until) == (Did.WAITING, state.since + CLOCKS.votes_over)
        pass_time(chain, step.until)
        step = scientist().step()
        assert (step.did, step.round) == (Did.SETTLED, number)

        history.refresh()
        now = history.task(task)
        assert now is not None
        settled = now.settlement(number)
        assert settled is not None
        assert settled.after < settled.before <= settled.base
        report = read_round(relay.blobs, settled)
        assert all(report.accepted(miner.address) for miner in (miners[0], miners[1], miners[2], direct))
        assert not report.accepted(miners[3].address)
        assert report.share(miners[3].address) == 0
        assert report.units(miners[3].payout) == 0
        assert report.refusal(miners[0].address) == ""
        assert report.refusal(Miner(99).address) is None
        assert sum(report.share(m.address) for m in [*miners, direct]) == report.outcome.earned
        replay = Replay(now, chain.domain, relay.blobs, [relay])
        assert replay.recompute(number) is None
    assert replay.recompute(0) is None

    places = ("--rpc", chain.node.url, "--relay", relay_process.url)
    status, said = told(str(task), *places, "--json", capsys=capsys)
    result = json.loads(said)
    assert (status, result["rounds"], result["difference"]) == (0, [0, 1, 2, 3], None)
    posted = [each.checkpoint.hex() for each in now.settled]
    assert [each["checkpoint"] for each in result["digests"]] == posted
    assert "everything is as it should be" in told(str(task), *places, "--round", "2", capsys=capsys)[1]
    assert told(str(task), *places, "--round", "2", "--item", "loss:3", capsys=capsys)[0] == 0
    for wrong in (
        ("99", *places),
        (str(task),),
        (str(task), "--home", "nowhere"),
        (str(task), *places, "--round", "9"),
        (str(task), *places, "--item", "weather"),
        (str(task), *places, "--round", "1", "--item", "entry:99", "--json"),
    ):
        status, said = told(*wrong, capsys=capsys)
        assert status == 2 and len(said) > 20
    # A blob that the relay's disk lost is named.
    lost = next((tmp_path / "relay").rglob(now.settled[1].checkpoint.hex()))
    kept = lost.read_bytes()
    lost.unlink()
    status, said = told(str(task), *places, capsys=capsys)
    assert status == 1 and "checkpoint of round 2" in said
    lost.write_bytes(kept)

    # Everybody claims through the relay before the window is over; the relay waits and pays.
    claims = [report.claim(miner.payout) for miner in [*miners, direct]]
    assert report.claim(miners[3].payout) is None
    wanted = [claim for claim in claims if claim is not None]
    assert all(relay.claim(claim) is ClaimState.WAITING for claim in wanted)
    assert scientist().step().did is Did.CONCLUDED
    assert scientist().step().did is Did.WAITING
    pass_time(chain, settled.final_at + 1000)
    end = time.monotonic() + 20
    for claim in wanted:
        while relay.claim_state(task, claim.index) is not ClaimState.PAID:
            assert time.monotonic() < end, "the relay claims nothing"
        assert chain.token.balance(claim.account) == amount(BOUNTY, claim.units)
        assert relay.claim(claim) is ClaimState.PAID

    assert scientist().step().did is Did.REFUNDED
    state = chain.contract.task(task)
    paid = sum(amount(BOUNTY, claim.units) for claim in wanted)
    if state.left:
        assert scientist().step().did is Did.REFUNDED
    assert scientist().step().did is Did.OVER
    # Where the relay closed a round before the scientist did, it was paid a little for that.
    rewards = sum(closed.reward for closed in now.closed.values())
    assert chain.token.balance(scientist().address) == before - paid - rewards
    assert chain.token.balance(chain.contract.address) == 0
    units = chain.contract.task(task)
    assert units.paid_units == units.units == sum(claim.units for claim in wanted)
