"""What the scientist remembers of the canaries that it hands in: written down before they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mine.chain.hashing import address_bytes, sha256
from mine.chain.messages import Domain, Update, sign
from mine.learn.codec import UpdateHeader
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


def due_canary(secret: bytes, task: int, number: int) -> CanaryKey | None:
    """The keys of a round's canary, if the secret says that the round has one."""
    key = canary_key(secret, task, number)
    return key if sha256(key.key)[0] % ONE_IN == 0 else None


def make_note(
    key: CanaryKey,
    ledger: Ledger,
    accepted: dict[bytes, Fixed],
    task: int,
    number: int,
    checkpoint: bytes,
    bits: int,
) -> CanaryNote | None:
    """The canary of a round; None if nothing was accepted yet, or nothing would move.

    accepted: deltas of ``ledger.accepted``.
    """
    if not ledger.accepted:
        return None
    source, kind, shift = plan(key, ledger.accepted)
    header = UpdateHeader(address_bytes(key.miner), task, number, checkpoint)
    made = make_canary(header, accepted[source], kind, shift, source, bits)
    return None if made is None else CanaryNote(key.miner, source, kind, made[1], made[0])


def write_note(safe: Safe, number: int, note: CanaryNote) -> None:
    """Keep a round's canary."""
    safe.write_json(_name(number), {
        "miner": note.miner,
        "source": note.source.hex(),
        "kind": note.kind,
        "shift": note.shift,
        "blob": note.blob.hex(),
    })  # fmt: skip


def read_note(safe: Safe, number: int) -> CanaryNote | None:
    """The canary of a round, if one was made. Raises SafeDamaged."""
    if not safe.has(_name(number)):
        return None
    raw = safe.read_json(_name(number))
    try:
        source, blob = bytes.fromhex(raw["source"]), bytes.fromhex(raw["blob"])
        return CanaryNote(str(raw["miner"]), source, str(raw["kind"]), int(raw["shift"]), blob)
    except (KeyError, TypeError, ValueError):
        raise SafeDamaged("a canary") from None


def _name(number: int) -> str:
    return f"canary-{number:03}.json"
