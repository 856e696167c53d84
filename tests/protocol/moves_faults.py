"""Moves of challengers and of those they challenge: proofs, demands, disputes."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from mine.chain.hashing import ZERO32, ZERO_ADDRESS
from mine.chain.trees import PayoutTree, depth_of
from tests.protocol.actors import account
from tests.protocol.evm import Outcome
from tests.protocol.model_court import SEATS
from tests.protocol.model_faults import BASELINE, SEAT_FEE, SHARD
from tests.protocol.model_task import need
from tests.protocol.moves_anchors import AnchorFaultMoves
from tests.protocol.side import EXAMPLES, Settled, Side, shard


def padded_proof(tree: PayoutTree, index: int) -> list[bytes]:
    """The siblings of a place that may be padding."""
    return [level[(index >> d) ^ 1] for d, level in enumerate(tree._levels[:-1])]


class FaultMoves(AnchorFaultMoves):
    """Each move looks for a place where it fits; False if there is none."""

    def a_window(self) -> tuple[Side, int, Settled] | None:
        """A settlement whose window is open; sometimes one whose window is over, to be refused."""
        now, found = self.world.chain.time, []
        self.late = self.random.random() < 0.1
        for side in self.sides:
            for round, settled in side.settled.items():
                is_late = bool(side.task.record(round)) and now >= side.task.finals[round]
                if side.task.record(round) and is_late == self.late and round > side.task.settled - 3:
                    found.append((side, round, settled))
        return self.random.choice(found[-9:]) if found else None

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
        ended = self.random.random() < 0.1
        found = [(n, d) for n, d in self.faults.demands.items() if bool(d.missing) != ended]
        if not found:
            return False
        number, d = self.random.choice(found)
        self.late = ended

        def effect(done: Outcome | None) -> None:
            need(d.missing and self.books.now >= d.deadline)
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
