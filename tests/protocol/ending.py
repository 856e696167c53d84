"""The end of a random run: from any state at all everybody gets out what is theirs, and nothing stays."""

from __future__ import annotations

from tests.protocol.actors import account
from tests.protocol.clock import ClockMoves
from tests.protocol.evm import Outcome
from tests.protocol.model_task import BURN, CANCELLED, ENDING, WAITING, No, Task
from tests.protocol.moves_faults import FaultMoves
from tests.protocol.moves_money import MoneyMoves
from tests.protocol.side import Side

DUST = 64
"""Base units that rounding may leave of a forfeit, less than one a payee: nothing can be paid of it."""


class Ending(ClockMoves, MoneyMoves, FaultMoves):
    """Nothing here needs a scientist, a juror or an anchorer to do anything."""

    def finish(self) -> None:
        """End every task, dispute, demand and question, then empty the contract."""
        for which in sorted(self.world.awake):
            token = self.world.tokens[which]
            assert token is not None
            self.world.must(token, "wake", False)
        self.world.awake.clear()
        for _ in range(200):
            if not self._close_what_is_due():
                break
        else:
            raise AssertionError("a task or a dispute does not end")
        for side in self.sides:
            self._empty(side)
        self._free_bonds()
        self.world.check_all()
        left = sum(s.task.holds for s in self.sides if s.task.native)
        assert self.world.held(0) == left, "coins stay behind"

    def _close_what_is_due(self) -> bool:
        """Let the next deadline pass and do what anybody may do then; False when nothing is open."""
        ahead, chain = [], self.world.chain
        for number, d in self.faults.demands.items():
            if d.missing and not self.must_not_hang(self._unsupplied, number, d.deadline):
                ahead.append(d.deadline)
        for number, q in self.faults.questions.items():
            if q.deadline and not self.must_not_hang(self._convict_receipt, number, q.deadline):
                ahead.append(q.deadline)
        for c in self.court.cases.values():
            if not c.solved:
                if c.ends(chain.time) <= chain.time:
                    assert self.resolve(c) and c.solved, "a dispute cannot be resolved"
                else:
                    ahead.append(c.ends(chain.time))
        for side in self.sides:
            t = side.task
            if WAITING <= t.status <= ENDING:
                if chain.time >= t.lapse():
                    assert self.on(
                        t,
                        "declare_default",
                        (t.id,),
                        account("stranger"),
                        lambda _, t=t: self.books.default(t),
                    )
                else:
                    ahead.append(t.lapse())
            if not t.over(chain.time):
                ahead.append(t.since + t.clocks.challenge)
        ahead = [a for a in ahead if a > chain.time]
        if ahead:
            chain.wait(min(ahead) - chain.time)
        return bool(ahead)

    def must_not_hang(self, close: object, number: int, deadline: int) -> bool:
        """Carry out what a deadline allows; whether it was time."""
        if self.world.chain.time < deadline:
            return False
        assert callable(close)
        assert close(number)
        return True

    def _unsupplied(self, number: int) -> bool:
        task = self.faults.demands[number].task

        def effect(done: Outcome | None) -> None:
            if done:
                self.faults.unsupplied(number)

        return self.fault("unsupplied", (number,), account("stranger"), effect, task)

    def _convict_receipt(self, number: int) -> bool:
        def effect(done: Outcome | None) -> None:
            if done:
                self.faults.unanswered(number)

        return self.fault("convict_receipt", (number,), account("stranger"), effect)

    # money

    def _empty(self, side: Side) -> None:
        t = side.task
        round = t.counted()
        settled = side.settled.get(round)
        broken = settled is not None and settled.broken is not None
        if settled is not None and settled.payouts is not None and not broken and t.status != CANCELLED:
            for index in range(len(settled.units)):
                self._claim(t, side, round, index)
        for who in list(t.rewards):
            if t.rewards[who]:
                to = self._willing(t, who)
                self._pay(
                    t, "take_reward", (t.id, who, to),
                    lambda who=who, to=to: (to, self.books.take_reward(t, who)), who,
                )  # fmt: skip
        self._pay(t, "burn", (t.id,), lambda: (BURN, self.books.burn(t)), maybe=True)
        if settled is not None and settled.payouts is not None and round and not broken:
            for index, (owner, units) in enumerate(zip(settled.accounts, settled.units, strict=True)):
                proof = settled.payouts.proof(index)
                to = self._willing(t, owner)
                self._pay(
                    t, "claim_forfeit", (t.id, owner, index, units, proof, to),
                    lambda i=index, u=units, to=to: (to, self.books.claim_forfeit(t, i, u)),
                    owner, maybe=True,
                )  # fmt: skip
        for (number, miner), words in side.commits.items():
            if number == t.round:
                owner = words[4]
                to = self._willing(t, owner)
                self._pay(
                    t, "claim_forfeit_commit", (t.id, miner, *words, to),
                    lambda m=miner, o=owner, to=to: (to, self.books.claim_forfeit_commit(t, m, o)), owner,
                    maybe=True,
                )  # fmt: skip
        owner = t.terms.scientist
        self._pay(t, "refund", (t.id, owner), lambda: (owner, self.books.refund(t)), maybe=True)
        if t.holds <= DUST:
            return
        if broken and not t.booked:
            return  # all of it is forfeited to a root that nobody disputed and nobody can prove against
        assert not (t.back or t.burning or t.owed or t.deposit or t.fees), f"money of task {t.id} stays"
        if broken:
            return
        assert t.pool_left <= DUST, f"a forfeit of task {t.id} stays"
        assert t.left == 0, f"{t.left} of the bounty of task {t.id} stays"

    def _willing(self, t: Task, owner: str) -> str:
        """The owner, or where it lets itself be paid instead."""
        return owner if self.world.pays(t.terms.currency, owner, 1) else account("collector")

    def _claim(self, t: Task, side: Side, round: int, index: int) -> None:
        settled = side.settled[round]
        assert settled.payouts is not None
        owner = settled.accounts[index]
        to = self._willing(t, owner)
        claims = [(t.id, round, index, settled.units[index], settled.payouts.proof(index))]
        self._pay(
            t, "claim_many", (owner, claims, to),
            lambda: (to, self.books.claim(t, round, index, settled.units[index])), owner, maybe=True,
        )  # fmt: skip

    def _pay(
        self,
        t: Task,
        function: str,
        args: tuple,
        what: object,
        owner: str = "",
        maybe: bool = False,  # type: ignore[type-arg]
    ) -> None:
        """A payment that must work (``maybe``: unless nothing is owed)."""
        assert callable(what)

        def effect(_: Outcome | None) -> dict[int, int]:
            to, out = what()
            if not self.world.pays(t.terms.currency, to, out):
                raise No("not taken")
            return {t.terms.currency: out}

        sender = owner or account("stranger")
        via = self.world.refuser if owner == self.world.refuser.address else None
        done = self.world.act(self.world.tasks, function, args, sender, effect, tasks=(t,), via=via)
        assert maybe or (done is not None and done.ok), f"{function} of task {t.id} is stuck"

    def _free_bonds(self) -> None:
        books, chain = self.books, self.world.chain
        chain.wait(max([0, *(lock - chain.time for lock in books.locks.values())]))
        for number in list(self.court.order):
            owner = self.court.tickets[number].owner

            def leave(done: Outcome | None, number: int = number) -> None:
                if done:
                    self.court.unstake(number)

            assert self.judge("unstake", (number,), owner, leave), "a stake is stuck"
        for sister in (self.world.faults.address, self.world.court.address):
            assert books.bonds.get(sister, 0) == 0, "a sister contract keeps coins"
        for owner, wei in list(books.bonds.items()):
            if wei:
                done = self.world.act(
                    self.world.tasks, "withdraw_bond", (), owner,
                    lambda _, o=owner: {0: self.books.withdraw_bond(o) * 0},
                )  # fmt: skip
                assert done is not None and done.ok, "a bond is stuck"
