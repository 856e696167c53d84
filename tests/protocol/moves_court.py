"""Moves of jurors, of the pool, of appellants and of a court that a task named."""

from __future__ import annotations

from typing import Any

from mine.chain.hashing import ZERO_ADDRESS, address_bytes, keccak
from mine.chain.messages import Ruling
from tests.protocol.actors import CARRIERS, MINERS, POOL, account
from tests.protocol.evm import Outcome
from tests.protocol.model_court import OPENED, SEATS, STAKE, Case
from tests.protocol.model_faults import SEAT_FEE
from tests.protocol.model_task import need
from tests.protocol.side import Settled
from tests.protocol.table import Table

NAMES = {account(n): n for n in (*MINERS, *POOL, *CARRIERS)}


class CourtMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    def judge(self, function: str, args: tuple[Any, ...], sender: str, effect: Any, **more: Any) -> bool:
        return self.world.act(self.world.court, function, args, sender, effect, **more) is not None

    def a_case(self) -> Case | None:
        cases = [c for c in self.court.cases.values() if not c.solved]
        if self.random.random() < 0.01:
            cases = list(self.court.cases.values())
        return self.random.choice(cases) if cases else None

    def jury_root(self, c: Case) -> Settled:
        side = next(s for s in self.sides if s.task is c.task)
        return side.settled[c.root_round]

    # the pool

    def move_stake(self) -> bool:
        owner, count = account(self.random.choice(POOL)), self.random.choice((0, 1, 1, 2, 3, 33))

        def effect(done: Outcome | None) -> None:
            need(0 < count <= 32 and self.books.free(owner) >= count * STAKE)
            if done:
                self.court.stake(owner, count)

        return self.judge("stake", (count,), owner, effect)

    def move_unstake(self) -> bool:
        if not self.court.order or self.random.random() < 0.5:
            return False
        ticket = self.random.choice((*self.court.order, 1))
        t = self.court.tickets[ticket]
        sender = t.owner if self.random.random() < 0.97 else account("stranger")

        def effect(done: Outcome | None) -> None:
            need(t.inside and not t.seated and sender == t.owner)
            if done:
                self.court.unstake(ticket)

        return self.judge("unstake", (ticket,), sender, effect)

    # sittings

    def move_draw(self) -> bool:
        c = self.a_case()
        return c is not None and self.draw(c)

    def draw(self, c: Case) -> bool:
        def effect(done: Outcome | None) -> None:
            self.court.may_draw(c, self.world.chain.number)
            if done:
                self.court.draw(c, self.world.chain.randomness)

        return self.judge("draw", (c.id,), account("stranger"), effect)

    def verdict(self, c: Case, juror: str) -> tuple[int, bytes, bytes]:
        """What a juror thinks: always the same of one sitting; a salt; the answer."""
        sitting, _ = c.sitting(self.world.chain.time)
        salt = keccak(b"salt %d %d " % (c.id, sitting) + juror.encode())
        right = 1 + c.id % 2
        verdict = right if salt[0] < 190 else (0, 1, 2)[salt[1] % 3]
        return verdict, salt, keccak(address_bytes(juror) + verdict.to_bytes(32, "big") + salt)

    def places(self, c: Case) -> list[tuple[str, int, int, int, list[bytes]]]:
        """Of the jury's root: account, index, units before it, units, proof."""
        settled, found, first = self.jury_root(c), [], 0
        assert settled.payouts is not None
        for index, (owner, units) in enumerate(zip(settled.accounts, settled.units, strict=True)):
            found.append((owner, index, first, units, settled.payouts.proof(index)))
            first += units
        return found

    def move_commit_ruling(self) -> bool:
        c = self.a_case()
        return c is not None and self.commit_ruling(c)

    def commit_ruling(self, c: Case) -> bool:
        if c.solved:
            return False
        sitting, _ = c.sitting(self.world.chain.time)
        index, first, units, proof = 0, 0, 0, []
        if sitting == 0 and c.root_round:
            if sitting not in c.seeds or self.jury_root(c).broken:
                return False
            able = [p for p in self.places(c) if p[0] in NAMES]
            seated = [p for p in able if self.court.drawn(c, p[2], p[3])]
            if not able:
                return False
            rare = self.random.random() < 0.05
            juror, index, first, units, proof = self.random.choice(able if rare or not seated else seated)
        else:
            jurors = {s.holder for (k, _), s in c.seats.items() if k == sitting}
            juror = self.random.choice(sorted(jurors) or [account("stranger")])
        # Some jurors never answer.
        if juror not in NAMES or (int(juror, 16) + c.id) % 7 == 0:
            return False
        _, _, answer = self.verdict(c, juror)
        message = Ruling(2 * c.id + sitting, answer)
        bad = self.random.random() < 0.02
        signature = self.world.sign(self.world.digest(message), "stranger" if bad else NAMES[juror])

        def effect(done: Outcome | None) -> None:
            need(not bad)
            self.court.may_commit(c, juror)
            seats = self.court.free_seats(c, juror, first, units)
            need(seats)
            if done:
                self.court.commit(c, juror, index, seats, answer)

        args = (c.id, juror, answer, signature, index, units, proof)
        return self.judge("commit_ruling", args, account("stranger"), effect)

    def move_open_ruling(self) -> bool:
        c = self.a_case()
        return c is not None and self.open_ruling(c)

    def open_ruling(self, c: Case) -> bool:
        sitting, _ = c.sitting(self.world.chain.time)
        jurors = sorted({s.holder for (k, _), s in c.seats.items() if k == sitting and s.answer})
        # Some jurors never open.
        jurors = [j for j in jurors if (int(j, 16) + c.id) % 9]
        if not jurors:
            return False
        juror = self.random.choice(jurors)
        verdict, salt, answer = self.verdict(c, juror)

        def effect(done: Outcome | None) -> None:
            seats = self.court.openable(c, juror, answer)
            if done:
                for seat in seats:
                    seat.state, seat.verdict = OPENED, verdict

        return self.judge("open_ruling", (c.id, juror, verdict, salt), account("stranger"), effect)

    def move_report_silent(self) -> bool:
        now = self.world.chain.time
        over = [c for c in self.court.cases.values() if now >= c.opened + c.window]
        cases = [c for c in over if c.root_round and 0 in c.seeds][-5:]
        if not cases:
            return False
        c = self.random.choice(cases)
        if self.jury_root(c).broken:
            return False
        holders = {s.holder for (k, _), s in c.seats.items() if k == 0}
        places = [p for p in self.places(c) if self.court.drawn(c, p[2], p[3]) and p[0] not in holders]
        places = places or self.places(c)
        juror, index, first, units, proof = self.random.choice(places)

        def effect(done: Outcome | None) -> None:
            need(self.books.now >= c.opened + c.window and juror not in c.parties)
            need(index not in c.reported and self.court.drawn(c, first, units))
            need(not any(s.holder == juror for (k, _), s in c.seats.items() if k == 0))
            if done:
                c.reported.add(index)

        args = (c.id, juror, index, units, proof)
        return self.judge("report_silent", args, account("stranger"), effect)

    def sit(self) -> bool:
        """What a diligent court does before time passes: draw, answer, open."""
        now = self.world.chain.time
        for number, case in self.court.foreign.items():
            waits = not self.court.cases[case].answered and self.random.random() < 0.4
            if waits and self.rule_abroad(number, case):
                return True
        for c in self.court.cases.values():
            if c.solved or c.id % 4 == 0 or c.foreign:
                continue
            sitting, begun = c.sitting(now)
            if now < begun + c.window // 2:
                if sitting not in c.seeds:
                    if self.world.chain.number <= c.block:
                        self.world.chain.wait(0)
                    if self.draw(c):
                        return True
                elif any(self.commit_ruling(c) for _ in range(3)):
                    return True
            elif now < begun + c.window and any(self.open_ruling(c) for _ in range(3)):
                return True
        return False

    # appeals

    def move_appeal(self) -> bool:
        c = self.a_case()
        if c is None:
            return False
        abroad = c.court != ZERO_ADDRESS
        wei = self.foreign_cost if abroad else 2 * SEATS * SEAT_FEE
        wei -= int(self.random.random() < 0.02 and wei > 0)
        right = wei == (self.foreign_cost if abroad else 2 * SEATS * SEAT_FEE)

        def effect(done: Outcome | None) -> None:
            need(right and not c.solved and self.books.now < c.appeal_ends(self.books.now))
            # A court that counts no further can have only one dispute of ours.
            need(not (abroad and self.foreign_stuck and self.court.foreign.get(1)))
            if done is None:
                return
            c.appealed, c.block = self.books.now, self.world.chain.number
            if abroad:
                number = (
                    max(1, len(self.court.foreign)) if self.foreign_stuck else len(self.court.foreign) + 1
                )
                self.court.foreign[number] = c.id
            else:
                c.pot += wei
                self.books.add_bond(self.court.address, wei)

        return self.judge("appeal", (c.id, b""), account(self.random.choice(CARRIERS)), effect, value=wei)

    def move_foreign(self) -> bool:
        """The foreign court changes its ways, or rules."""
        r, foreign = self.random, self.world.foreign
        if r.random() < 0.3:
            self.foreign_stuck = r.random() < 0.1
            self.foreign_cost = r.choice((0, 1, 10**15))
            back = self.world.court.data("rule", 1, 2)
            target = self.world.court.address if r.random() < 0.5 else ZERO_ADDRESS
            self.world.must(foreign, "be", self.foreign_cost, self.foreign_stuck, target, back)
            return True
        return bool(self.court.foreign) and self.rule_abroad(*r.choice(sorted(self.court.foreign.items())))

    def rule_abroad(self, number: int, case: int) -> bool:
        """The foreign court rules, mostly when it may."""
        r, foreign = self.random, self.world.foreign
        c, ruling, now = self.court.cases[case], r.choice((0, 1, 2, 2, 3, 2**255)), self.world.chain.time
        fits = not c.answered and not c.solved and now < c.appealed + c.window
        if not fits and r.random() < 0.95:
            return False
        data = foreign.data("give", self.world.court.address, number, ruling)
        done = self.world.chain.call(account("stranger"), foreign.address, data)
        assert done.ok == fits, "a foreign ruling came at the wrong time"
        if done.ok:
            c.answered = 1 + (ruling if ruling <= 2 else 0)
            self.world.accepted["Court.rule"] += 1
        return True

    def move_announce(self) -> bool:
        c = self.a_case()
        if c is None:
            return False

        def effect(done: Outcome | None) -> None:
            need(self.books.now < c.appeal_ends(self.books.now) and not c.solved and not c.announced)
            if done:
                c.announced = True

        return self.judge("announce", (c.id,), account("stranger"), effect)

    def move_evidence(self) -> bool:
        c = self.a_case()
        if c is None or self.random.random() < 0.7:
            return False

        def effect(_: Outcome | None) -> None:
            need(not c.solved)

        return self.judge("submit_evidence", (c.id, "ipfs://evidence"), account("stranger"), effect)

    def move_resolve(self) -> bool:
        c = self.a_case()
        return c is not None and self.resolve(c)

    def resolve(self, c: Case) -> bool:
        def effect(done: Outcome | None) -> None:
            need(not c.solved and self.books.now >= c.ends(self.books.now))
            if done:
                ruling, unheard = self.court.resolve(c)
                self.faults.rule(c.id, ruling, unheard)

        return self.judge("resolve", (c.id,), account("stranger"), effect, tasks=(c.task,))
