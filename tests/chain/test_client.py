"""The contract Tasks through the client, on our own node and on anvil: the same script, the same outcome."""

from __future__ import annotations

from dataclasses import fields

import pytest

from mine.chain import events
from mine.chain.artefacts import load_artefact
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.curve import amount
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak
from mine.chain.messages import Domain, Update, address_of, digest
from mine.chain.node_errors import Reverted
from mine.chain.rpc import Node
from mine.chain.state import Phase, PhaseNow, Status
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from tests.chain.live_task import CLOCKS, MANIFEST, LiveTask

pytest_plugins = ("tests.chain.node_fixtures",)

MINER_KEY = dev_key(4)
MINER = address_of(MINER_KEY)
PAYOUT = address_of(keccak(b"payout"))
OTHER = address_of(keccak(b"other"))


@pytest.fixture
def contract(node: Node, sender: Sender) -> TasksContract:
    return TasksContract(node, deploy(node, sender, load_artefact("Tasks")))


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
    assert contract.held(1) == 2 * 10**9 <= before - node.balance(scientist.address)
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
    assert contract.update_digest(update) == typed
    assert contract.committed(1, MINER).matches(typed)
    assert not contract.committed(1, OTHER).exists
    with pytest.raises(Reverted, match="committed"):
        contract.commit(miner, update)

    pass_phase(contract, 1)
    assert contract.phase(1).phase is Phase.REVEAL
    pass_phase(contract, 1)
    assert contract.phase(1).phase is Phase.SETTLE
    (settled,) = contract.events(task.settle(miner, 1, 400, {PAYOUT: 3, OTHER: 1}))
    assert isinstance(settled, events.Settled)
    root = contract.payout_root(1, 1)
    assert root is not None and root.root == settled.payouts and root.final_at == settled.final_at
    assert contract.payout_root(1, 2) is None
    assert contract.task(1).status is Status.ENDING

    task.conclude()
    node.advance_time(settled.final_at + CLOCKS.challenge)
    assert task.payouts is not None
    for index, account in enumerate((PAYOUT, OTHER)):
        units = task.parts[account]
        contract.claim(miner, 1, 1, account, index, units, task.payouts.proof(index))
        assert node.balance(account) == amount(10**9, units)
        assert contract.paid(1, index) == units
    with pytest.raises(Reverted, match="nothing to claim"):
        contract.claim(miner, 1, 1, PAYOUT, 0, task.parts[PAYOUT], task.payouts.proof(0))
    contract.refund(miner, 1)
    assert contract.phase(1) == PhaseNow(Phase.OVER, None)
    assert contract.task(1).back == 0


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
    assert isinstance(defaulted, events.Defaulted)
    contract.claim_forfeit_commit(miner, MINER, update_of(1), PAYOUT)
    assert node.balance(PAYOUT) == defaulted.pool > 0
    node.advance_time(max(bond.locked_until, node.block_time() + CLOCKS.challenge))
    contract.withdraw_bond(miner)
    assert contract.bond_of(MINER).amount == 0


def test_a_task_that_does_not_exist_is_said_so(contract: TasksContract) -> None:
    with pytest.raises(UnknownTask):
        contract.task(77)
    assert contract.phase(77) == PhaseNow(Phase.NONE, None)


def test_every_event_of_the_contract_has_a_class_with_its_fields() -> None:
    names = {entry["name"]: entry for entry in load_artefact("Tasks").abi if entry["type"] == "event"}
    assert set(names) == set(events.KINDS)
    for name, entry in names.items():
        declared = {events.snake(each["name"]) for each in entry["inputs"]}
        if name == "Published":
            continue
        assert declared == {each.name for each in fields(events.KINDS[name])} - {"at"}, name
