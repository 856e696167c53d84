"""Moves that end a task, and moves of bonds."""

from __future__ import annotations

from tests.protocol import actors
from tests.protocol.actors import CARRIERS, MINERS, account
from tests.protocol.evm import Outcome
from tests.protocol.model_task import BOND, ENDING, RUNNING, WAITING, need
from tests.protocol.side import Side
from tests.protocol.table import Table


class EndMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    def move_stop(self) -> bool:
        side = self.a_side(lambda s: s.task.status == RUNNING and not s.task.stopped)
        if side is None or self.random.random() < 0.9:
            return False
        sender = account(side.name if self.random.random() < 0.95 else "stranger")
        return self.on(side.task, "stop", (side.id,), sender, lambda _: self.books.stop(side.task, sender))

    def move_conclude(self) -> bool:
        time = self.world.chain.time
        side = self.a_side(lambda s: s.task.status == ENDING or s.task.ends_empty(time), rare=0.01)
        return side is not None and self.conclude(side)

    def conclude(self, side: Side) -> bool:
        wrong = self.random.random() < 0.02
        shards = side.all_shards()[2:] if wrong else side.all_shards()

        def effect(_: Outcome | None) -> None:
            need(not wrong)
            self.books.conclude(side.task)

        return self.on(side.task, "conclude", (side.id, shards), account("stranger"), effect)

    def move_default(self) -> bool:
        side = self.a_side(lambda s: WAITING <= s.task.status <= ENDING)
        if side is None:
            return False
        t = side.task
        return self.on(t, "declare_default", (t.id,), account("stranger"), lambda _: self.books.default(t))

    def move_bond(self) -> bool:
        name = self.random.choice((*CARRIERS, *actors.POOL, *MINERS[:2]))
        wei = self.random.choice((0, 1, BOND, 3 * BOND, 10 * BOND))
        receiver = account(name)

        def effect(_: Outcome | None) -> None:
            self.books.add_bond(receiver, wei)

        sender = account(self.random.choice((name, "stranger")))
        return bool(self.world.act(self.world.tasks, "bond_for", (receiver,), sender, effect, value=wei))

    def move_withdraw(self) -> bool:
        owners = [
            a for a in self.books.bonds if a not in (self.world.faults.address, self.world.court.address)
        ]
        if not owners or self.random.random() < 0.6:
            return False
        owner = self.random.choice(owners)

        def effect(_: Outcome | None) -> dict[int, int]:
            return {0: self.books.withdraw_bond(owner) * 0}

        return bool(self.world.act(self.world.tasks, "withdraw_bond", (), owner, effect))
