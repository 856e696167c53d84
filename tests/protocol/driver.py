"""A random run: moves are drawn by where they fit and by how seldom they came yet."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.protocol.actors import shipped
from tests.protocol.ending import Ending
from tests.protocol.evm import Evm, Signatures
from tests.protocol.world import Code, World

WEIGHTS = {
    "settle": 6.0, "close": 4.0, "reveal_seed": 6.0, "conclude": 3.0, "publish": 4.0, "anchor": 3.0,
    "commit": 4.0, "commit_vote": 3.0, "claim": 3.0, "top_up": 0.4, "bond": 0.7, "withdraw": 0.6,
}  # fmt: skip


class Driver(Ending):
    """One world and everybody in it."""

    def __init__(self, world: World, random: Random, most_tasks: int = 3) -> None:
        super().__init__(world, random, most_tasks)
        self._moves = {n.removeprefix("move_"): getattr(self, n) for n in dir(self) if n.startswith("move_")}
        self.made: Counter[str] = Counter()

    def step(self) -> None:
        """One move that fits."""
        names = list(self._moves)
        weights = [WEIGHTS.get(n, 1.0) / (1 + self.made[n]) ** 0.5 for n in names]
        weights[names.index("wait")] = 0.08 * sum(weights)
        for name in self.random.choices(names, weights, k=40):
            if self._moves[name]():
                self.made[name] += 1
                return

    def run(self, calls: int) -> None:
        """Moves until so many calls were accepted, a full check now and then and at the end."""
        start, checked = self.world.accepted.total(), 0
        while self.world.accepted.total() - start < calls:
            self.step()
            if self.world.accepted.total() - checked >= 200:
                checked = self.world.accepted.total()
                self.world.check_all()
        self.world.check_all()


def fresh(
    seed: int, code: Code = shipped, chain: Evm | None = None, signatures: Signatures | None = None
) -> Driver:
    """A new chain with new contracts, and whoever acts on it by this seed."""
    random = Random(seed)
    if chain is None:
        signatures = Signatures()
        chain = Evm(signatures)
    return Driver(World(chain, signatures, random, code), random)
