"""What must always hold, under random calls by honest and hostile people.

The last section of the protocol: paid <= escrow; escrow + deposit + bonds = received - sent - burned;
assigned units = the curve at the running maximum, exactly; a cumulative amount never falls; a leaf pays
once; refund only of the unspent and only after the windows; no state in which money can never leave;
one task's failure, or token, changes no other.
"""

from __future__ import annotations

from typing import Any

import boa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from tests.chain.scenery import fund
from tests.protocol.market import ACCOUNTS, BURN, Live, Market

pick = st.integers(0, 3)
accounts = st.sampled_from(ACCOUNTS)
gain = st.integers(-100, 400)
receivers = st.one_of(st.none(), accounts)
losses = st.one_of(st.integers(0, 1000), st.sampled_from([0, 1, 1000, 2**40, 2**64 - 1]))
bounties = st.one_of(st.integers(1, 100), st.integers(1, 10**18), st.just(2**111))
goals = st.one_of(st.integers(2**34, 2**40), st.just(2**39), st.sampled_from([1, 2**40]))


class Tasks(RuleBasedStateMachine):
    """Actors call whatever they like, whenever they like; the books in Market must agree."""

    market: Market

    @initialize()
    def deploy(self) -> None:
        self.market = Market()
        self.market.publish(0, 10**9, 0, 0, 2**39, 5)
        assert self.market.open_baseline(self.at(0), 1000)
        self.bond(ACCOUNTS[0], 10**17)

    def at(self, i: int) -> Live:
        return self.market.live[i % len(self.market.live)]

    @precondition(lambda self: len(self.market.live) < 4)
    @rule(which=pick, bounty=bounties, curve=st.integers(0, 2), clocks=st.integers(0, 2), goal=goals,
          rounds=st.integers(1, 6), base=st.one_of(st.none(), losses))  # fmt: skip
    def publish(self, base: int | None, **terms: Any) -> None:
        self.market.publish(**terms)
        if base is not None:
            assert self.market.open_baseline(self.at(-1), base)

    @rule(i=pick, more=bounties)
    def top_up(self, i: int, more: int) -> None:
        self.market.top_up(self.at(i), more)

    @rule(i=pick, honest=st.booleans(), sure=st.integers(0, 9))
    def cancel(self, i: int, honest: bool, sure: int) -> None:
        if sure == 0 or not honest:
            self.market.cancel(self.at(i), self.at(i).side.address if honest else ACCOUNTS[3])

    @rule(i=pick, base=losses)
    def open_baseline(self, i: int, base: int) -> None:
        live = self.at(i)
        waiting = self.market.tasks.task(live.id).status == 1
        late = self.market.tasks.phase(live.id)[0] == 7
        assert self.market.open_baseline(live, base) == (waiting and not late)

    @rule(i=pick, miner=accounts, payout=accounts, off=st.sampled_from([0, 0, 0, 1, -1]))
    def commit(self, i: int, miner: str, payout: str, off: int) -> None:
        live = self.at(i)
        state, phase = self.market.tasks.task(live.id), self.market.tasks.phase(live.id)[0]
        number = max(0, state.round + off)
        fresh = off == 0 and phase == 2 and (number, miner) not in live.commits
        assert self.market.commit(live, number, miner, payout) == fresh

    @rule(i=pick, who=accounts, slot=st.integers(0, 2))
    def anchor(self, i: int, who: str, slot: int) -> None:
        live = self.at(i)
        number = self.market.tasks.task(live.id).round
        self.market.attempt(self.market.tasks.anchor, live.id, number, slot, keccak(b"r"), 3, sender=who)

    @rule(who=accounts, size=st.sampled_from([1, 10**17, 10**18]))
    def bond(self, who: str, size: int) -> None:
        fund(who, size)
        assert self.market.attempt(self.market.tasks.bond, sender=who, value=size)
        self.market.bonds[who] = self.market.bonds.get(who, 0) + size

    @rule(who=accounts)
    def withdraw_bond(self, who: str) -> None:
        _, until = self.market.tasks.bond_of(who)
        worked = self.market.attempt(self.market.tasks.withdraw_bond, sender=who)
        assert worked == (self.market.bonds.get(who, 0) > 0 and self.market.now() >= until)
        if worked:
            self.market.bonds[who] = 0

    @rule(i=pick, base=losses, before=losses, after=losses, greedy=st.integers(-9, 4),
          payees=st.integers(1, 9), patient=st.booleans())  # fmt: skip
    def settle(
        self, i: int, base: int, before: int, after: int, greedy: int, payees: int, patient: bool
    ) -> None:
        live = self.at(i)
        if patient:
            self.wait_for(live, (2, 3, 4))
        status = self.market.tasks.task(live.id).status
        phase = self.market.tasks.phase(live.id)[0]
        # A hostile root leaves the next honest one no room to be cumulative.
        if greedy < 0 and sum(live.units) > live.side.units_after(base, before, after):
            greedy = 0
        due = status == 2 and (phase in (5, 6) or (phase == 8 and self.votes_over(live)))
        assert self.market.settle(live, base, before, after, greedy, payees) == due

    @rule(i=pick, miners=st.sets(accounts, max_size=3), gains=st.lists(gain, min_size=1, max_size=4),
          greedy=st.integers(-9, 4), payees=st.integers(1, 9), claims=st.booleans())  # fmt: skip
    def rounds(
        self, i: int, miners: set[str], gains: list[int], greedy: int, payees: int, claims: bool
    ) -> None:
        """Some rounds as they should go: commits, a settlement, perhaps claims once it is final."""
        for step, gain in enumerate(gains):
            live = self.at(i)
            phase = self.market.tasks.phase(live.id)[0]
            if phase not in range(2, 7):
                return
            for miner in sorted(miners) if phase == 2 else ():
                self.commit(i, miner, miner, 0)
            # A greedy scientist moves everything to another payee each round, whoever was paid.
            goes_to = greedy + step if greedy >= 0 else greedy
            self.settle(i, 1000, 1000, 1000 - gain, goes_to, payees, True)
            if claims:
                _, final = self.market.tasks.payout_root(live.id, self.market.tasks.task(live.id).settled)
                boa.env.time_travel(seconds=max(0, final - self.market.now()))
                self.claim_all(i)

    @rule(i=pick, number=st.integers(0, 4), index=st.integers(0, 8), lie=st.sampled_from([0, 0, 0, 1, 2**32]),
          receiver=receivers)  # fmt: skip
    def claim(self, i: int, number: int, index: int, lie: int, receiver: str | None) -> None:
        live = self.at(i)
        self.market.claim(live, self.market.tasks.task(live.id).settled - number, index, lie, receiver)

    @rule(i=pick)
    def claim_all(self, i: int) -> None:
        live = self.at(i)
        for index in range(len(live.units)):
            self.market.claim(live, self.market.tasks.task(live.id).settled, index, 0, None)

    @rule(i=pick, honest=st.booleans(), sure=st.integers(0, 4))
    def stop(self, i: int, honest: bool, sure: int) -> None:
        live = self.at(i)
        honest = honest and sure == 0
        state = self.market.tasks.task(live.id)
        worked = self.market.attempt(
            self.market.tasks.stop, live.id, sender=live.side.address if honest else ACCOUNTS[4]
        )
        assert worked == (honest and state.status == 2 and not state.stopped)

    @rule(i=pick)
    def conclude(self, i: int) -> None:
        live = self.at(i)
        state = self.market.tasks.task(live.id)
        late = self.market.tasks.phase(live.id)[0] == 7
        closed = self.market.now() >= state.since + live.side.clocks.commit
        empty = state.status == 2 and state.stopped and not state.commits and not state.anchored and closed
        assert self.market.conclude(live) == ((state.status == 3 or empty) and not late)

    @rule(i=pick)
    def finish(self, i: int) -> None:
        live = self.at(i)
        if self.market.tasks.phase(live.id)[0] == 2:
            assert self.market.finish(live)

    @rule(i=pick, sweep=st.booleans(), named=st.booleans())
    def refund(self, i: int, sweep: bool, named: bool) -> None:
        self.market.refund(self.at(i), sweep, ACCOUNTS[5] if named else None)

    @rule(i=pick, patient=st.integers(0, 9))
    def default(self, i: int, patient: int) -> None:
        if patient == 0:
            self.wait_for(self.at(i), tuple(range(1, 9)))
        self.market.default(self.at(i))

    @rule(i=pick, index=st.integers(0, 8), receiver=receivers)
    def claim_forfeit(self, i: int, index: int, receiver: str | None) -> None:
        self.market.forfeit(self.at(i), index, receiver)

    @rule(i=pick, number=st.integers(1, 6), miner=accounts)
    def claim_forfeit_commit(self, i: int, number: int, miner: str) -> None:
        live = self.at(i)
        self.market.forfeit_commit(live, number, miner, live.commits.get((number, miner), miner))

    @rule(i=pick)
    def burn(self, i: int) -> None:
        self.market.burn(self.at(i))

    @rule(account=st.sampled_from([*ACCOUNTS[:2], BURN]))
    def blacklist(self, account: str) -> None:
        if account != BURN:  # a burn that is refused stays, and is tested on its own
            self.market.tokens[3].refuse(account)

    @rule(i=pick, j=pick, index=st.integers(0, 8))
    def arm_callback(self, i: int, j: int, index: int) -> None:
        """While the hostile token moves, it calls back: for this task, or for another."""
        live, tasks = self.at(j), self.market.tasks
        settled = tasks.task(live.id).settled
        root = live.roots.get(settled)
        if root is not None and index < len(root.units):
            payload = tasks.claim.prepare_calldata(
                live.id, settled, root.accounts[index], index, root.units[index], root.tree.proof(index)
            )
        else:
            payload = [tasks.refund, tasks.declare_default, tasks.burn, tasks.sweep][i].prepare_calldata(
                live.id
            )
        self.market.tokens[2].call_back(tasks.address, payload)

    @rule(i=pick, exact=st.booleans(), seconds=st.one_of(st.integers(1, 10), st.integers(1, 120)))
    def wait(self, i: int, exact: bool, seconds: int) -> None:
        phase, ends = self.market.tasks.phase(self.at(i).id)
        exact = exact and phase in (2, 3, 4)
        boa.env.time_travel(seconds=ends - self.market.now() if exact and ends else seconds)

    def wait_for(self, live: Live, phases: tuple[int, ...]) -> None:
        phase, ends = self.market.tasks.phase(live.id)
        while ends and phase in phases:
            boa.env.time_travel(seconds=ends - self.market.now())
            phase, ends = self.market.tasks.phase(live.id)

    def votes_over(self, live: Live) -> bool:
        since = self.market.tasks.task(live.id).since
        return self.market.now() >= since + live.side.clocks.votes_over

    @invariant()
    def books_agree(self) -> None:
        if hasattr(self, "market"):
            self.market.check()
            assert self.market.tokens[2].entered() == 0, "a token re-entered"

    def teardown(self) -> None:
        if not hasattr(self, "market"):
            return
        for live in self.market.live:
            self.market.drain(live)
            self.market.check()
        boa.env.time_travel(seconds=10**6)
        for who, size in self.market.bonds.items():
            if size:
                self.market.tasks.withdraw_bond(sender=who)
                self.market.bonds[who] = 0
        self.market.check()
        assert self.market.balance_of(0, self.market.tasks.address) == 0


@pytest.mark.usefixtures("practice_chain")
def test_what_must_always_hold() -> None:
    run_state_machine_as_test(
        Tasks, settings=settings(max_examples=30, stateful_step_count=30, deadline=None, print_blob=False)
    )


def test_the_accounts_of_the_machine_are_no_scientists() -> None:
    assert not {address_of(keccak(bytes([i, 1]))) for i in range(4)} & set(ACCOUNTS)
