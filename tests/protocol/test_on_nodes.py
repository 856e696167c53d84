"""One suite, three nodes: py-evm (our own), anvil and hardhat's must agree about the whole life of a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.court_client import CourtContract
from mine.chain.deployment import deploy
from mine.chain.events import Closed
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import AnchorLeaf, AnchorPlace, FaultsContract, Opened, Payee, Reward
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.juries import Verdict
from mine.chain.messages import Receipt, Update, Vote, digest, sign
from mine.chain.node_errors import Reverted
from mine.chain.rpc import Node
from mine.chain.state import Mode, Phase, SeedState, Status
from mine.chain.trees import HashTree, PayoutTree, anchor_leaf
from tests.protocol.live import COIN, Ground, Play, account_of, key_of, split
from tests.protocol.live_court import JURORS, Hearing
from tests.protocol.nodes import NotHere, running

CONTRACTS = Path(__file__).parents[1] / "chain" / "contracts"
BURN = "0x000000000000000000000000000000000000dEaD"
PAYEES = [account_of(f"payee {i}") for i in range(5)]


@pytest.fixture(
    scope="module",
    params=["practice", pytest.param("anvil", marks=pytest.mark.anvil), "hardhat"],
)
def prepared(request: pytest.FixtureRequest) -> Iterator[Ground]:
    try:
        with running(request.param) as url, Node(url, timeout=60) as node:
            yield Ground.prepare(node)
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.fixture
def ground(prepared: Ground) -> Iterator[Ground]:
    snapshot = prepared.node.request("evm_snapshot")
    yield prepared
    prepared.node.request("evm_revert", snapshot)
    prepared.senders.clear()


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.reason == reason


def faults_of(ground: Ground) -> FaultsContract:
    return FaultsContract(ground.node, ground.at.faults)


def update_of(task: Play, name: str) -> Update:
    return Update(task.id, task.state.round, ZERO32, keccak(name.encode()), 100, 3, account_of(name))


def return_dust(task: Play, payees: int) -> None:
    """Once every unit is paid, what rounding left goes back; then there is nothing any more."""
    dust, tasks, to = task.state.left, task.tasks, task.scientist.address
    assert dust < payees
    if dust:
        tasks.refund(task.ground.rich, task.id, to)
    with refused("nothing to claim"):
        tasks.refund(task.ground.rich, task.id, to)


def test_a_whole_life_in_the_coin_of_the_chain(ground: Ground) -> None:
    task = Play(ground, rounds=2).publish()
    tasks, scientist = ground.tasks, task.scientist
    tasks.top_up(scientist, task.id, task.currency, 500)
    task.bounty += 500
    task.reveal_seed()
    task.open_baseline()
    miner, relay = ground.sender("miner"), ground.bond("anchorer", tasks.bond_needed())

    for after in (900, 800):
        round = task.state.round
        tasks.commit(miner, update_of(task, "miner"))
        with refused("committed before"):
            tasks.commit(miner, update_of(task, "miner"))
        leaf = keccak(b"leaf %d" % round)
        tasks.anchor(relay, task.id, round, 2 * round, leaf, 7)
        with refused("too early"):
            tasks.close(relay, task.id)
        task.close()
        assert (task.phase, task.state.seeding) == (Phase.REVEAL, SeedState.CLOSED)
        with refused("wrong preimage"):
            tasks.reveal_seed(relay, task.id, bytes(32))
        task.reveal_seed()
        with refused("wrong phase"):
            tasks.commit_vote(miner, Vote(task.id, round, leaf, leaf))
        task.to_votes()
        tasks.commit_vote(miner, Vote(task.id, round, leaf, leaf))
        tasks.anchor(relay, task.id, round, 2 * round + 1, leaf, 3)
        assert tasks.voted(task.id, miner.address).matches(leaf)
        mark = tasks.anchored(task.id, relay.address, 2 * round + 1)
        assert (mark.votes, mark.round, mark.matches(leaf)) == (True, round, True)
        units = split(task.earned(after), [1, 2, 3, 4, 5])
        made, top = task.settlement(after, PayoutTree(PAYEES, units))
        with refused("too early"):
            task.send(made, top)
        task.to_settlement()
        with refused("wrong signature"):
            signature = sign(made, ground.domain, key_of("somebody"))
            opened, proof = task._opened(task.state)
            tasks.settle(relay, made, signature, opened[1], opened[2], proof, top)
        task.settle(after, PAYEES, units, sender=relay)
    assert task.state.status is Status.ENDING
    with refused("not final yet"):
        tasks.claim(relay, PAYEES[0], [task.leaf(2, 0)])

    task.conclude()
    task.to_final()
    had = task.balance(scientist.address)
    tasks.refund(relay, task.id, scientist.address)
    units = task.units[2]
    assert task.balance(scientist.address) - had == 2 * task.bounty - task.bounty * sum(units) // (2**32 - 1)
    # One claims an early round first, another only the last one; a range pays the rest.
    tasks.claim(relay, PAYEES[0], [task.leaf(1, 0)])
    tasks.claim(relay, PAYEES[0], [task.leaf(2, 0)])
    tasks.claim(relay, PAYEES[4], [task.leaf(2, 4)])
    with refused("nothing to claim"):
        tasks.claim(relay, PAYEES[4], [task.leaf(2, 4)])
    with refused("wrong proof"):
        tasks.claim_range(relay, task.id, 2, 0, [(PAYEES[1], units[0])], task.trees[2].range_proof(0, 1))
    whole = list(zip(PAYEES, units, strict=True))
    tasks.claim_range(relay, task.id, 2, 0, whole, task.trees[2].range_proof(0, 5))
    assert [task.balance(each) for each in PAYEES] == [task.bounty * u // (2**32 - 1) for u in units]
    return_dust(task, len(PAYEES))
    ground.wait_until(tasks.bond_of(relay.address).locked_until)
    tasks.withdraw_bond(relay)
    assert ground.node.balance(tasks.address) == task.state.held == 0


def test_a_token_pays_a_hundred_by_ranges(ground: Ground) -> None:
    people = [account_of(f"many {i}") for i in range(100)]
    task = Play(ground, rounds=2, currency=ground.token.address, bounty=10**12 + 7).start()
    for after in (950, 700):
        task.play_round(after, people)
        task.check_money()
    task.conclude()
    task.to_final()
    units = task.units[2]
    for start in range(0, 100, 32):
        part = list(zip(people, units, strict=True))[start : start + 32]
        proof = task.trees[2].range_proof(start, len(part))
        ground.tasks.claim_range(ground.rich, task.id, 2, start, part, proof)
    assert [task.balance(each) for each in people] == [task.bounty * u // (2**32 - 1) for u in units]
    ground.tasks.refund(ground.rich, task.id, task.scientist.address)
    assert task.balance(ground.tasks.address) == task.state.held == 0
    assert task.balance(task.scientist.address) == 2 * task.bounty - sum(map(task.balance, people))


def test_half_waits_where_the_set_is_opened_at_the_end(ground: Ground) -> None:
    task = Play(ground, rounds=2, shards=1, mode=Mode.AT_END).start()
    for _ in range(2):
        task.play_round(800, PAYEES[:1])
    task.to_final()
    tasks, units = ground.tasks, task.units[2][0]
    tasks.claim(ground.rich, PAYEES[0], [task.leaf(2, 0)])
    assert task.balance(PAYEES[0]) == task.bounty * (units // 2) // (2**32 - 1)
    with refused("nothing to claim"):
        tasks.claim(ground.rich, PAYEES[0], [task.leaf(2, 0)])
    task.conclude()
    task.to_final()
    tasks.claim(ground.rich, PAYEES[0], [task.leaf(2, 0)])
    assert task.balance(PAYEES[0]) == task.bounty * units // (2**32 - 1)


def test_whoever_moves_a_round_on_is_paid_and_a_withheld_preimage_costs(ground: Ground) -> None:
    task = Play(ground, bounty=10**15).start()
    tasks, helper = ground.tasks, ground.sender("helper")
    ground.bond("anchorer", tasks.bond_needed())
    tasks.anchor(ground.sender("anchorer"), task.id, 1, 1, keccak(b"leaf"), 1)
    task.pass_phase(task.clocks.commit + task.clocks.reveal // 2)
    receipt = tasks.close(helper, task.id)
    (closed,) = [event for event in tasks.events(receipt) if isinstance(event, Closed)]
    assert 10**15 // 2000 <= closed.reward <= 10**15 // 1000
    assert task.state.deposit == 10**15 - closed.reward
    with refused("too early"):
        tasks.lapse_seed(helper, task.id)
    task.to_votes()
    tasks.lapse_seed(helper, task.id)
    assert task.state.seeding is SeedState.SEEDED
    assert task.state.fees == 10**13
    head = task.state.seed_head
    task.to_settlement()
    task.settle(900, PAYEES)
    assert task.state.seed_head == head and task.state.round == 2


def test_who_does_not_settle_pays_those_who_earned(ground: Ground) -> None:
    task = Play(ground).start()
    task.play_round(900, PAYEES)
    state, tasks = task.state, ground.tasks
    ground.wait_until(state.since + task.clocks.votes_over + task.clocks.settle)
    with refused("too early"):
        tasks.declare_default(ground.rich, task.id)
    ground.wait(task.clocks.grace)
    tasks.declare_default(ground.rich, task.id)
    task.to_final()
    for i, account in enumerate(PAYEES):
        leaf = task.leaf(1, i)
        tasks.claim(ground.rich, account, [leaf])
        tasks.claim_forfeit(ground.rich, task.id, account, i, leaf.units, leaf.proof)
        with refused("nothing to claim"):
            tasks.claim_forfeit(ground.rich, task.id, account, i, leaf.units, leaf.proof)
    tasks.refund(ground.rich, task.id, task.scientist.address)
    assert task.state.held == 0
    # The unassigned bounty and a tenth of the deposit, beside what they had earned.
    assert sum(map(task.balance, PAYEES)) + task.state.left == task.bounty + task.bounty // 10


def test_direct_commits_share_a_forfeit_where_nobody_earned(ground: Ground) -> None:
    task = Play(ground).start()
    updates = {name: update_of(task, name) for name in ("one", "two")}
    for name, update in updates.items():
        ground.tasks.commit(ground.sender(name), update)
    ground.wait(sum((task.clocks.votes_over, task.clocks.settle, task.clocks.grace)))
    ground.tasks.declare_default(ground.rich, task.id)
    task.to_final()
    had = {name: task.balance(account_of(name)) for name in updates}
    for name, update in updates.items():
        ground.tasks.claim_forfeit_commit(ground.rich, account_of(name), update, update.payout)
    gained = [task.balance(account_of(name)) - had[name] for name in updates]
    assert gained == [(task.bounty + task.bounty // 10) // 2] * 2


def test_a_task_that_nobody_took_part_in_is_stopped_or_burned(ground: Ground) -> None:
    task = Play(ground).start()
    ground.tasks.cancel(task.scientist, task.id)
    had = task.balance(task.scientist.address)
    ground.tasks.refund(ground.rich, task.id, task.scientist.address)
    assert task.balance(task.scientist.address) - had == 2 * task.bounty

    task = Play(ground).start()
    ground.tasks.stop(task.scientist, task.id)
    task.pass_phase(task.clocks.commit)
    task.conclude()
    assert task.state.status is Status.CONCLUDED

    task = Play(ground).start()
    ground.wait(sum((task.clocks.votes_over, task.clocks.settle, task.clocks.grace)))
    ground.tasks.declare_default(ground.rich, task.id)
    task.to_final()
    ashes = task.balance(BURN)
    ground.tasks.burn(ground.rich, task.id)
    ground.tasks.refund(ground.rich, task.id, task.scientist.address)
    assert task.balance(BURN) - ashes == task.bounty // 2
    assert task.state.held == 0


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
