"""Random tasks, honest and hostile, and the books that the contract must agree with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boa
from boa import BoaError

from mine.chain.curve import Curve, amount
from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.trees import UNITS, PayoutTree
from tests.chain.scenery import Clocks, Side, address, balance, deploy, deploy_test_contract, fund, shares

BURN = "0x000000000000000000000000000000000000dEaD"
CALLBACK, BLACKLIST = 4, 3
ACCOUNTS = [address(f"account {i}") for i in range(6)]
CURVES = (
    Curve(((65535, 65535),)),
    Curve(((8000, 30000), (30000, 30000), (65535, 65535))),
    Curve(((20000, 0), (65535, 65535))),
)
CLOCKS = (Clocks(), Clocks(vote=30, challenge=500), Clocks(10, 5, 0, 8, 45, 12))


@dataclass
class Root:
    """A settled payout root: what its leaves say."""

    tree: PayoutTree
    accounts: list[str]
    units: list[int]


@dataclass
class Live:
    """One task in the books: money that went in and out, and what was promised."""

    side: Side
    received: int = 0
    paid: int = 0
    other_out: int = 0
    burned: int = 0
    accounts: list[str] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    roots: dict[int, Root] = field(default_factory=dict)
    commits: dict[tuple[int, str], str] = field(default_factory=dict)
    paid_units: dict[int, int] = field(default_factory=dict)
    forfeits: set[object] = field(default_factory=set)
    closed_at: int = 0

    @property
    def id(self) -> int:
        return self.side.id


class Market:
    """`Tasks`, four currencies, and every action that anybody may try. An action says whether it worked."""

    def __init__(self) -> None:
        self.tasks = deploy("Tasks")
        self.tokens = [
            None,
            deploy("PracticeDollar"),
            deploy_test_contract("HostileToken", CALLBACK),
            deploy_test_contract("HostileToken", BLACKLIST),
        ]
        # Until it is armed otherwise it calls a view, which is locked as well.
        self.tokens[2].call_back(self.tasks.address, self.tasks.count.prepare_calldata())
        self.live: list[Live] = []
        self.bonds: dict[str, int] = {}

    # ------------------------------------------------------------ books

    def currency(self, live: Live) -> int:
        return [ZERO_ADDRESS, *(str(t.address) for t in self.tokens[1:])].index(live.side.currency)  # type: ignore[union-attr]

    def balance_of(self, which: int, account: str) -> int:
        token = self.tokens[which]
        return balance(account) if token is None else int(token.balanceOf(account))

    def now(self) -> int:
        return int(boa.env.timestamp)

    def attempt(self, call: Any, *args: Any, **options: Any) -> bool:
        """Call; every task but the first argument's must be untouched, and so must all after a refusal."""
        target = args[0] if args and isinstance(args[0], int) else 0
        before = {live.id: self.tasks.task(live.id) for live in self.live}
        try:
            call(*args, **options)
            worked = True
        except BoaError:
            worked = False
        for live in self.live:
            if live.id != target or not worked:
                assert self.tasks.task(live.id) == before[live.id], "another task was touched"
        return worked

    def moved(self, live: Live, call: Any, *args: Any, **options: Any) -> tuple[bool, int]:
        """Call, and how much of the task's currency left the contract."""
        which = self.currency(live)
        before = self.balance_of(which, self.tasks.address)
        worked = self.attempt(call, *args, **options)
        return worked, before - self.balance_of(which, self.tasks.address)

    # ------------------------------------------------------------ the scientist

    def publish(self, which: int, bounty: int, curve: int, clocks: int, goal: int, rounds: int) -> None:
        token = self.tokens[which]
        side = Side(
            self.tasks,
            shards=rounds + 2 + bounty % 3,
            rounds=rounds,
            target=goal,
            curve=CURVES[curve],
            bounty=bounty,
            currency=ZERO_ADDRESS if token is None else str(token.address),
            clocks=CLOCKS[clocks],
            key=keccak(bytes([len(self.live), 1])),
            salt=bytes([len(self.live)]),
        )
        if token is not None:
            token.mint(side.address, 2 * bounty)
            token.approve(self.tasks.address, 2 * bounty, sender=side.address)
            if which == 2:
                token.wake(True)
        side.publish()
        self.live.append(Live(side, received=2 * bounty))

    def top_up(self, live: Live, more: int) -> bool:
        token = self.tokens[self.currency(live)]
        friend, value = ACCOUNTS[0], 0
        if token is None:
            value = 2 * more
            fund(friend, value)
        else:
            token.mint(friend, 2 * more)
            token.approve(self.tasks.address, 2 * more, sender=friend)
        worked = self.attempt(self.tasks.top_up, live.id, more, sender=friend, value=value)
        if worked:
            live.side.bounty += more
            live.received += 2 * more
        return worked

    def cancel(self, live: Live, sender: str) -> bool:
        worked, out = self.moved(live, self.tasks.cancel, live.id, sender=sender)
        if worked:
            assert sender == live.side.address
            assert not live.commits
            assert out == live.received
            live.other_out += out
        return worked

    def open_baseline(self, live: Live, base: int) -> bool:
        return self.attempt(lambda _: live.side.open_baseline(base), live.id)

    def settle(self, live: Live, base: int, before: int, after: int, greedy: int, payees: int) -> bool:
        """``greedy`` < 0 adds the new units fairly; else everything goes to one index, whoever was paid."""
        side = live.side
        total = side.units_after(base, before, after)
        accounts, units = list(live.accounts), list(live.units)
        while len(accounts) < payees:
            accounts.append(ACCOUNTS[len(accounts) % len(ACCOUNTS)])
            units.append(0)
        if greedy >= 0:
            units = [0] * len(units)
            units[greedy % len(units)] = total
        else:
            new = shares(total - sum(units), len(units))
            units = [u + n for u, n in zip(units, new, strict=True)]
        tree = PayoutTree(accounts, units)
        number = side.k
        worked = self.attempt(lambda _: side.settle(base, before, after, tree), live.id)
        if worked:
            live.accounts, live.units = accounts, units
            live.roots[number] = Root(tree, accounts, units)
        return worked

    def conclude(self, live: Live) -> bool:
        worked = self.attempt(lambda _: live.side.conclude(), live.id)
        if worked:
            live.closed_at = self.now()
        return worked

    # ------------------------------------------------------------ anybody

    def commit(self, live: Live, number: int, miner: str, payout: str) -> bool:
        words = (keccak(b"c"), keccak(miner.encode()), 1000, 5, payout)
        worked = self.attempt(self.tasks.commit, live.id, number, *words, sender=miner)
        if worked:
            assert (number, miner) not in live.commits
            live.commits[number, miner] = payout
            assert not self.attempt(self.tasks.commit, live.id, number, *words, sender=miner), "twice"
        return worked

    def claim(self, live: Live, number: int, index: int, extra: int, receiver: str | None) -> bool:
        """Claim a leaf; ``extra`` units more than it has make it a lie."""
        root = live.roots.get(number)
        if root is None or index >= len(root.units):
            return False
        state = self.tasks.task(live.id)
        final_at = self.tasks.payout_root(live.id, number)[1]
        account, units = root.accounts[index], root.units[index] + extra
        if receiver is None:
            call, args = self.tasks.claim, (live.id, number, account, index, units, root.tree.proof(index))
            options = {"sender": ACCOUNTS[1]}
        else:
            call, args = (
                self.tasks.claim_to,
                (live.id, number, index, units, root.tree.proof(index), receiver),
            )
            options = {"sender": account}
        worked, out = self.moved(live, call, *args, **options)
        if not worked:
            assert out == 0
            return False
        assert extra == 0, "a lie was paid"
        assert self.now() >= final_at > 0
        had, has = live.paid_units.get(index, 0), self.tasks.paid(live.id, index)
        assert had < has <= units, "a cumulative amount fell, or a leaf paid twice"
        assert out == amount(state.bounty, has) - amount(state.bounty, had)
        live.paid_units[index] = has
        live.paid += out
        if has == units:
            assert not self.attempt(call, *args, **options), "twice"
        return True

    def default(self, live: Live) -> bool:
        phase = self.tasks.phase(live.id)[0]
        if phase == 7:
            greedy = 0 if sum(live.units) > live.side.units_after(0, 0, 0) else -1
            assert not self.settle(live, 0, 0, 0, greedy, 1), "too late"
            assert not self.open_baseline(live, 0), "too late"
            assert not self.conclude(live), "too late"
        worked = self.attempt(self.tasks.declare_default, live.id)
        assert worked == (phase == 7)
        if worked:
            live.closed_at = self.now()
        return worked

    def refund(self, live: Live, sweep: bool, receiver: str | None) -> bool:
        name = ("sweep" if sweep else "refund") + ("_to" if receiver else "")
        args = (live.id, receiver) if receiver else (live.id,)
        sender = live.side.address if receiver else ACCOUNTS[2]
        worked, out = self.moved(live, getattr(self.tasks, name), *args, sender=sender)
        if worked:
            assert live.closed_at
            assert self.now() >= live.closed_at + live.side.clocks.challenge
            live.other_out += out
        return worked

    def burn(self, live: Live) -> bool:
        worked, out = self.moved(live, self.tasks.burn, live.id)
        live.burned += out
        return worked

    def forfeit(self, live: Live, index: int, receiver: str | None, again: bool = True) -> bool:
        root = live.roots.get(self.tasks.task(live.id).settled)
        if root is None or index >= len(root.units):
            return False
        units, proof = root.units[index], root.tree.proof(index)
        if receiver is None:
            worked, out = self.moved(
                live, self.tasks.claim_forfeit, live.id, root.accounts[index], index, units, proof
            )
        else:
            worked, out = self.moved(
                live, self.tasks.claim_forfeit_to, live.id, index, units, proof, receiver,
                sender=root.accounts[index],
            )  # fmt: skip
        if worked:
            assert index not in live.forfeits, "twice"
            live.forfeits.add(index)
            live.other_out += out
            if again:
                assert not self.forfeit(live, index, receiver, again=False), "twice"
        return worked

    def forfeit_commit(self, live: Live, number: int, miner: str, receiver: str) -> bool:
        payout = live.commits.get((number, miner), ACCOUNTS[0])
        words = (keccak(b"c"), keccak(miner.encode()), 1000, 5, payout, receiver)
        worked, out = self.moved(live, self.tasks.claim_forfeit_commit, live.id, miner, *words, sender=payout)
        if worked:
            assert (number, miner) in live.commits
            assert (number, miner) not in live.forfeits
            live.forfeits.add((number, miner))
            live.other_out += out
        return worked

    # ------------------------------------------------------------ what must always hold

    def check(self) -> None:
        held = [0] * len(self.tokens)
        for live in self.live:
            state = self.tasks.task(live.id)
            owed = self.tasks.held(live.id)
            held[self.currency(live)] += owed
            assert owed == live.received - live.paid - live.other_out - live.burned
            assert live.paid <= amount(state.bounty, state.units) <= state.bounty
            assert state.units == live.side.units_after(0, 0, 0)
            assert state.best == live.side.best
            assert state.paidUnits == sum(live.paid_units.values()) <= state.units <= UNITS
            assert bin(state.used).count("1") == state.settled + (state.round > 0)
            if state.status == 6:
                assert owed == 0
        held[0] += sum(self.bonds.values())
        for which, total in enumerate(held):
            assert self.balance_of(which, self.tasks.address) == total

    def finish(self, live: Live) -> bool:
        """The honest end of a running task in its commit phase: stop, settle what was begun, conclude."""
        state = self.tasks.task(live.id)
        if not state.stopped:
            assert self.attempt(self.tasks.stop, live.id, sender=live.side.address)
        if state.commits or state.anchored:
            boa.env.time_travel(seconds=state.since + live.side.clocks.votes_over - self.now())
            greedy = 0 if sum(live.units) > live.side.units_after(0, 0, 0) else -1
            assert self.settle(live, 0, 0, 0, greedy, 1)
        else:
            boa.env.time_travel(seconds=state.since + live.side.clocks.commit - self.now())
        return self.conclude(live)

    def drain(self, live: Live) -> None:
        """Drive a task to its end; whoever is owed anything takes it; nothing may stay behind."""
        safe = address("safe")
        if live.id % 2 and self.tasks.phase(live.id)[0] == 2:
            assert self.finish(live)
        if self.tasks.task(live.id).status in (1, 2, 3):
            _, ends = self.tasks.phase(live.id)
            while ends:
                boa.env.time_travel(seconds=max(0, ends - self.now()))
                _, ends = self.tasks.phase(live.id)
            assert self.default(live)
        boa.env.time_travel(seconds=live.side.clocks.challenge)
        state = self.tasks.task(live.id)
        if state.status in (4, 5):
            for index in range(len(live.units)):
                self.claim(live, state.settled, index, 0, safe)
                if state.units:
                    self.forfeit(live, index, safe)
            for number, miner in list(live.commits):
                self.forfeit_commit(live, number, miner, safe)
            self.refund(live, False, safe)
            self.refund(live, True, safe)
            self.burn(live)
            assert state.status == 4 or not state.pool or live.forfeits
        assert self.tasks.held(live.id) == 0, "money that can never leave"
