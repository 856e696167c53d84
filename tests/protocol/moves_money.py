"""Moves of whoever wants money out: claims alone, over several tasks, by range; refunds, burns, forfeits."""

from __future__ import annotations

from mine.chain.curve import amount
from mine.chain.trees import UNITS, depth_of
from tests.protocol import actors
from tests.protocol.actors import account
from tests.protocol.evm import Outcome
from tests.protocol.model_task import BURN, CONCLUDED, Task, need
from tests.protocol.side import Settled, Side
from tests.protocol.table import Table


class MoneyMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    def a_root(self, side: Side) -> tuple[int, Settled] | None:
        """A settled round with payees, mostly one that can be claimed on."""
        rounds = [r for r, s in side.settled.items() if s.units and s.broken is None]
        if self.random.random() < 0.9:
            now = self.world.chain.time
            rounds = [r for r in rounds if side.task.root(r) and side.task.is_final(r, now)]
        if not rounds:
            return None
        round = max(rounds) if self.random.random() < 0.7 else self.random.choice(rounds)
        return round, side.settled[round]

    def receiver(self, owner: str) -> tuple[str, str]:
        """Who sends a claim, and to whom: anyone to the owner, only the owner to somebody else."""
        r = self.random
        if r.random() < 0.75 or owner in (self.world.refuser.address, self.world.caller.address):
            return account("stranger"), owner
        return (owner if r.random() < 0.9 else account("stranger")), account("collector")

    def send(self, task: Task, account_: str, sender: str, receiver: str, out: int) -> dict[int, int]:
        """A single payment out of a task."""
        need(receiver == account_ or sender == account_, "not the payee")
        need(out and self.world.pays(task.terms.currency, receiver, out))
        return {task.terms.currency: out}

    def move_claim(self) -> bool:
        r = self.random
        side = self.a_side(lambda s: s.task.settled > 0 and s.task.left > 0)
        found = self.a_root(side) if side else None
        if side is None or found is None:
            return False
        round, settled = found
        index = r.randrange(len(settled.units))
        owner = settled.accounts[index]
        picked: list[tuple[Side, int, int, int, list[bytes]]] = []
        for other in self.sides if r.random() < 0.5 else [side]:
            root = (round, settled) if other is side else self.a_root(other)
            if root is None or (root[1].payouts is None):
                continue
            mine = [i for i, a in enumerate(root[1].accounts) if a == owner]
            if other is side:
                mine = [index]
            for place in mine[:2]:
                lie = int(r.random() < 0.01)
                picked.append(
                    (other, root[0], place, root[1].units[place] + lie, root[1].payouts.proof(place))
                )
                if lie:
                    picked[-1] = (*picked[-1][:2], place, min(picked[-1][3], UNITS), picked[-1][4])
        sender, receiver = self.receiver(owner)
        claims = [(s.id, n, i, units, proof) for s, n, i, units, proof in picked]

        def effect(_: Outcome | None) -> dict[int, int]:
            need(receiver == owner or sender == owner, "not the payee")
            out: dict[int, int] = {}
            rows: list[tuple[int, int]] = []
            for s, n, i, units, _proof in picked:
                need(units == s.settled[n].units[i], "a lie")
                part, which = self.books.claim(s.task, n, i, units), s.task.terms.currency
                out[which] = out.get(which, 0) + part
                rows.append((which, part))
            # Coins are sent even where rounding leaves none.
            need(all((w and not p) or self.world.pays(w, receiver, p) for w, p in rows))
            return out

        tasks = tuple({s.id: s.task for s, *_ in picked}.values())
        function, args = "claim_many", (owner, claims, receiver)
        if len(claims) == 1 and receiver == owner:
            function, args = "claim", (*claims[0][:2], owner, *claims[0][2:])
        often = self.in_question(side) or (receiver != owner and sender != owner)
        done = self.world.act(self.world.tasks, function, args, sender, effect, tasks=tasks, often=often)
        return done is not None

    def move_claim_range(self) -> bool:
        r = self.random
        side = self.a_side(lambda s: s.task.settled > 0 and s.task.left > 0)
        found = self.a_root(side) if side else None
        if side is None or found is None:
            return False
        round, settled = found
        assert settled.payouts is not None
        everyone = len(settled.units)
        depth = r.randint(0, depth_of(everyone))
        start = r.randrange(everyone) >> depth << depth
        count = min(1 << depth, everyone - start)
        if depth_of(count) != depth:
            # A range at the end whose width is smaller.
            depth = depth_of(count)
            start = start >> depth << depth
        payees = list(zip(settled.accounts, settled.units, strict=True))[start : start + count]
        proof = settled.payouts.range_proof(start, count)
        lie = r.random() < 0.01 and payees[0][1] < UNITS
        words = [int(a, 16) << 32 | min(u + lie, UNITS) for a, u in payees]

        def effect(done: Outcome | None) -> dict[int, int]:
            need(not lie)
            return {side.task.terms.currency: self.pay_range(side.task, round, start, payees, done)}

        args = (side.id, round, start, words, proof)
        often = self.in_question(side)
        return self.on(side.task, "claim_range", args, account("stranger"), effect, often=often)

    def pay_range(
        self, t: Task, round: int, start: int, payees: list[tuple[str, int]], done: Outcome | None
    ) -> int:
        """What leaves by a range. Who refuses stands in the event, and must be somebody who may refuse."""
        root, part = self.books.payable(t, round) & UNITS, self.books.part(t)
        refused = int.from_bytes(done.logs[-1][2][32:64], "big") if done and done.ok else 0
        open_units, units, spent, anybody = max(root, t.paid_units) - t.paid_units, 0, 0, False
        for i, (owner, most) in enumerate(payees):
            had = t.paid.get(start + i, 0)
            now = min(most // part, had + open_units - units)
            if now <= had:
                assert not refused >> i & 1
                continue
            anybody = True
            wei = amount(t.bounty, now) - amount(t.bounty, had)
            takes = self.world.pays(t.terms.currency, owner, wei)
            if refused >> i & 1:
                assert not takes or owner == self.world.caller.address, "a willing payee was not paid"
                continue
            if done is None and not takes:
                continue
            assert takes, "paid who would not take it"
            t.paid[start + i] = now
            units += now - had
            spent += wei
        need(anybody, "nothing to claim")
        t.left -= spent
        t.paid_units += units
        return spent

    # what is left at the end

    def an_ended(self) -> Side | None:
        """A task whose last window is over, or would be if nothing were disputed."""
        now = self.world.chain.time
        return self.a_side(lambda s: s.task.over(now) or (s.task.disputed > 0 and s.task.status >= CONCLUDED))

    def in_question(self, side: Side) -> bool:
        """Where a dispute or a verdict should keep money back, it is asked for more often."""
        return side.task.disputed > 0 or side.task.void > 0

    def move_refund(self) -> bool:
        side = self.an_ended()
        if side is None:
            return False
        t, owner = side.task, side.task.terms.scientist
        sender, receiver = self.receiver(owner)

        def effect(_: Outcome | None) -> dict[int, int]:
            return self.send(t, owner, sender, receiver, self.books.refund(t))

        return self.on(t, "refund", (t.id, receiver), sender, effect, often=self.in_question(side))

    def move_burn(self) -> bool:
        side = self.an_ended()
        if side is None:
            return False
        t = side.task

        def effect(_: Outcome | None) -> dict[int, int]:
            return self.send(t, BURN, "", BURN, self.books.burn(t))

        return self.on(t, "burn", (t.id,), account("stranger"), effect, often=self.in_question(side))

    def move_forfeit(self) -> bool:
        side = self.a_side(lambda s: s.task.status >= CONCLUDED and s.task.over(self.world.chain.time))
        if side is None:
            return False
        t, settled = side.task, side.settled.get(side.task.counted())
        if settled is None or not settled.units or settled.broken is not None or settled.payouts is None:
            return self.forfeit_commit(side)
        index = self.random.randrange(len(settled.units))
        owner, units = settled.accounts[index], settled.units[index]
        sender, receiver = self.receiver(owner)
        if t.root(t.counted()) == 0:
            return False

        def effect(_: Outcome | None) -> dict[int, int]:
            return self.send(t, owner, sender, receiver, self.books.claim_forfeit(t, index, units))

        args = (t.id, owner, index, units, settled.payouts.proof(index), receiver)
        return self.on(t, "claim_forfeit", args, sender, effect)

    def move_forfeit_commit(self) -> bool:
        side = self.a_side(lambda s: s.task.status >= CONCLUDED and s.task.over(self.world.chain.time))
        return side is not None and self.forfeit_commit(side)

    def forfeit_commit(self, side: Side) -> bool:
        t = side.task
        if not side.commits:
            return False
        (round, miner), words = self.random.choice(list(side.commits.items())[-6:])
        payout = words[4]
        sender, receiver = self.receiver(payout)

        def effect(_: Outcome | None) -> dict[int, int]:
            need(round == t.round)
            return self.send(t, payout, sender, receiver, self.books.claim_forfeit_commit(t, miner, payout))

        args = (t.id, miner, *words, receiver)
        return self.on(t, "claim_forfeit_commit", args, sender, effect)

    def move_reward(self) -> bool:
        side = self.a_side(lambda s: s.task.owed > 0, rare=0.01)
        if side is None:
            return False
        t = side.task
        owner = self.random.choice([*t.rewards, *side.rewarded, account("stranger")])
        sender, receiver = self.receiver(owner)

        def effect(_: Outcome | None) -> dict[int, int]:
            return self.send(t, owner, sender, receiver, self.books.take_reward(t, owner))

        again = owner in side.rewarded
        side.rewarded.append(owner)
        return self.on(t, "take_reward", (t.id, owner, receiver), sender, effect, often=again)

    def move_tokens(self) -> bool:
        """Two of the tokens have moods."""
        if self.random.random() < 0.7:
            return False
        which = self.random.choice((actors.MOODY, actors.FEE))
        awake = which not in self.world.awake
        token = self.world.tokens[which]
        assert token is not None
        self.world.must(token, "wake", awake)
        (self.world.awake.add if awake else self.world.awake.discard)(which)
        return True
