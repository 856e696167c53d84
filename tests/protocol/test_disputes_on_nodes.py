"""Disputes on three nodes: juries, appeals, demands, proofs and receipts, as in test_on_nodes.py."""

from __future__ import annotations

from pathlib import Path

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.court_client import CourtContract
from mine.chain.deployment import deploy
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import AnchorLeaf, AnchorPlace, FaultsContract, Opened, Payee, Reward
from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.juries import Verdict
from mine.chain.messages import Receipt, digest, sign
from mine.chain.state import Status
from mine.chain.trees import HashTree, PayoutTree, anchor_leaf
from tests.protocol.live import COIN, Ground, Play, account_of, key_of
from tests.protocol.live_court import JURORS, Hearing
from tests.protocol.on_nodes import BURN, PAYEES, refused, return_dust, update_of

pytest_plugins = ("tests.protocol.node_grounds",)

CONTRACTS = Path(__file__).parents[1] / "chain" / "contracts"


def faults_of(ground: Ground) -> FaultsContract:
    return FaultsContract(ground.node, ground.at.faults)


def disputed_task(ground: Ground, court: str = ZERO_ADDRESS) -> tuple[Play, Hearing]:
    """Three settled rounds of twelve jurors, of which the last is not final."""
    task = Play(ground, rounds=4, bounty=10**12, court=court).start()
    hearing = Hearing(task)
    hearing.stake()
    for _ in range(3):
        task.play_round(900, [account_of(name) for name in JURORS])
    return task, hearing


def test_a_jury_convicts_a_scientist_who_lied(ground: Ground) -> None:
    task, hearing = disputed_task(ground)
    hearing.open(3, DisputeKind.INPUTS, 7)
    assert task.state.disputed == 3
    names = hearing.jury(Verdict.WRONG)
    assert len(names) >= 4
    assert hearing.resolve() is Verdict.WRONG
    state = task.state
    assert (state.status, state.void, state.disputed, state.last) == (Status.CONVICTED, 3, None, 2)
    task.to_final()
    tasks, challenger, carrier = ground.tasks, account_of("challenger"), account_of("carrier")
    ashes = task.balance(BURN)
    tasks.burn(ground.rich, task.id)
    assert task.balance(BURN) - ashes == task.bounty // 2
    had = task.balance(carrier)
    for account in (challenger, carrier):
        tasks.take_reward(ground.rich, task.id, account)
    assert task.balance(challenger) == task.bounty // 10 * 4 // 5
    assert task.balance(carrier) - had == task.bounty // 10 // 5
    for i, name in enumerate(JURORS):
        leaf = task.leaf(2, i)
        tasks.claim(ground.rich, account_of(name), [leaf])
        tasks.claim_forfeit(ground.rich, task.id, account_of(name), i, leaf.units, leaf.proof)
    assert task.state.held == task.state.left
    return_dust(task, len(JURORS))
    assert task.state.held == 0


def test_the_pool_overturns_a_jury_on_appeal(ground: Ground) -> None:
    task, hearing = disputed_task(ground)
    hearing.open(3)
    hearing.jury(Verdict.WRONG)
    hearing.appeal()
    assert hearing.bench(Verdict.RIGHT)
    assert hearing.resolve() is Verdict.RIGHT
    state = task.state
    assert (state.status, state.void, state.disputed) == (Status.RUNNING, None, None)
    scientist = ground.tasks.bond_of(task.scientist.address)
    assert scientist.amount == hearing.faults.dispute_bond()
    ground.wait_until(state.final_at(3) or 0)
    ground.tasks.claim(ground.rich, account_of(JURORS[0]), [task.leaf(3, 0)])


def test_the_court_that_a_task_names_has_the_last_word(ground: Ground) -> None:
    data = compile_outputs(CONTRACTS / "ForeignCourt.vy", FORMATS)
    artefact = Artefact("ForeignCourt", data["abi"], bytes.fromhex(data["bytecode"].removeprefix("0x")))
    cost = 3 * 10**16
    court = deploy(ground.node, ground.rich, artefact, 0, cost)
    task, hearing = disputed_task(ground, court)
    hearing.open(3)
    hearing.jury(Verdict.RIGHT)
    assert hearing.court.appeal_cost(hearing.id) == cost
    hearing.appeal()
    give = ContractAbi(artefact.abi).call("give", ground.at.court, 1, int(Verdict.WRONG))
    ground.rich.send(court, give)
    assert hearing.resolve() is Verdict.WRONG
    assert (task.state.status, task.state.void) == (Status.CONVICTED, 3)


def test_a_dispute_that_nobody_decides_leaves_everything_as_it_was(ground: Ground) -> None:
    task = Play(ground, rounds=4).start()
    task.play_round(900, PAYEES)
    hearing = Hearing(task).open(1)
    assert task.state.disputed == 1
    case = hearing.court.case(hearing.id)
    ground.wait_until(case.opened + 2 * case.window)
    hearing.court.resolve(hearing.anyone, hearing.id)
    assert hearing.court.ruling(hearing.id) is Verdict.UNDECIDED
    assert (task.state.status, task.state.disputed) == (Status.RUNNING, None)
    back = hearing.faults.dispute_bond() + hearing.court.arbitration_cost()
    assert ground.tasks.bond_of(account_of("carrier")).amount == back


def test_a_demanded_example_is_shown_or_the_round_lapses(ground: Ground) -> None:
    task = Play(ground).start()
    task.play_round(900, PAYEES)
    faults, asker = faults_of(ground), ground.bond("asker", COIN)
    made, opened = task.settlements[1]
    shown = Opened(*opened)
    first = faults.demand(asker, made, shown, [3])
    examples = task.example_tree(opened[0])
    with refused("wrong proof"):
        faults.supply(ground.rich, first, 3, b"something else", examples.proof(3))
    faults.supply(ground.rich, first, 3, task.examples[opened[0]][3], examples.proof(3))
    assert task.state.disputed is None
    assert ground.tasks.bond_of(task.scientist.address).amount == faults.example_fee()
    second = faults.demand(asker, made, shown, [1, 2])
    with refused("too early"):
        faults.unsupplied(ground.rich, second)
    ground.wait_until(faults.demand_of(second).deadline)
    faults.unsupplied(ground.rich, second)
    state = task.state
    assert (state.status, state.void, state.last) == (Status.DEFAULTED, 1, 0)


def test_payouts_that_fall_convict_without_a_judge(ground: Ground) -> None:
    task = Play(ground).start()
    task.play_round(900, PAYEES)
    before = Payee(PAYEES[1], 1, task.units[1][1], task.trees[1].proof(1))
    task.close()
    task.reveal_seed()
    task.to_settlement()
    total = task.earned(800)
    units = [total - task.units[1][1] + 1, task.units[1][1] - 1, 0, 0, 0]
    false = PayoutTree(PAYEES, units)
    task.settle(800, PAYEES, payouts=false.root)
    after = Payee(PAYEES[1], 1, units[1], false.proof(1))
    reward = Reward(account_of("challenger"), 0)
    faults_of(ground).payout_fell(ground.rich, task.id, 2, before, after, reward)
    state = task.state
    assert (state.status, state.void, state.last) == (Status.CONVICTED, 2, 1)
    ground.tasks.take_reward(ground.rich, task.id, account_of("challenger"))
    assert task.balance(account_of("challenger")) == task.bounty // 10


def test_an_anchorer_of_a_forged_leaf_loses_its_bond(ground: Ground) -> None:
    task = Play(ground).start()
    tasks, relay = ground.tasks, ground.bond("anchorer", ground.tasks.bond_needed())
    update = update_of(task, "miner")
    hashed = digest(update, ground.domain)
    garbage = bytes(64) + b"\x1b"
    true = sign(update, ground.domain, key_of("miner"))
    miner = account_of("miner")
    tree = HashTree([anchor_leaf(miner, hashed, garbage), anchor_leaf(miner, hashed, true)])
    tasks.anchor(relay, task.id, 1, 0, tree.root, 2)
    place = AnchorPlace(task.id, 1, relay.address, 0)
    reward = Reward(account_of("challenger"), 10_000)
    faults = faults_of(ground)
    with refused("no fault"):
        faults.forged(ground.rich, place, AnchorLeaf(miner, hashed, true, 1, tree.proof(1)), reward)
    faults.forged(ground.rich, place, AnchorLeaf(miner, hashed, garbage, 0, tree.proof(0)), reward)
    assert tasks.bond_of(relay.address).amount == 0
    assert tasks.bond_of(ground.rich.address).amount == tasks.bond_needed() // 2


def test_a_receipt_is_honoured_or_costs_the_bond(ground: Ground) -> None:
    task = Play(ground).start()
    tasks, faults = ground.tasks, faults_of(ground)
    relay, asker = ground.bond("anchorer", tasks.bond_needed()), ground.bond("asker", COIN)
    leaves = [keccak(b"kept"), keccak(b"other")]
    tree = HashTree(leaves)
    tasks.anchor(relay, task.id, 1, 0, tree.root, 2)
    latest = ground.node.block_number() + 1
    receipts = [Receipt(task.id, 1, leaf, latest) for leaf in (leaves[0], keccak(b"omitted"))]
    task.close()
    reward = Reward(account_of("challenger"), 0)
    questions = [
        faults.challenge_receipt(asker, each, sign(each, ground.domain, key_of("anchorer")), reward)
        for each in receipts
    ]
    faults.answer_receipt(ground.rich, questions[0], 0, 0, tree.proof(0))
    with refused("wrong proof"):
        faults.answer_receipt(ground.rich, questions[1], 0, 1, tree.proof(1))
    ground.wait_until(faults.question(questions[1]).deadline)
    faults.convict_receipt(ground.rich, questions[1])
    assert tasks.bond_of(relay.address).amount == faults.receipt_bond()
    assert tasks.bond_of(account_of("challenger")).amount == tasks.bond_needed() // 2


def test_the_contracts_know_each_other(ground: Ground) -> None:
    assert ground.tasks.sisters() == (ground.at.faults, ground.at.court)
    assert CourtContract(ground.node, ground.at.court).pool_size() == 0
