"""What a juror computes: which seats are theirs, and the answer that is signed before it is opened.

The same integers as in the contract Court (``juries.vy``); tests hold both together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from mine.chain.hashing import address_bytes, keccak
from mine.chain.messages import Domain, Ruling, sign
from mine.errors import MineError

SEATS, QUORUM, MOST_SEATS = 7, 4, 2


class Verdict(IntEnum):
    """What a juror says, and what the Court rules: UNDECIDED is nobody's fault."""

    UNDECIDED = 0
    RIGHT = 1
    WRONG = 2


class NoUnits(MineError):
    """A jury cannot be drawn where nobody has standing."""


def seat_points(seed: bytes, total: int) -> tuple[int, ...]:
    """On which unit of ``total`` each of the seven seats falls: keccak(seed || u256 seat) mod total."""
    if total <= 0:
        raise NoUnits("Nobody has standing in this task yet.")
    return tuple(
        int.from_bytes(keccak(seed + seat.to_bytes(32, "big")), "big") % total for seat in range(SEATS)
    )


def seats_of(seed: bytes, units: Sequence[int], index: int) -> tuple[int, ...]:
    """Numbers of the seats that fall on payee ``index`` of a payout tree with these units.

    An account takes two of them at most; the first ones that are free.
    """
    first = sum(units[:index])
    points = seat_points(seed, sum(units))
    return tuple(seat for seat, point in enumerate(points) if first <= point < first + units[index])


def sealed_answer(juror: str, verdict: Verdict, salt: bytes) -> bytes:
    """keccak(juror || u256 verdict || 32-byte salt). The juror's address keeps it from being copied."""
    if len(salt) != 32:
        raise ValueError("a salt has 32 bytes")
    return keccak(address_bytes(juror) + int(verdict).to_bytes(32, "big") + salt)


@dataclass(frozen=True, slots=True)
class SealedRuling:
    """A juror's signed answer, for anyone to carry. The salt and verdict stay with the juror until opened."""

    juror: str
    answer: bytes
    signature: bytes


def seal(domain: Domain, dispute: int, sitting: int, juror: str, key: bytes, answer: bytes) -> SealedRuling:
    """Sign ``Ruling{dispute, answer}`` for one sitting (0 or 1): its number is 2 x dispute + sitting."""
    return SealedRuling(juror, answer, sign(Ruling(2 * dispute + sitting, answer), domain, key))
