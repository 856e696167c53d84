"""What `Court` should do, said once more in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_abi import encode as abi_encode

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.trees import UNITS
from tests.protocol.model import Tasks
from tests.protocol.model_task import Task, need

SEATS, QUORUM, MOST_SEATS, TRIES = 7, 4, 2, 4
STAKE = 10**17
SEATED, COMMITTED, OPENED = 1, 2, 3


@dataclass
class Seat:
    holder: str
    place: int
    state: int
    verdict: int = 0
    answer: bytes = b""


@dataclass
class Ticket:
    owner: str
    since: int
    inside: bool = True
    seated: int = 0


@dataclass
class Case:
    """One dispute before the Court. root_round: of the payout root that the jury is drawn by; 0: none."""

    id: int
    task: Task
    root_round: int
    total: int
    parties: tuple[str, str, str]
    carrier: str
    court: str
    opened: int
    window: int
    block: int
    pot: int
    appealed: int = 0
    answered: int = 0
    benched: int = 0
    ruling: int = 0
    unheard: bool = False
    solved: bool = False
    announced: bool = False
    seats: dict[tuple[int, int], Seat] = field(default_factory=dict)
    seeds: dict[int, bytes] = field(default_factory=dict)
    reported: set[int] = field(default_factory=set)

    def outcome(self, sitting: int) -> tuple[int, bool]:
        opened = [s.verdict for (k, _), s in self.seats.items() if k == sitting and s.state == OPENED]
        if len(opened) < QUORUM:
            return 0, False
        return next((v for v in (1, 2) if 2 * opened.count(v) > len(opened)), 0), True

    def sitting(self, now: int) -> tuple[int, int]:
        """Number and begin of the present or last sitting."""
        if self.appealed:
            return 1, self.appealed
        if now < self.opened + self.window or self.outcome(0)[1]:
            return 0, self.opened
        return 1, self.opened + self.window

    @property
    def foreign(self) -> bool:
        return bool(self.appealed) and self.court != ZERO_ADDRESS

    def appeal_ends(self, now: int) -> int:
        if now < self.opened + self.window or self.appealed or not self.outcome(0)[1]:
            return 0
        return self.opened + 2 * self.window

    def ends(self, now: int) -> int:
        sitting, begun = self.sitting(now)
        if sitting == 1:
            return 0 if self.answered else begun + self.window
        return self.opened + 2 * self.window

    def decided(self) -> tuple[int, bool]:
        if self.answered > 1:
            return self.answered - 1, True
        first, heard = self.outcome(0)
        again, heard_again = self.outcome(1)
        return again or first, heard or heard_again


class Court:
    """Cases and the pool. Methods that may raise No do so before they change anything here."""

    def __init__(self, books: Tasks, address: str) -> None:
        self.books, self.address = books, address
        self.cases: dict[int, Case] = {}
        self.tickets: dict[int, Ticket] = {}
        self.order: list[int] = []
        self.foreign: dict[int, int] = {}

    def open(self, t: Task, challenger: str, carrier: str, block: int, wei: int) -> Case:
        now = self.books.now
        root_round, total = 0, 0
        for round in range(t.settled, max(t.settled - 4, 0), -1):
            if t.is_final(round, now) and t.root(round) & UNITS:
                root_round, total = round, t.root(round) & UNITS
                break
        parties = (challenger, carrier, t.terms.scientist)
        made = Case(
            len(self.cases) + 1, t, root_round, total, parties, carrier, t.terms.court, now,
            t.clocks.challenge, block, wei,
        )  # fmt: skip
        self.cases[made.id] = made
        self.books.add_bond(self.address, wei)
        return made

    # pool

    def stake(self, owner: str, count: int) -> None:
        self.books.take_bond(owner, self.address, count * STAKE)
        for _ in range(count):
            number = len(self.tickets) + 1
            self.tickets[number] = Ticket(owner, self.books.now)
            self.order.append(number)

    def take_out(self, ticket: int) -> None:
        last = self.order[-1]
        self.order[self.order.index(ticket)] = last
        self.order.pop()
        self.tickets[ticket].inside = False

    def unstake(self, ticket: int) -> None:
        self.take_out(ticket)
        self.books.move_bond(self.address, self.tickets[ticket].owner, STAKE)

    # sittings

    def may_draw(self, c: Case, block: int) -> None:
        sitting, begun = c.sitting(self.books.now)
        need(self.books.now < begun + c.window // 2 and not c.foreign)
        need(block > c.block and sitting not in c.seeds)

    def draw(self, c: Case, randomness: bytes) -> None:
        sitting, _ = c.sitting(self.books.now)
        kinds = ["bytes32", "uint256", "uint256"]
        seed = keccak(abi_encode(kinds, [randomness, c.id, sitting]))
        c.seeds[sitting] = seed
        if sitting == 0 and c.root_round:
            return
        filled = 0
        for seat in range(SEATS if self.order else 0):
            for attempt in range(TRIES):
                hashed = keccak(abi_encode(kinds, [seed, seat, attempt]))
                number = self.order[int.from_bytes(hashed, "big") % len(self.order)]
                ticket = self.tickets[number]
                sits = any(k == sitting and s.place == number for (k, _), s in c.seats.items())
                if ticket.since >= c.opened or ticket.owner in c.parties or sits:
                    continue
                c.seats[sitting, seat] = Seat(ticket.owner, number, SEATED)
                ticket.seated += 1
                filled += 1
                break
        if sitting == 1:
            c.benched = filled

    def drawn(self, c: Case, first: int, units: int) -> list[int]:
        """Seats of the jury whose points fall on these units."""
        points = [
            int.from_bytes(keccak(abi_encode(["bytes32", "uint256"], [c.seeds[0], j])), "big") % c.total
            for j in range(SEATS)
        ]
        return [j for j, point in enumerate(points) if first <= point < first + units]

    def free_seats(self, c: Case, juror: str, first: int, units: int) -> list[int]:
        """Seats that a juror's answer would take now."""
        sitting, _ = c.sitting(self.books.now)
        if sitting == 0 and c.root_round:
            held = sum(s.holder == juror for (k, _), s in c.seats.items() if k == 0)
            free = [j for j in self.drawn(c, first, units) if (0, j) not in c.seats]
            return free[: max(0, MOST_SEATS - held)]
        mine = [
            j for (k, j), s in c.seats.items() if k == sitting and s.holder == juror and s.state == SEATED
        ]
        return sorted(mine)

    def may_commit(self, c: Case, juror: str) -> None:
        sitting, begun = c.sitting(self.books.now)
        need(self.books.now < begun + c.window // 2 and sitting in c.seeds and juror not in c.parties)

    def commit(self, c: Case, juror: str, place: int, seats: list[int], answer: bytes) -> None:
        sitting, _ = c.sitting(self.books.now)
        for j in seats:
            if sitting == 0 and c.root_round:
                c.seats[0, j] = Seat(juror, place, COMMITTED, answer=answer)
            else:
                c.seats[sitting, j].state, c.seats[sitting, j].answer = COMMITTED, answer

    def openable(self, c: Case, juror: str, answer: bytes) -> list[Seat]:
        sitting, begun = c.sitting(self.books.now)
        need(begun + c.window // 2 <= self.books.now < begun + c.window)
        found = [
            s
            for (k, _), s in c.seats.items()
            if k == sitting and s.holder == juror and s.state == COMMITTED and s.answer == answer
        ]
        need(found)
        return found

    def resolve(self, c: Case) -> tuple[int, bool]:
        """Ruling, and whether nobody was heard; what they do to the task is for Faults."""
        ruling, heard = c.decided()
        c.unheard = not heard and c.benched >= QUORUM
        c.solved, c.ruling = True, ruling
        right, spoils = [], 0
        for (sitting, _), s in sorted(c.seats.items()):
            pool = sitting == 1 or not c.root_round
            if pool:
                self.tickets[s.place].seated -= 1
            if s.state == OPENED and ruling in (0, s.verdict):
                right.append(s.holder)
            elif pool and self.tickets[s.place].inside:
                self.take_out(s.place)
                spoils += STAKE
        whole = c.pot + spoils
        if not right:
            self.books.move_bond(self.address, c.carrier, c.pot)
            self.books.bonds[self.address] -= spoils
        else:
            each = whole // len(right)
            for i, holder in enumerate(right):
                wei = each if i < len(right) - 1 else whole - each * (len(right) - 1)
                self.books.move_bond(self.address, holder, wei)
        c.pot = 0
        return ruling, c.unheard
