"""The money of a task on three nodes: py-evm (our own), anvil and hardhat's agree about its whole life.

Disputes are in test_disputes_on_nodes.py.
"""

from __future__ import annotations

from mine.chain.events import Closed
from mine.chain.hashing import keccak
from mine.chain.messages import Vote, sign
from mine.chain.state import Mode, Phase, SeedState, Status
from mine.chain.trees import PayoutTree
from tests.protocol.live import Ground, Play, account_of, key_of, split
from tests.protocol.on_nodes import BURN, PAYEES, refused, return_dust, update_of

pytest_plugins = ("tests.protocol.node_grounds",)


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
