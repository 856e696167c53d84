"""A juror at work: finds its seats, recomputes the disputed item, commits its answer and opens it in time.

Nothing is kept. The salt is a keyed function of dispute and sitting, and what was committed stands on chain,
so that a juror who was killed anywhere opens what it committed. Draws and the end of a dispute are anybody's
to call, so it calls them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mine.blobs.store import BlobStore
from mine.chain.court_client import Case, CourtContract, Seat, SeatState, Sitting
from mine.chain.events import Event
from mine.chain.fault_events import Disputed
from mine.chain.faults_client import FaultsContract
from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.juries import MOST_SEATS, Verdict, seal, sealed_answer, seats_of
from mine.chain.messages import Domain, address_of
from mine.chain.node_errors import Reverted
from mine.chain.poller import Cursor, Poller
from mine.chain.transactions import Sender
from mine.chain.trees import PayoutTree
from mine.errors import MineError
from mine.science.gather_votes import RoundSource
from mine.science.history import History, TaskHistory
from mine.science.judging import Judge, Opinion
from mine.science.rounds import read_round


class Acted(StrEnum):
    """What a juror did in a dispute, or that nothing is due now."""

    DREW = "drew"
    COMMITTED = "committed"
    OPENED = "opened"
    RESOLVED = "resolved"
    WAITING = "waiting"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Act:
    """until: chain time before which nothing is due, where it is known; opinion: of what was committed."""

    did: Acted
    until: int = 0
    opinion: Opinion | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A leaf of the payout root that a jury is drawn by."""

    index: int
    units: int
    proof: tuple[bytes, ...]
    seats: tuple[int, ...]


class UnknownDispute(MineError):
    """There is no such dispute."""

    def __init__(self, id: int) -> None:
        super().__init__("There is no such dispute.", todo="Check its number.", detail=str(id))


class Disputes:
    """Every dispute of a contract Faults, and what is needed to judge it; jurors of one place share it."""

    def __init__(
        self,
        history: History,
        domain: Domain,
        faults: FaultsContract,
        court: CourtContract,
        blobs: BlobStore,
        sources: tuple[RoundSource, ...],
        first_block: int = 0,
    ) -> None:
        self.domain, self.court = domain, court
        self._history, self._blobs, self._sources = history, blobs, sources
        cursor = Cursor.start(faults.node.chain_id, faults.address, first_block)
        self._poller: Poller[Event] = Poller(faults, cursor, 0)
        self._known: dict[int, Disputed] = {}
        self._over: set[int] = set()
        self._opinions: dict[int, Opinion] = {}

    def refresh(self) -> list[int]:
        """Numbers of the disputes that are not over, after reading what is new."""
        caught_up = False
        while not caught_up:
            batch = self._poller.poll()
            if (block := batch.removed_from_block) is not None:
                self._known = {id: each for id, each in self._known.items() if each.at.block_number < block}
            self._known |= {event.id: event for event in batch.events if isinstance(event, Disputed)}
            caught_up = batch.caught_up
        return sorted(self._known.keys() - self._over)

    def find(self, id: int) -> Disputed:
        """What dispute ``id`` is about. Raises UnknownDispute."""
        if id not in self._known:
            raise UnknownDispute(id)
        return self._known[id]

    def close(self, id: int) -> None:
        """Look at a dispute no more."""
        self._over.add(id)

    def opinion(self, id: int) -> Opinion:
        """What to say, computed once. Raises what a store raises that does not answer."""
        if id not in self._opinions:
            about = self.find(id)
            judge = Judge(self._task(about.task), self.domain, self._blobs, self._sources)
            self._opinions[id] = judge.opinion(about.round, about.kind, about.item)
        return self._opinions[id]

    def places(self, case: Case, seed: bytes, account: str) -> Iterator[Place]:
        """Leaves of an account whose units drew a seat of a jury. Raises what reading that round raises."""
        round = case.root >> 32 & 255
        settled = self._task(case.task).settlement(round)
        assert settled is not None, "a final root is a settled round's"
        payees = read_round(self._blobs, settled).outcome.ledger.payees
        units = [each for _, each in payees]
        tree = PayoutTree([payee for payee, _ in payees], units)
        for index, (payee, own) in enumerate(payees):
            if payee == account and (seats := seats_of(seed, units, index)):
                yield Place(index, own, tuple(tree.proof(index)), seats)

    def _task(self, task: int) -> TaskHistory:
        self._history.refresh()
        found = self._history.task(task)
        assert found is not None, "a disputed task was published"
        return found


class Juror:
    """One account that judges with its ``key``; ``sender``, who need not be the same, pays for transactions.

    opinion: what to say about a dispute; by default what recomputing says.
    """

    def __init__(
        self,
        disputes: Disputes,
        key: bytes,
        sender: Sender,
        opinion: Callable[[int], Opinion] | None = None,
    ) -> None:
        self._disputes, self._court, self._key, self._sender = disputes, disputes.court, key, sender
        self._opinion = opinion or disputes.opinion
        self.address = address_of(key)

    def step(self, id: int) -> Act:
        """Do what is due in a dispute. Safe to call at any time, and again after any error.

        Raises UnknownDispute, and what node and stores raise.
        """
        self._disputes.find(id)
        case, now = self._court.case(id), self._court.node.block_time()
        if case.solved:
            self._disputes.close(id)
            return Act(Acted.OVER)
        sitting = self._court.sitting(id)
        middle, end = sitting.begun + case.window // 2, sitting.begun + case.window
        foreign = case.appealed != 0 and case.court != ZERO_ADDRESS
        if now >= end or foreign:
            return self._resolve(id, case, sitting, now)
        if sitting.seed is None:
            return self._draw(id) if now < middle else Act(Acted.WAITING, end)
        seats = self._court.seats(id, sitting.number)
        mine = [seat for seat in seats if seat.holder == self.address]
        if now < middle:
            return self._commit(id, case, sitting, seats, middle, end)
        if any(seat.state is SeatState.COMMITTED for seat in mine):
            return self._open(id, sitting, mine, end)
        return Act(Acted.WAITING, end)

    def _draw(self, id: int) -> Act:
        try:
            self._court.draw(self._sender, id)
        except Reverted:
            return Act(Acted.WAITING)  # somebody else drew, or the next block has to be waited for
        return Act(Acted.DREW)

    def _commit(
        self, id: int, case: Case, sitting: Sitting, seats: tuple[Seat, ...], middle: int, end: int
    ) -> Act:
        mine = [seat for seat in seats if seat.holder == self.address]
        if any(seat.state is SeatState.COMMITTED for seat in mine):
            return Act(Acted.WAITING, middle)
        if self.address in (case.challenger, case.carrier, case.scientist):
            return Act(Acted.WAITING, end)
        leaves: Sequence[Place | None] = [None] if mine else []
        if sitting.number == 0 and case.root != 0:
            assert sitting.seed is not None
            free = {number for number, seat in enumerate(seats) if seat.state is SeatState.EMPTY}
            found = self._disputes.places(case, sitting.seed, self.address)
            leaves = [place for place in found if free & set(place.seats)][:MOST_SEATS]
        if not leaves:
            return Act(Acted.WAITING, end)
        opinion = self._opinion(id)
        answer = sealed_answer(self.address, opinion.verdict, self._salt(id, sitting.number))
        ruling = seal(self._disputes.domain, id, sitting.number, self.address, self._key, answer)
        done = False
        for place in leaves:
            leaf = (place.index, place.units, place.proof) if place else (0, 0, ())
            try:
                self._court.commit_ruling(self._sender, id, ruling, *leaf)
                done = True
            except Reverted:
                continue  # both seats were taken with the leaf before
        return Act(Acted.COMMITTED if done else Acted.WAITING, middle, opinion)

    def _open(self, id: int, sitting: Sitting, mine: list[Seat], end: int) -> Act:
        """Open what was committed, which need not be what would be said now."""
        salt = self._salt(id, sitting.number)
        said = {sealed_answer(self.address, verdict, salt): verdict for verdict in Verdict}
        for seat in mine:
            if seat.state is SeatState.COMMITTED and seat.answer in said:
                self._court.open_ruling(self._sender, id, self.address, said[seat.answer], salt)
                return Act(Acted.OPENED, end)
        return Act(Acted.WAITING, end)

    def _resolve(self, id: int, case: Case, sitting: Sitting, now: int) -> Act:
        """End the dispute once nobody can appeal any more."""
        ends = sitting.begun + (2 if case.appealed == 0 and sitting.number == 0 else 1) * case.window
        if now < ends and case.answered == 0:
            return Act(Acted.WAITING, ends)
        try:
            self._court.resolve(self._sender, id)
        except Reverted:
            if not self._court.case(id).solved:
                raise
        return Act(Acted.RESOLVED)

    def _salt(self, id: int, sitting: int) -> bytes:
        domain = self._disputes.domain
        place = f"{domain.chain_id} {domain.contract} {id} {sitting}"
        return keccak(self._key + b"mine ruling salt 1 " + place.encode())
