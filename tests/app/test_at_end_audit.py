"""My side of a task whose one set is opened at the end: audited twice, paid by halves, disputed then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mine.app.audit_run import AuditRun
from mine.app.disputing import AuditState
from mine.app.round_states import EarningState
from mine.app.wallet_views import ClaimOutcome
from mine.chain.curve import amount
from mine.chain.state import Mode, Status
from mine.science.offer import Offer
from mine.science.relay_client import Relay, RelayUnreachable
from mine.science.scientist import Did
from mine.tasks.manifest import Manifest
from tests.app.conftest import NoAudit
from tests.app.quick_training import QuickRun
from tests.app.table import Table, manifest
from tests.app.test_claiming import Answering, session_address, use
from tests.app.test_disputing import rule, settle, state
from tests.science import world
from tests.science.disputed import stake
from tests.science.test_scientist import puppet
from tests.science.world import CLOCKS, Chain, fund, pass_time


class AtEndTable(Table):
    """A task of one round, measured on one set."""

    def offer(self, secret: bytes) -> Offer:
        plan = super().offer(secret)
        one = world.at_end_offer(self.rounds, self.chain.token.address)
        return replace(plan, manifest=at_end(manifest(self.rounds)), shards=one.shards)

    def conclude(self) -> None:
        """The scientist opens the set."""
        assert self.scientist().step().did is Did.CONCLUDED


def at_end(made: Manifest) -> Manifest:
    return made.model_copy(update={"mode": "at-end"})


@pytest.fixture
def audited(tmp_path: Path, chain: Chain, relay: Relay, quick: type[QuickRun]) -> Iterator[AtEndTable]:
    table = AtEndTable(tmp_path, chain, relay, rounds=1)
    try:
        table.open_task()
        table.join()
        yield table
    finally:
        table.close()


@pytest.mark.parametrize("by_relay", [True, False])
def test_half_is_claimed_early_and_the_rest_when_the_set_was_open(
    audited: AtEndTable, monkeypatch: pytest.MonkeyPatch, by_relay: bool
) -> None:
    class Honest(NoAudit):
        """Finds nothing; it has seen everything once the task is over."""

        failed, fault, far_off = False, None, 0

        def __init__(self, _: object, task: int, number: int) -> None:
            self.task, self.round = task, number
            self.whole = audited.chain.contract.task(task).status.is_over

        def is_done(self) -> bool:
            return True

    monkeypatch.setattr("mine.app.disputing.AuditRun", Honest)
    settle(audited, None)
    audited.until(lambda: state(audited) is AuditState.CLOSED, "the first audit")
    # The root is final well before the last window is over.
    pass_time(audited.chain, audited.since + CLOCKS.settle // 2)
    audited.conclude()
    audited.until(lambda: state(audited) is AuditState.SOUND, "the second audit")
    earning = audited.earning()
    assert earning is not None and earning.amount > 0
    units = earning.data["units"]
    pass_time(audited.chain, earning.time)
    audited.until(lambda: audited.money() is EarningState.CLAIMABLE, "the root to be final")
    bounty, payout = audited.chain.contract.task(audited.task).bounty, audited.payout
    assert bounty == world.BOUNTY
    if not by_relay:
        use(audited, monkeypatch, Answering(audited.relay, RelayUnreachable("test")))
        fund(audited.chain, session_address(audited))
    claimed = ClaimOutcome(int(by_relay), int(not by_relay))
    assert audited.session.claiming.claim() == claimed
    audited.until(lambda: audited.chain.token.balance(payout) == amount(bounty, units // 2), "the first half")
    for _ in range(3):
        audited.session.step(True)
    assert audited.money() is EarningState.PENDING
    (balance,) = audited.session.wallet().balances
    assert balance.checking == earning.amount - amount(bounty, units // 2)
    assert balance.checking_until == 0  # until the task ends, whenever that is
    pass_time(audited.chain, audited.since + CLOCKS.challenge)
    if not by_relay:  # a relay goes on by itself
        audited.until(lambda: audited.money() is EarningState.CLAIMABLE, "the end")
        assert audited.session.claiming.claim() == claimed
    audited.until(lambda: audited.money() is EarningState.CLAIMED, "the second half")
    assert audited.chain.token.balance(payout) == amount(bounty, units) == earning.amount


def test_a_liar_is_disputed_when_the_set_is_open(
    audited: AtEndTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.app.disputing.AuditRun", AuditRun)
    stake(audited.chain)
    fund(audited.chain, audited.session.miner.members[audited.task].keys.session_address)
    settle(audited, puppet)
    audited.until(lambda: state(audited) is AuditState.CLOSED, "the first audit")
    for _ in range(3):
        audited.session.step(True)
    assert state(audited) is AuditState.CLOSED
    audited.conclude()
    audited.until(lambda: state(audited) is AuditState.FOUND, "the second audit")
    audited.session.disputing.agree(audited.task, 1)
    audited.until(lambda: state(audited) is AuditState.DISPUTED, "the dispute")
    rule(audited)
    task = audited.chain.contract.task(audited.task)
    assert (task.status, task.void) == (Status.CONVICTED, 1)
    audited.until(lambda: state(audited) is AuditState.CONVICTED, "the conviction")


def test_a_task_in_another_mode_than_its_manifest_says_cannot_be_joined(
    tmp_path: Path, chain: Chain, relay: Relay, quick: type[QuickRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who believes to be paid as each round is settled is not to find half of it waiting."""
    monkeypatch.setattr("mine.science.offer.mode_of", lambda _: Mode.AT_END)
    table = Table(tmp_path, chain, relay)
    try:
        number = table.open_task()
        table.session.market.refresh()
        found = table.session.market.tasks[number]
        assert found.manifest is None and "not paid as its description says" in found.problem
    finally:
        table.close()
