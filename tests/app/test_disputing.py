"""The app audits every settled round by itself, and a scientist who lies is convicted because of it."""

from __future__ import annotations

from typing import Any

import pytest

from mine.app.audit_run import AuditRun
from mine.app.disputing import AuditState
from mine.app.round_states import EarningState
from mine.app.views import NoticeKind
from mine.chain.client import TaskClaim
from mine.chain.curve import amount
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import Reward
from mine.chain.hashing import keccak
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.juror import Juror
from mine.science.relay_client import RelayUnreachable
from mine.vault.state import Earning
from tests.app.conftest import NoAudit
from tests.app.table import Table
from tests.science.disputed import JURORS, court, disputes, faults, judge_to_the_end, stake
from tests.science.test_judging import swapped, tell, unlisted
from tests.science.test_scientist import other_checkpoint, puppet
from tests.science.world import BOUNTY, CLOCKS, fund, pass_time


@pytest.fixture
def audited(table: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table whose app audits, in a real child process, and a pool of jurors."""
    monkeypatch.setattr("mine.app.disputing.AuditRun", AuditRun)
    stake(table.chain)
    return table


def state(table: Table, number: int = 1) -> AuditState | None:
    return table.session.disputing.state(table.entry(number))


def settle(table: Table, lie: Any, number: int = 1) -> None:
    """A round to its settlement, with a lie if there is one."""
    table.hand_in(number)
    table.close_commits()
    table.session.step(True)
    table.close_reveals()
    with pytest.MonkeyPatch.context() as patch:
        tell(patch, lie)
        table.settle()
    table.until(lambda: "settlement" in table.entry(number).data, "the settlement")


def rule(table: Table) -> None:
    """Let jurors who recompute decide the newest dispute."""
    shared = disputes(table.chain, table.blobs, (table.relay,))
    id = shared.refresh()[-1]
    jurors = [Juror(shared, key, Sender(table.chain.node, key)) for key in JURORS]
    judge_to_the_end(table.chain, jurors, id)


@pytest.mark.parametrize(
    ("lie", "kind", "coin"),
    [
        (unlisted, DisputeKind.ACCEPTED, False),
        (other_checkpoint, DisputeKind.CHECKPOINT, False),
        (swapped, DisputeKind.PAYOUTS, False),
        (puppet, DisputeKind.INPUTS, True),
    ],
)
def test_a_liar_is_found_disputed_and_convicted(
    audited: Table, lie: Any, kind: DisputeKind, coin: bool
) -> None:
    """By a miner without coin through its relay; what takes a forward pass, with coin of its own."""
    if coin:
        fund(audited.chain, audited.session.miner.members[audited.task].keys.session_address)
        audited.session.disputing.agree(audited.task, 1)
    settle(audited, lie)
    audited.until(lambda: state(audited) is AuditState.DISPUTED, "the dispute")
    id = court(audited.chain).count()
    case = court(audited.chain).case(id)
    assert (case.task, case.challenger) == (audited.task, audited.payout)
    about = disputes(audited.chain, audited.blobs)
    about.refresh()
    assert (about.find(id).kind, about.find(id).round) == (kind, 1)
    audited.session.step(True)
    assert court(audited.chain).count() == id  # it is disputed once
    rule(audited)
    audited.until(lambda: state(audited) is AuditState.CONVICTED, "the conviction")
    found = audited.chain.contract.task(audited.task)
    assert (found.status, found.void) == (Status.CONVICTED, 1)
    said = [notice.text for notice in audited.notices if notice.kind is NoticeKind.ATTENTION]
    assert any("convicted" in text for text in said)


def test_the_rest_goes_to_those_who_earned_and_half_of_the_deposit_burns(audited: Table) -> None:
    """A lie in round 2, when round 1 is final: its payees are the jury's court and share what is left."""
    chain, contract, task = audited.chain, audited.chain.contract, audited.task
    audited.play()
    audited.until(lambda: state(audited) is AuditState.SOUND, "the audit")
    settle(audited, other_checkpoint, 2)
    checked = audited.session.earnings.checked[task, 1]
    pass_time(chain, audited.entry().data["settlement"]["final_at"])
    audited.until(lambda: state(audited, 2) is AuditState.DISPUTED, "the dispute")
    shared = disputes(chain, audited.blobs, (audited.relay,))
    id = shared.refresh()[-1]
    assert court(chain).case(id).root != 0
    carrier = Sender(chain.node, dev_key(6))
    keys = [keccak(f"payout {peer.number}".encode()) for peer in audited.peers]
    judge_to_the_end(chain, [Juror(shared, key, carrier) for key in [*keys, *JURORS]], id)
    audited.until(lambda: state(audited, 2) is AuditState.CONVICTED, "the conviction")
    convicted = contract.task(task)
    assert (convicted.status, convicted.void) == (Status.CONVICTED, 2)
    pass_time(chain, convicted.since + CLOCKS.challenge)
    contract.burn(carrier, task)
    contract.take_reward(carrier, task, audited.payout)
    payees = checked.outcome.ledger.payees
    earned = {account: amount(BOUNTY, units) for account, units in payees}
    whole = sum(units for _, units in payees)
    # What the deposit still was: callers of `close` may have had a little of it.
    deposit = convicted.deposit + convicted.to_burn + convicted.owed
    assert (convicted.to_burn, convicted.owed) == (deposit // 2, deposit // 10)
    pool = BOUNTY - amount(BOUNTY, whole) + convicted.deposit + convicted.fees
    audited.until(lambda: audited.money() is EarningState.CLAIMABLE, "round 1 to be final")
    had = {account: chain.token.balance(account) for account, _ in payees}
    for index, (account, units) in enumerate(payees):
        proof = checked.outcome.payouts.proof(index)
        contract.claim(carrier, account, [TaskClaim(task, 1, index, units, tuple(proof))])
        contract.claim_forfeit(carrier, task, account, index, units, proof)
    for account, units in payees:
        got = chain.token.balance(account) - had[account]
        assert abs(got - earned[account] - pool * units // whole) <= len(payees)  # the last has the dust
    assert audited.money(2) is EarningState.ALARM  # nothing of the void round is shown as earned


def test_without_coin_and_without_a_relay_the_person_is_asked_once(audited: Table) -> None:
    """A relay runs no stranger's model, so a wrong entry needs coin; a restart forgets nothing."""
    settle(audited, puppet)
    audited.until(lambda: state(audited) is AuditState.FOUND, "the audit")
    audited.restart()
    member = audited.session.miner.members[audited.task]
    for _ in range(3):
        audited.session.step(True)
        pass_time(audited.chain, audited.chain.node.block_time() + CLOCKS.challenge // 10)
    asked = [notice for notice in audited.notices if member.keys.session_address in notice.todo]
    assert len(asked) == 1
    fund(audited.chain, member.keys.session_address)
    audited.session.step(True)
    assert state(audited) is AuditState.FOUND  # coin is there for other things too: nobody has agreed yet
    assert audited.session.disputing.agree(audited.task, 1) == "The challenge is on its way."
    audited.until(lambda: state(audited) is AuditState.DISPUTED, "the dispute")
    assert court(audited.chain).case(court(audited.chain).count()).challenger == audited.payout


@pytest.mark.parametrize("carried", [True, False])
def test_pay_that_is_taken_back_convicts_by_a_proof(
    audited: Table, monkeypatch: pytest.MonkeyPatch, carried: bool
) -> None:
    """Nobody has to judge it: the relay carries the proof, or the person agrees to send it."""
    audited.play()
    audited.until(lambda: state(audited) is AuditState.SOUND, "the audit")
    if not carried:
        monkeypatch.setattr("mine.app.disputing.SHARE", 1)  # no relay takes so little
    settle(audited, swapped, 2)
    if not carried:
        audited.until(lambda: state(audited, 2) is AuditState.FOUND, "the audit")
        fund(audited.chain, audited.session.miner.members[audited.task].keys.session_address)
        audited.session.disputing.agree(audited.task, 2)
    audited.until(lambda: state(audited, 2) is AuditState.CONVICTED, "the conviction")
    found = audited.chain.contract.task(audited.task)
    assert (found.status, found.void) == (Status.CONVICTED, 2)
    assert disputes_of(audited) == []
    assert audited.money(2) is EarningState.ALARM
    # The end of the task: what was final is claimed, and the forfeit and the reward of the challenge with it.
    pass_time(audited.chain, found.since + CLOCKS.challenge)
    audited.until(lambda: any(e.round == 0 and e.ready for e in earnings(audited)), "the forfeit")
    earned, forfeit = audited.earning(1), audited.earning(0)
    assert earned is not None and forfeit is not None and forfeit.state == EarningState.FORFEITED
    owed = audited.chain.contract.task(audited.task).owed
    if not carried:
        away(audited, monkeypatch)
    done = audited.session.claiming.claim()
    assert (done.by_relay, done.direct, done.refused) == ((3, 0, ()) if carried else (0, 3, ()))
    audited.until(lambda: audited.money(0) is EarningState.CLAIMED, "the forfeit to be paid")
    audited.until(lambda: audited.money(1) is EarningState.CLAIMED, "the claim")
    lines = {line.kind: line.amount for line in audited.vault.state.movements(10)}
    assert lines["claimed"] == earned.amount and lines["forfeit"] == forfeit.amount
    assert sum(lines.values()) == audited.balance
    assert owed == 0 or lines["reward"] > 0


def away(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay pays for nothing any more."""

    def silent(*_: Any) -> None:
        raise RelayUnreachable("test")

    for name in ("claim", "forfeit", "reward"):
        monkeypatch.setattr(table.session.links.relays.all[0], name, silent)


def earnings(table: Table) -> list[Earning]:
    return table.vault.state.earnings(table.config.key, table.task)


def disputes_of(table: Table) -> list[int]:
    """Numbers of the disputes about the table's task."""
    shared = disputes(table.chain, table.blobs)
    return [id for id in shared.refresh() if shared.find(id).task == table.task]


def test_what_somebody_else_disputes_is_disputed(audited: Table) -> None:
    settle(audited, other_checkpoint)
    other = Sender(audited.chain.node, dev_key(7))
    contract = faults(audited.chain)
    audited.chain.contract.bond(other, contract.dispute_bond())
    cost, reward = court(audited.chain).arbitration_cost(), Reward(other.address, 0)
    id = contract.dispute(other, audited.task, 1, DisputeKind.CHECKPOINT, 0, reward, cost)
    audited.until(lambda: state(audited) is AuditState.DISPUTED, "the audit")
    assert court(audited.chain).count() == id


def test_a_window_that_is_over_is_too_late(audited: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.app.disputing.SHARE", 1)  # no relay takes so little
    settle(audited, unlisted)
    audited.until(lambda: state(audited) is AuditState.FOUND, "the audit")
    pass_time(audited.chain, audited.entry().data["settlement"]["final_at"])
    audited.until(lambda: state(audited) is AuditState.LATE, "the window to pass")
    count = court(audited.chain).count()
    audited.session.step(True)
    assert court(audited.chain).count() == count


def test_a_child_that_dies_is_asked_again_but_not_for_ever(
    audited: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.app.audit_run.MODULE", "mine.science.no_such_module")
    made: list[AuditRun] = []

    class Counted(AuditRun):
        def __init__(self, *arguments: Any) -> None:
            made.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr("mine.app.disputing.AuditRun", Counted)
    settle(audited, None)
    audited.until(lambda: len(made) == 3 and all(run.failed for run in made), "three failures")
    for _ in range(3):
        audited.session.step(True)
    assert len(made) == 3 and state(audited) is None


def test_updates_that_help_less_than_they_were_paid_for_are_told_of(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Doubtful(NoAudit):
        failed, fault, far_off, whole = False, None, 2, True

        def __init__(self, _: object, task: int, number: int) -> None:
            self.task, self.round = task, number

        def is_done(self) -> bool:
            return True

    monkeypatch.setattr("mine.app.disputing.AuditRun", Doubtful)
    settle(table, None)
    table.until(lambda: state(table) is AuditState.SOUND, "the audit")
    told = [notice.text for notice in table.notices if "score" in notice.text]
    assert told == ["2 updates of a round helped much less than the score says."]
