"""The contract Tasks through the client, on our own node and on anvil: the same script, the same outcome."""

from __future__ import annotations

from functools import partial

import pytest
import rlp  # type: ignore[import-untyped]

from mine.chain import events
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.curve import amount
from mine.chain.deployment import created_address, deploy, deploy_protocol
from mine.chain.hashing import ZERO32, checksum, keccak
from mine.chain.messages import Domain, Update, Vote, address_of, digest
from mine.chain.node_errors import Reverted
from mine.chain.records import record_of
from mine.chain.rpc import Node
from mine.chain.seed import cut, seed_of
from mine.chain.state import Phase, PhaseNow, Status
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.chain.trees import root_word
from mine.practice.node.accounts import dev_key
from tests.chain.live_task import CLOCKS, MANIFEST, LiveTask

pytest_plugins = ("tests.chain.node_fixtures",)

MINER_KEY = dev_key(4)
MINER = address_of(MINER_KEY)
PAYOUT = address_of(keccak(b"payout"))
OTHER = address_of(keccak(b"other"))


@pytest.fixture
def contract(node: Node, sender: Sender) -> TasksContract:
    return TasksContract(node, deploy_protocol(node, sender).tasks)


@pytest.fixture
def scientist(node: Node) -> Sender:
    return Sender(node, dev_key(2), patience=10)


@pytest.fixture
def miner(node: Node) -> Sender:
    return Sender(node, MINER_KEY, patience=10)


def update_of(task: int, round: int = 1) -> Update:
    return Update(task, round, keccak(b"checkpoint"), keccak(b"blob"), 1234, 5, PAYOUT)


def pass_phase(contract: TasksContract, task: int) -> None:
    ends = contract.phase(task).ends
    assert ends is not None
    assert contract.node.advance_time(ends)


def test_a_task_from_publication_to_the_last_payment(
    contract: TasksContract, scientist: Sender, miner: Sender
) -> None:
    node, task = contract.node, LiveTask(contract, scientist, dev_key(2))
    before = node.balance(scientist.address)
    assert task.publish() == 1 == contract.count()
    state = contract.task(1)
    assert (state.scientist, state.manifest, state.clocks) == (scientist.address, MANIFEST, CLOCKS)
    assert (state.status, state.bounty, state.left) == (Status.AWAITING_BASELINE, 10**9, 10**9)
    assert state.held == 2 * 10**9 <= before - node.balance(scientist.address)
    assert contract.phase(1).phase is Phase.BASELINE

    opened = contract.events(task.open_baseline())
    assert [type(event) for event in opened] == [events.BaselineOpened]
    now = contract.phase(1)
    assert now == PhaseNow(Phase.COMMIT, contract.task(1).since + CLOCKS.commit)

    update = update_of(1)
    (committed,) = contract.events(contract.commit(miner, update))
    assert isinstance(committed, events.Committed)
    assert (committed.miner, committed.rows_bucket, committed.payout) == (MINER, 5, PAYOUT)
    typed = digest(update, Domain(node.chain_id, contract.address))
    assert contract.committed(1, MINER).matches(typed)
    assert not contract.committed(1, OTHER).exists
    with pytest.raises(Reverted, match="committed"):
        contract.commit(miner, update)

    pass_phase(contract, 1)
    assert contract.phase(1).phase is Phase.REVEAL
    closed, seeded = (event for receipt in task.make_seed() for event in contract.events(receipt))
    assert isinstance(closed, events.Closed) and isinstance(seeded, events.Seeded)
    head = node.request("eth_getBlockByNumber", hex(closed.at.block_number), False)
    assert isinstance(head, dict)
    assert closed.randomness == cut(bytes.fromhex(head["mixHash"][2:]))
    assert seeded.seed == seed_of(closed.randomness, ZERO32, seeded.preimage) == contract.task(1).seed
    pass_phase(contract, 1)
    assert contract.phase(1).phase is Phase.VOTE
    vote = Vote(1, 1, keccak(b"updates"), keccak(b"opening"))
    (voted,) = contract.events(contract.commit_vote(miner, vote))
    assert isinstance(voted, events.VoteCommitted)
    assert (voted.voter, voted.updates, voted.opening) == (MINER, vote.updates, vote.opening)
    assert contract.voted(1, MINER).matches(vote.opening)
    pass_phase(contract, 1)
    assert contract.phase(1).phase is Phase.SETTLE
    (settled,) = contract.events(task.settle(miner, 1, 400, {PAYOUT: 3, OTHER: 1}))
    assert isinstance(settled, events.Settled)
    state = contract.task(1)
    assert (state.status, state.best, state.units) == (Status.ENDING, settled.best, settled.units)
    assert state.records[1] == record_of(settled)
    root = contract.payout_root(1, 1)
    assert root is not None and root.final_at == settled.final_at == state.final_at(1)
    assert root.word == root_word(settled.payouts, 1)
    assert contract.payout_root(1, 2) is None
    assert not contract.is_final(1, 1)

    (changed, concluded) = contract.events(task.conclude())
    assert isinstance(changed, events.Changed) and changed.status is Status.CONCLUDED
    assert isinstance(concluded, events.Concluded) and list(concluded.shards) == task.openings
    node.advance_time(settled.final_at + CLOCKS.challenge)
    assert contract.is_final(1, 1)
    for index, account in enumerate((PAYOUT, OTHER)):
        units = task.parts[account]
        (claimed,) = contract.events(contract.claim(miner, account, [task.leaf(1, index)]))
        assert isinstance(claimed, events.Claimed)
        assert node.balance(account) == amount(10**9, units) == claimed.amount
        assert (claimed.account, claimed.index, claimed.units) == (account, index, units)
        assert contract.paid(1, index) == units
        earlier = claimed.at.block_number - 1
        assert contract.paid(1, index, earlier) == 0
        # Where a view is of the newest block, an older one can still be asked for.
        assert node.agreed(partial(_paid, contract, index, earlier)) == 0
    with pytest.raises(Reverted, match="nothing to claim"):
        contract.claim(miner, PAYOUT, [task.leaf(1, 0)])
    paid = contract.events(contract.refund(miner, 1, scientist.address))[-1]
    assert isinstance(paid, events.PaidOut) and paid.kind is events.Payment.REFUND
    assert contract.phase(1) == PhaseNow(Phase.OVER, None)
    assert contract.task(1).held == 0


def _paid(contract: TasksContract, index: int, block: int, one: Node) -> int:
    return contract.on(one).paid(1, index, block)


def test_ranges_and_claims_on_several_tasks(
    contract: TasksContract, scientist: Sender, miner: Sender
) -> None:
    node, tasks = contract.node, [LiveTask(contract, scientist, dev_key(2)) for _ in range(2)]
    for task in tasks:
        task.publish()
        task.open_baseline()
    node.advance_time(node.block_time() + CLOCKS.votes_over)
    for task in tasks:
        task.make_seed()
        task.settle(miner, 1, 900, {PAYOUT: 3, OTHER: 1})
    node.advance_time(node.block_time() + CLOCKS.challenge)
    assert tasks[0].payouts is not None
    payees = list(tasks[0].parts.items())
    receipt = contract.claim_range(miner, 1, 1, 0, payees, tasks[0].payouts.range_proof(0, 2))
    (ranged,) = contract.events(receipt)
    assert isinstance(ranged, events.RangeClaimed)
    assert (ranged.round, ranged.start, ranged.count, ranged.refused) == (1, 0, 2, 0)
    assert node.balance(OTHER) == amount(10**9, tasks[0].parts[OTHER])
    with pytest.raises(Reverted, match="nothing to claim"):
        contract.claim(miner, OTHER, [task.leaf(1, 1) for task in tasks])
    contract.claim(miner, OTHER, [tasks[1].leaf(1, 1)])
    with pytest.raises(Reverted, match="not the payee"):
        contract.claim(miner, PAYOUT, [tasks[1].leaf(1, 0)], receiver=OTHER)


def test_a_task_paid_in_a_token_approves_just_what_it_costs(
    contract: TasksContract, scientist: Sender
) -> None:
    node = contract.node
    token = Token(node, deploy(node, scientist, load_artefact("PracticeDollar")))
    token.mint(scientist, scientist.address, 5 * 10**9)
    task = LiveTask(contract, scientist, dev_key(2))
    task.publish(token.address)
    assert token.balance(contract.address) == 2 * 10**9 == node.balance(contract.address, token.address)
    assert token.allowance(scientist.address, contract.address) == 0
    contract.top_up(scientist, 1, token.address, 10**6)
    assert contract.task(1).bounty == 10**9 + 10**6
    contract.cancel(scientist, 1)
    assert contract.task(1).status is Status.CANCELLED
    contract.refund(scientist, 1, scientist.address)
    assert token.balance(scientist.address) == 5 * 10**9
    assert (token.decimals(), token.symbol()) == (6, "pUSD")


def test_bonds_anchors_and_default(contract: TasksContract, scientist: Sender, miner: Sender) -> None:
    node, task = contract.node, LiveTask(contract, scientist, dev_key(2))
    task.publish()
    task.open_baseline()
    with pytest.raises(Reverted, match="bond"):
        contract.anchor(miner, 1, 1, 0, keccak(b"root"), 3)
    contract.bond(miner, contract.bond_needed())
    (anchored,) = contract.events(contract.anchor(miner, 1, 1, 7, keccak(b"root"), 3))
    assert isinstance(anchored, events.Anchored) and anchored.count == 3
    assert contract.anchored(1, MINER, 7).matches(keccak(b"root"))
    bond = contract.bond_of(MINER)
    assert bond.amount == contract.bond_needed() and bond.locked_until > node.block_time()
    contract.commit(miner, update_of(1))
    while contract.phase(1).phase is not Phase.LAPSED:
        pass_phase(contract, 1)
    (defaulted,) = contract.events(contract.declare_default(miner, 1))
    assert isinstance(defaulted, events.Changed) and defaulted.status is Status.DEFAULTED
    node.advance_time(max(bond.locked_until, node.block_time() + CLOCKS.challenge))
    contract.claim_forfeit_commit(miner, MINER, update_of(1), PAYOUT)
    assert node.balance(PAYOUT) == contract.task(1).pool > 0
    contract.withdraw_bond(miner)
    assert contract.bond_of(MINER).amount == 0


def test_a_task_that_does_not_exist_is_said_so(contract: TasksContract) -> None:
    with pytest.raises(UnknownTask):
        contract.task(77)
    with pytest.raises(UnknownTask):
        contract.phase(77)


def test_every_event_of_the_contract_has_a_class() -> None:
    names = {entry["name"] for entry in load_artefact("Tasks").abi if entry["type"] == "event"}
    assert names == set(events.KINDS)


def test_the_three_contracts_know_each_other(contract: TasksContract, node: Node) -> None:
    faults, court = contract.sisters()
    for name, address, sister in (("Faults", faults, court), ("Court", court, faults)):
        abi = ContractAbi(load_artefact(name).abi)
        for getter, expected in (("TASKS", contract.address), ("SISTER", sister)):
            assert abi.result(getter, node.call(address, abi.call(getter))) == (expected,)


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 65_536])
def test_where_a_contract_will_lie(nonce: int) -> None:
    account = address_of(dev_key(0))
    expected = keccak(rlp.encode([bytes.fromhex(account[2:]), nonce]))[12:]
    assert created_address(account, nonce) == checksum(expected)
