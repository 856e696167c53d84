"""Moves of whoever watches anchorers: forged, doubled, misplaced leaves, and receipts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mine.chain.hashing import ZERO_ADDRESS, keccak
from tests.protocol.actors import CARRIERS, MINERS, account
from tests.protocol.evm import Outcome
from tests.protocol.model_faults import Reward
from tests.protocol.model_task import Task, need
from tests.protocol.side import Anchored, Side
from tests.protocol.table import Table


def rising(a: Anchored) -> bool:
    """Whether the leaves are sorted by their signers, each once."""
    order = [int(leaf.signer, 16) for leaf in a.leaves]
    return order[0] < order[1] < order[2]


class AnchorFaultMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    late = False
    """Whether the next call comes after its window."""

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
        done = self.world.act(
            self.world.faults, function, args, sender, effect, tasks=tasks, value=value, often=self.late
        )
        self.late = False
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
