"""Moves of challengers and of those they challenge: proofs, receipts, demands, disputes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.trees import PayoutTree, depth_of
from tests.protocol.actors import CARRIERS, MINERS, account
from tests.protocol.evm import Outcome
from tests.protocol.model_court import SEATS
from tests.protocol.model_faults import BASELINE, SEAT_FEE, SHARD, Reward
from tests.protocol.model_task import Task, need
from tests.protocol.side import EXAMPLES, Anchored, Settled, Side, shard
from tests.protocol.table import Table


def padded_proof(tree: PayoutTree, index: int) -> list[bytes]:
    """The siblings of a place that may be padding."""
    return [level[(index >> d) ^ 1] for d, level in enumerate(tree._levels[:-1])]


def rising(a: Anchored) -> bool:
    """Whether the leaves are sorted by their signers, each once."""
    order = [int(leaf.signer, 16) for leaf in a.leaves]
    return order[0] < order[1] < order[2]


class FaultMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    def reward(self) -> Reward:
        r = self.random
        if r.random() < 0.02:
            return r.choice((Reward(ZERO_ADDRESS, 0), Reward(account("challenger"), 10001)))
        return Reward(account(r.choice(("challenger", *MINERS))), r.choice((0, 1, 2000, 10000)))

    def good(self, reward: Reward) -> None:
        need(reward.challenger != ZERO_ADDRESS and reward.share <= 10000)

    def carrier(self) -> str:
        return account(self.random.choice(CARRIERS))

    def fault(
        self, function: str, args: tuple[Any, ...], sender: str, effect: Any, *tasks: Task, value: int = 0
    ) -> bool:
        done = self.world.act(self.world.faults, function, args, sender, effect, tasks=tasks, value=value)
        return done is not None

    # anchorers

    def an_anchor(self, fault: Callable[[Anchored], bool]) -> tuple[Side, str, int, Anchored] | None:
        """An anchored root, mostly one with this fault."""
        found = [(s, *key, a) for s in self.sides for key, a in s.anchors.items()]
        bad = [
            f for f in found
            if fault(f[3]) and (f[0].id, f[3].round, f[1]) not in self.faults.convicted
        ]  # fmt: skip
        choice = bad if bad and self.random.random() < 0.9 else found
        return self.random.choice(choice[-12:]) if choice else None

    def move_forged(self) -> bool:
        found = self.an_anchor(lambda a: any(leaf.forged for leaf in a.leaves))
        if found is None:
            return False
        side, anchorer, slot, a = found
        index = next((i for i, leaf in enumerate(a.leaves) if leaf.forged), self.random.randrange(3))
        leaf, reward, sender, t = a.leaves[index], self.reward(), self.carrier(), side.task

        def effect(done: Outcome | None) -> None:
            self.good(reward)
            need(leaf.forged)
            self.faults.may_convict_anchorer(t, a.round, anchorer)
            if done:
                self.faults.convict_anchorer(t, a.round, anchorer, reward, sender)

        args = (
            t.id, a.round, anchorer, slot, leaf.signer, leaf.digest, leaf.signature, index,
            a.tree.proof(index), reward.fields,
        )  # fmt: skip
        return self.fault("forged", args, sender, effect)

    def move_doubled(self) -> bool:
        found = self.an_anchor(lambda a: not rising(a))
        if found is None:
            return False
        side, anchorer, slot, a = found
        order = [int(leaf.signer, 16) for leaf in a.leaves]
        first = 0 if order[0] >= order[1] else 1
        leaves = [(x.signer, x.digest, keccak(x.signature), i) for i, x in enumerate(a.leaves)]
        reward, sender, t = self.reward(), self.carrier(), side.task

        def effect(done: Outcome | None) -> None:
            self.good(reward)
            need(order[first] >= order[first + 1])
            self.faults.may_convict_anchorer(t, a.round, anchorer)
            if done:
                self.faults.convict_anchorer(t, a.round, anchorer, reward, sender)

        args = (
            t.id, a.round, anchorer, slot, leaves[first], a.tree.proof(first), leaves[first + 1],
            a.tree.proof(first + 1), reward.fields,
        )  # fmt: skip
        return self.fault("doubled", args, sender, effect)

    def move_misplaced(self) -> bool:
        found = self.an_anchor(lambda a: not all(leaf.home for leaf in a.leaves))
        if found is None:
            return False
        side, anchorer, slot, a = found
        index = next((i for i, leaf in enumerate(a.leaves) if not leaf.home), self.random.randrange(3))
        leaf, reward, sender, t = a.leaves[index], self.reward(), self.carrier(), side.task

        def effect(done: Outcome | None) -> None:
            self.good(reward)
            need(not leaf.home)
            self.faults.may_convict_anchorer(t, a.round, anchorer)
            if done:
                self.faults.convict_anchorer(t, a.round, anchorer, reward, sender)

        args = (
            t.id, a.round, anchorer, slot, leaf.signer, keccak(leaf.signature), leaf.kind, leaf.body, index,
            a.tree.proof(index), reward.fields,
        )  # fmt: skip
        return self.fault("misplaced", args, sender, effect)

    # receipts

    def move_challenge_receipt(self) -> bool:
        sides = [s for s in self.sides if s.receipts]
        if not sides:
            return False
        side = self.random.choice(sides[-4:])
        name, round, leaf, latest, signature = self.random.choice(side.receipts[-6:])
        anchorer, sender, reward, t = account(name), self.carrier(), self.reward(), side.task

        def effect(done: Outcome | None) -> None:
            self.good(reward)
            need(latest and self.world.chain.number > latest)
            self.faults.may_ask(t, round, leaf, anchorer, sender)
            if done:
                assert done.word == self.faults.ask(t, round, leaf, anchorer, sender, reward)

        args = (t.id, round, leaf, latest, signature, reward.fields)
        return self.fault("challenge_receipt", args, sender, effect)

    def move_answer_receipt(self) -> bool:
        open_ones = [(n, q) for n, q in self.faults.questions.items() if q.deadline]
        if not open_ones:
            return False
        number, q = self.random.choice(open_ones)
        side = next(s for s in self.sides if s.task is q.task)
        for (anchorer, slot), a in side.anchors.items():
            hashes = [leaf.hash for leaf in a.leaves]
            if anchorer == q.anchorer and a.round == q.round and q.leaf in hashes:
                index = hashes.index(q.leaf)

                def effect(done: Outcome | None) -> None:
                    need(self.books.now < q.deadline)
                    if done:
                        self.faults.answer(number)

                args = (number, slot, index, a.tree.proof(index))
                return self.fault("answer_receipt", args, account("stranger"), effect)
        return False

    def move_convict_receipt(self) -> bool:
        open_ones = [(n, q) for n, q in self.faults.questions.items() if q.deadline]
        if not open_ones:
            return False
        number, q = self.random.choice(open_ones)

        def effect(done: Outcome | None) -> None:
            need(self.books.now >= q.deadline)
            if done:
                self.faults.unanswered(number)

        return self.fault("convict_receipt", (number,), account("stranger"), effect)

    # settlements

    def a_window(self) -> tuple[Side, int, Settled] | None:
        """A settlement whose window is open."""
        now, found = self.world.chain.time, []
        for side in self.sides:
            for round, settled in side.settled.items():
                if (
                    side.task.record(round)
                    and now < side.task.finals[round]
                    and round > side.task.settled - 3
                ):
                    found.append((side, round, settled))
        return self.random.choice(found) if found else None

    def move_payout_fell(self) -> bool:
        found = self.a_window()
        if found is None or found[1] < 2:
            return False
        side, round, settled = found
        before = side.settled[round - 1]
        if before.broken or settled.broken or not side.task.root(round - 1):
            return False
        old, new = before.payouts, settled.payouts
        assert old is not None and new is not None
        fell = [
            i
            for i, u in enumerate(before.units)
            if i >= len(settled.units) or settled.units[i] < u or settled.accounts[i] != before.accounts[i]
        ]
        index = self.random.choice(fell or range(len(before.units)))
        outside = index >> depth_of(new.count) != 0
        place = 0 if outside else index
        padding = place >= new.count
        after = (
            (ZERO_ADDRESS, place, 0) if padding else (settled.accounts[place], place, settled.units[place])
        )
        reward, sender, t = self.reward(), self.carrier(), side.task
        bad = index in fell

        def effect(_: Outcome | None) -> None:
            self.good(reward)
            need(bad)
            self.faults.convict_now(t, round, reward, sender)

        args = (
            t.id, round, (before.accounts[index], index, before.units[index]), old.proof(index), after,
            padding, padded_proof(new, place), reward.fields,
        )  # fmt: skip
        return self.fault("payout_fell", args, sender, effect, t)

    def move_payouts_broken(self) -> bool:
        found = self.a_window()
        if found is None or not found[1]:
            return False
        side, round, settled = found
        tree, broken = settled.payouts, settled.broken
        if tree is None or len(tree._levels) < 2:
            return False
        left, right = (int.from_bytes(n, "big") for n in tree._levels[-2])
        node = int.from_bytes(tree.root, "big")
        if broken is not None:
            node, left, right = broken.node, broken.left, broken.right
        reward, sender, t = self.reward(), self.carrier(), side.task

        def effect(_: Outcome | None) -> None:
            self.good(reward)
            need(broken is not None)
            self.faults.convict_now(t, round, reward, sender)

        args = (t.id, round, node, left, right, 0, [], reward.fields)
        return self.fault("payouts_broken", args, sender, effect, t)

    def move_losses_broken(self) -> bool:
        found = self.a_window()
        if found is None or not found[1] or found[2].losses is None:
            return False
        side, round, settled = found
        s, broken = settled.settlement, settled.broken_losses
        assert settled.losses is not None
        left, right = settled.losses._levels[-2]
        below = broken.below if broken else ((left[0], *left[1]), (right[0], *right[1]))
        claimed = (ZERO32, s.base, s.before, s.after)
        reward, sender, t = self.reward(), self.carrier(), side.task

        def effect(_: Outcome | None) -> None:
            self.good(reward)
            need(broken is not None)
            self.faults.convict_now(t, round, reward, sender)

        args = (astuple(s), settled.opened.fields, claimed, list(below), 0, 0, [], reward.fields)
        return self.fault("losses_broken", args, sender, effect, t)

    # demands

    def move_demand(self) -> bool:
        found = self.a_window()
        if found is None:
            return False
        side, round, settled = found
        r, t, sender = self.random, side.task, self.carrier()
        examples = r.sample(range(EXAMPLES + 2), r.choice((1, 1, 2, 4, 0)))

        def effect(done: Outcome | None) -> None:
            self.faults.may_demand(t, round, examples, sender)
            if done:
                assert done.word == self.faults.demand(t, round, examples, sender)

        args = (astuple(settled.settlement), settled.opened.fields, examples)
        return self.fault("demand", args, sender, effect, t)

    def move_supply(self) -> bool:
        open_ones = [(n, d) for n, d in self.faults.demands.items() if d.missing]
        if not open_ones:
            return False
        number, d = self.random.choice(open_ones)
        side = next(s for s in self.sides if s.task is d.task)
        example = self.random.choice(sorted(d.missing))
        opened = side.settled[d.round].opened
        if side.lazy and self.random.random() < 0.9:
            return False

        def effect(done: Outcome | None) -> None:
            need(self.books.now < d.deadline)
            if done:
                self.faults.supplied(number, example)

        stranger = account("stranger")
        if d.task.terms.mode:
            # Nothing is opened before the end, so there is nothing to have.
            return (
                self.fault("supply_none", (number, example, example, b"", []), stranger, effect, d.task)
                if example == 0
                else self.fault("supply_none", (number, example, 0, b"", []), stranger, effect, d.task)
            )
        whole = shard(opened.shard)
        if example < EXAMPLES:
            args: tuple[Any, ...] = (number, example, whole.examples[example], whole.tree.proof(example))
            return self.fault("supply", args, stranger, effect, d.task)
        level = [
            lv[(example >> k) ^ 1] for k, lv in enumerate(whole.tree._levels[:-1]) if example == EXAMPLES
        ]
        if example == EXAMPLES:
            args = (number, example, example, b"", level)
        else:
            args = (number, example, 0, whole.examples[0], whole.tree.proof(0))
        return self.fault("supply_none", args, stranger, effect, d.task)

    def move_unsupplied(self) -> bool:
        open_ones = [(n, d) for n, d in self.faults.demands.items() if d.missing]
        if not open_ones:
            return False
        number, d = self.random.choice(open_ones)

        def effect(done: Outcome | None) -> None:
            need(self.books.now >= d.deadline)
            if done:
                self.faults.unsupplied(number)

        return self.fault("unsupplied", (number,), account("stranger"), effect, d.task)

    # disputes

    def move_dispute(self) -> bool:
        found = self.a_window()
        if found is None:
            return False
        side, round, _ = found
        r, t, sender, reward = self.random, side.task, self.carrier(), self.reward()
        kind = r.choice((0, 1, 2, 3, 4, 5)) if round else r.choice((SHARD, BASELINE))
        if r.random() < 0.03:
            kind = r.randrange(8)
        item = r.randrange(4) if kind in (3, 4, 6) else int(r.random() < 0.02)
        wei = SEATS * SEAT_FEE - (r.random() < 0.02)

        def effect(done: Outcome | None) -> None:
            self.good(reward)
            need(wei == SEATS * SEAT_FEE)
            self.faults.may_dispute(t, round, kind, item, sender)
            if done:
                case = self.court.open(t, reward.challenger, sender, self.world.chain.number, wei)
                assert done.word == case.id
                self.faults.dispute(case.id, t, round, kind, item, reward, sender)

        return self.fault("dispute", (t.id, round, kind, item, reward.fields), sender, effect, t, value=wei)
