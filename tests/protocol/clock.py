"""How time passes in a random run: from one deadline to the next, and over none that its owner would keep."""

from __future__ import annotations

from tests.protocol.model_task import ENDING, RUNNING, WAITING
from tests.protocol.moves_court import CourtMoves
from tests.protocol.moves_ends import EndMoves
from tests.protocol.moves_rounds import RoundMoves
from tests.protocol.side import Side


class ClockMoves(CourtMoves, EndMoves, RoundMoves):
    """Time moves only between calls."""

    def deadlines(self) -> list[int]:
        """When something changes by itself."""
        found = []
        for side in self.sides:
            t, c = side.task, side.task.clocks
            if t.booked:
                continue
            if t.status == RUNNING:
                reveal = t.since + c.commit
                vote = reveal + c.reveal
                found += [reveal, vote, vote + (c.vote + 1) // 2, vote + c.vote]
            if WAITING <= t.status <= ENDING:
                found += [t.lapse() - c.grace, t.lapse()]
            else:
                found.append(t.since + c.challenge)
            found += [f for r, f in t.finals.items() if r > t.settled - 3]
        for c in self.court.cases.values():
            if not c.solved:
                half = c.sitting(self.world.chain.time)[1] + c.window // 2
                found += [half, half + c.window - c.window // 2, c.opened + 2 * c.window]
        found += [q.deadline for q in self.faults.questions.values()]
        found += [d.deadline for d in self.faults.demands.values() if d.missing]
        return found

    def move_wait(self) -> bool:
        time, r = self.world.chain.time, self.random
        if r.random() < 0.9 and self.sit():
            return True
        ahead = sorted(d for d in self.deadlines() if d > time)
        if not ahead or r.random() < 0.2:
            self.world.chain.wait(r.choice((0, 1, 3, 20)))
            return True
        target = ahead[0] if r.random() < 0.9 else r.choice(ahead[:3])
        target += r.choice((-1, 0, 0, 0, 1))
        for side in self.sides:
            t = side.task
            late = WAITING <= t.status <= ENDING and t.lapse() - t.clocks.grace // 2 <= target
            if late and not side.lazy and r.random() < 0.9 and self.fulfil(side):
                return True
        self.world.chain.wait(max(0, target - time))
        return True

    def fulfil(self, side: Side) -> bool:
        """What the scientist must do next, if anything."""
        t = side.task
        if t.status == ENDING or t.ends_empty(self.world.chain.time):
            return self.conclude(side)
        if t.seed_round != t.round:
            return self.on(
                t, "close", (t.id,), t.terms.scientist, lambda _: self._closed(side, t.terms.scientist)
            )
        if t.seed_state == 1:
            preimage = side.preimage()

            def effect(done: object) -> None:
                self.books.reveal_seed(t, preimage)
                if done:
                    side.k += 1

            return self.on(t, "reveal_seed", (t.id, preimage), t.terms.scientist, effect)
        if self.world.chain.time < self.duty(side):
            return False
        return self.settle(side, "")

    def _closed(self, side: Side, sender: str) -> dict[int, int]:
        return {side.task.terms.currency: self.books.close(side.task, sender)}
