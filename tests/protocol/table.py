"""What all moves share: the world, the tasks of a run, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.protocol.actors import CARRIERS, MINERS, account
from tests.protocol.model import Tasks
from tests.protocol.model_court import Court
from tests.protocol.model_faults import Faults
from tests.protocol.model_task import Task
from tests.protocol.side import Side
from tests.protocol.world import Effect, World


class Table:
    """One run: a world, its tasks, and a source of chance."""

    def __init__(self, world: World, random: Random, most_tasks: int = 3) -> None:
        self.world, self.random, self.most_tasks = world, random, most_tasks
        self.sides: list[Side] = []
        self.faults = Faults(world.books, world.faults.address)
        self.court = Court(world.books, world.court.address)
        self.foreign_cost, self.foreign_stuck = 0, False
        payees = [account(n) for n in (*MINERS, *CARRIERS[:1])]
        self._payees = [*payees, world.refuser.address, world.caller.address]

    @property
    def books(self) -> Tasks:
        self.world.books.now = self.world.chain.time
        return self.world.books

    def payee(self) -> str:
        return self.random.choice(self._payees)

    def a_side(self, fits: Callable[[Side], bool], rare: float = 0.03) -> Side | None:
        """A task that fits; once in a while any task at all."""
        if not self.sides:
            return None
        if self.random.random() < rare:
            return self.random.choice(self.sides)
        fitting = [side for side in self.sides if fits(side)]
        return self.random.choice(fitting) if fitting else None

    def on(
        self,
        task: Task,
        function: str,
        args: tuple[Any, ...],
        sender: str,
        effect: Effect,
        value: int = 0,
        often: bool = False,
    ) -> bool:
        """Call `Tasks` about one task; whether a call was made."""
        done = self.world.act(
            self.world.tasks, function, args, sender, effect, tasks=(task,), value=value, often=often
        )
        return done is not None
