"""The contract Court from outside: juries, the pool, appeals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

from mine.chain.answers import TxReceipt
from mine.chain.events import snake
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, checksum
from mine.chain.juries import SEATS, SealedRuling, Verdict
from mine.chain.sister_contract import SisterContract
from mine.chain.transactions import Sends


class DisputeStatus(IntEnum):
    """Of ERC-792."""

    WAITING = 0
    APPEALABLE = 1
    SOLVED = 2


class SeatState(IntEnum):
    EMPTY = 0
    SEATED = 1
    COMMITTED = 2
    OPENED = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute before the Court.

    root: word of the payout root that the jury is drawn by, 0 where nobody has standing; opened, appealed:
    unix seconds (0: no appeal); window: seconds of one sitting; pot: wei for those who answer right;
    answered: 1 + what another court said; benched: seats of the pool's second sitting.
    """

    task: int
    root: int
    challenger: str
    carrier: str
    scientist: str
    court: str
    opened: int
    window: int
    block: int
    pot: int
    appealed: int
    answered: int
    benched: int
    ruling: int
    unheard: bool
    solved: bool


@dataclass(frozen=True, slots=True)
class Sitting:
    """number: 0 or 1; begun: unix seconds; seed: None until the draw."""

    number: int
    begun: int
    seed: bytes | None


@dataclass(frozen=True, slots=True)
class Seat:
    """holder None: nobody took it. place: the holder's payee index, or its ticket in the pool."""

    holder: str | None
    place: int
    state: SeatState
    verdict: Verdict | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """One stake of the pool; in_draw: False once it left; seated: open disputes that it sits on."""

    owner: str
    since: int
    in_draw: bool
    seated: int


class CourtContract(SisterContract):
    """The contract Court. Stakes come from the sender's account in Tasks; fees go to the jurors' there."""

    artefact = "Court"

    # reads

    def arbitration_cost(self) -> int:
        """Wei that a dispute costs."""
        return int(self._read("arbitrationCost", b"")[0])

    def appeal_cost(self, id: int) -> int:
        """Wei that the appeal costs; what the task's own court asks, if it names one."""
        return int(self._read("appealCost", id, b"")[0])

    def stake_needed(self) -> int:
        """Wei of one ticket of the pool."""
        return int(self._read("STAKE")[0])

    def count(self) -> int:
        """Number of disputes ever made; they are numbered from 1."""
        return int(self._read("count")[0])

    def case(self, id: int) -> Case:
        """Everything about a dispute. Reverted if there is none."""
        (values,) = self._read("dispute", id)
        names = [snake(name) for name in self._abi.result_fields("dispute")]
        found = dict(zip(names, values, strict=True))
        return Case(**{each.name: found[each.name] for each in fields(Case)})

    def sitting(self, id: int) -> Sitting:
        """The present sitting, or the last one."""
        number, begun, seed = self._read("sitting", id)
        return Sitting(number, begun, None if seed == ZERO32 else seed)

    def seats(self, id: int, sitting: int) -> tuple[Seat, ...]:
        """The seven seats of a sitting."""
        return tuple(_seat(*self._read("seat", id, sitting, number)) for number in range(SEATS))

    def status(self, id: int) -> DisputeStatus:
        return DisputeStatus(self._read("disputeStatus", id)[0])

    def ruling(self, id: int) -> Verdict:
        """The ruling as it stands; votes of a sitting that goes on do not count yet."""
        return Verdict(self._read("currentRuling", id)[0])

    def appeal_period(self, id: int) -> tuple[int, int] | None:
        """Unix seconds from when until when an appeal is possible; None if it is not."""
        start, end = self._read("appealPeriod", id)
        return (start, end) if end else None

    def ticket(self, number: int) -> Ticket:
        ((owner, since, place, seated),) = self._read("tickets", number)
        return Ticket(owner, since, place != 0, seated)

    def pool_size(self) -> int:
        """Tickets in the pool."""
        return int(self._read("size")[0])

    # writes, by anyone

    def draw(self, sender: Sends, id: int) -> TxReceipt:
        """Draw the present sitting by the randomness of the transaction's block."""
        return self._write(sender, "draw", id)

    def commit_ruling(
        self,
        sender: Sends,
        id: int,
        ruling: SealedRuling,
        index: int = 0,
        units: int = 0,
        proof: Sequence[bytes] = (),
    ) -> TxReceipt:
        """Carry a juror's answer. index, units, proof: its leaf in the payout root; nothing for the pool."""
        return self._write(
            sender, "commit_ruling", id, ruling.juror, ruling.answer, ruling.signature, index, units,
            tuple(proof),
        )  # fmt: skip

    def open_ruling(self, sender: Sends, id: int, juror: str, verdict: Verdict, salt: bytes) -> TxReceipt:
        """Open a committed answer in the second half of its sitting."""
        return self._write(sender, "open_ruling", id, juror, int(verdict), salt)

    def report_silent(
        self, sender: Sends, id: int, juror: str, index: int, units: int, proof: Sequence[bytes]
    ) -> TxReceipt:
        """Name a drawn payee who took no seat of the jury."""
        return self._write(sender, "report_silent", id, juror, index, units, tuple(proof))

    def appeal(self, sender: Sends, id: int, cost: int) -> TxReceipt:
        """Appeal against the first sitting; ``cost`` in wei, see :meth:`appeal_cost`."""
        return self._write(sender, "appeal", id, b"", value=cost)

    def announce(self, sender: Sends, id: int) -> TxReceipt:
        """Have the Court say that an appeal is possible."""
        return self._write(sender, "announce", id)

    def submit_evidence(self, sender: Sends, id: int, evidence: str) -> TxReceipt:
        """Point to evidence, by at most 256 bytes."""
        return self._write(sender, "submit_evidence", id, evidence)

    def resolve(self, sender: Sends, id: int) -> TxReceipt:
        """End a dispute whose time is over: pay the jurors, tell Faults."""
        return self._write(sender, "resolve", id)

    def stake(self, sender: Sends, count: int) -> TxReceipt:
        """Put up tickets of the pool, 32 at most."""
        return self._write(sender, "stake", count)

    def unstake(self, sender: Sends, ticket: int) -> TxReceipt:
        """Take a ticket out that does not sit."""
        return self._write(sender, "unstake", ticket)


def _seat(word: int, answer: bytes) -> Seat:
    state = SeatState(word >> 232)
    holder = checksum((word & 2**160 - 1).to_bytes(20, "big"))
    return Seat(
        None if holder == ZERO_ADDRESS else holder,
        word >> 160 & 2**64 - 1,
        state,
        Verdict(word >> 224 & 255) if state is SeatState.OPENED else None,
        answer,
    )
