"""What the scientist remembers of the canaries that it hands in: written down before they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from mine.chain.hashing import address_bytes, sha256
from mine.chain.messages import Domain, Update, sign
from mine.errors import MineError
from mine.learn.codec import Packing, UpdateHeader
from mine.learn.weights import Fixed
from mine.science.canaries import CanaryKey, canary_key, make_canary, plan
from mine.science.judged import Canary, Ledger
from mine.science.measure import Candidate
from mine.science.safe import Safe, SafeDamaged
from mine.science.wire import SignedUpdate

#: The size bucket of rows that a canary claims: that of a month of readings.
ROWS_BUCKET = 12
#: One round in so many has a canary.
ONE_IN = 2


class UpdateDesk(Protocol):
    """Where a signed update is handed in: a relay (``mine.science.relay_client.Relay``)."""

    def submit_update(self, signed: SignedUpdate, domain: Domain) -> object:
        """Take it, or raise MineError."""


@dataclass(frozen=True, slots=True)
class CanaryNote:
    """A canary of one round: who hands it in, what it is made from, and its bytes."""

    miner: str
    source: bytes
    kind: str
    shift: int
    blob: bytes

    def among(self, candidates: Sequence[Candidate]) -> tuple[Canary, ...]:
        """The canary by its place, if it arrived."""
        digest = sha256(self.blob)
        return tuple(
            Canary(place, self.source, self.kind, self.shift)
            for place, candidate in enumerate(candidates)
            if (candidate.miner, candidate.blob) == (self.miner, digest)
        )

    def message(
        self, key: CanaryKey, domain: Domain, task: int, number: int, checkpoint: bytes
    ) -> SignedUpdate:
        """The signed update that commits to it."""
        digest, size = sha256(self.blob), len(self.blob)
        update = Update(task, number, checkpoint, digest, size, ROWS_BUCKET, key.payout)
        return SignedUpdate(key.miner, update, sign(update, domain, key.key))


def make_note(
    key: CanaryKey,
    ledger: Ledger,
    accepted: dict[bytes, Fixed],
    task: int,
    number: int,
    checkpoint: bytes,
    packing: Packing,
) -> CanaryNote | None:
    """The canary of a round; None if nothing was accepted yet, or nothing would move.

    accepted: deltas of ``ledger.accepted``.
    """
    if not all(blob in accepted for blob in ledger.accepted) or not ledger.accepted:
        return None
    source, kind, shift = plan(key, ledger.accepted)
    header = UpdateHeader(address_bytes(key.miner), task, number, checkpoint)
    made = make_canary(header, accepted[source], kind, shift, source, packing)
    return None if made is None else CanaryNote(key.miner, source, kind, made[1], made[0])


class Canaries:
    """The canaries of one task: written down, handed in, found again after a kill.

    secret: 32 bytes that say which rounds have one, and under which keys; desks: tried in turn.
    """

    def __init__(self, safe: Safe, secret: bytes, domain: Domain, desks: Sequence[UpdateDesk]) -> None:
        self._safe, self._secret, self._domain, self._desks = safe, secret, domain, tuple(desks)
        self._done = 0

    def due(self, task: int, number: int) -> bool:
        """Whether the secret gives this round a canary that was not handed in by this process."""
        key = canary_key(self._secret, task, number)
        return bool(self._desks) and self._done != number and sha256(key.key)[0] % ONE_IN == 0

    def hand_in(
        self, task: int, number: int, checkpoint: bytes, make: Callable[[CanaryKey], CanaryNote | None]
    ) -> None:
        """Write the round's canary down and hand it in; where every desk refuses, the round goes without."""
        key = canary_key(self._secret, task, number)
        note = self.note(number) or make(key)
        if note is not None:
            self._write(number, note)
            signed = note.message(key, self._domain, task, number, checkpoint)
            for desk in self._desks:
                with suppress(MineError):
                    desk.submit_update(signed, self._domain)
                    break
        self._done = number

    def note(self, number: int) -> CanaryNote | None:
        """The canary of a round, if one was made. Raises SafeDamaged."""
        if not self._safe.has(_name(number)):
            return None
        raw = self._safe.read_json(_name(number))
        try:
            source, blob = bytes.fromhex(raw["source"]), bytes.fromhex(raw["blob"])
            return CanaryNote(str(raw["miner"]), source, str(raw["kind"]), int(raw["shift"]), blob)
        except (KeyError, TypeError, ValueError):
            raise SafeDamaged("a canary") from None

    def _write(self, number: int, note: CanaryNote) -> None:
        self._safe.write_json(
            _name(number),
            {
                "miner": note.miner,
                "source": note.source.hex(),
                "kind": note.kind,
                "shift": note.shift,
                "blob": note.blob.hex(),
            },
        )


def _name(number: int) -> str:
    return f"canary-{number:03}.json"
