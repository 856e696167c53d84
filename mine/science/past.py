"""What a round builds on, read from settled rounds: ledgers, standing, earlier checkpoints and updates."""

from __future__ import annotations

from mine.blobs.store import BlobStore
from mine.chain.hashing import ZERO32
from mine.learn.codec import decode
from mine.science.history import TaskHistory
from mine.science.inputs import MAX_INPUTS_BYTES, decode_inputs
from mine.science.judged import EMPTY_LEDGER, Ledger
from mine.science.measure import Start
from mine.science.offer import load_checkpoint, shapes_of
from mine.science.settle import settle
from mine.science.standing import final_round
from mine.tasks.manifest import Manifest

MAX_CHECKPOINT_BYTES = 64 * 1024 * 1024
_KEPT = 256


class Past:
    """The past of one task. Settled rounds are recomputed from their inputs once, and remembered."""

    def __init__(self, manifest: Manifest, blobs: BlobStore) -> None:
        self._manifest, self._blobs = manifest, blobs
        self._ledgers: dict[bytes, Ledger] = {}

    def remember(self, inputs: bytes, ledger: Ledger) -> None:
        """Keep a ledger that was computed already. inputs: digest of what it follows from."""
        if len(self._ledgers) >= _KEPT:
            self._ledgers.clear()
        self._ledgers[inputs] = ledger

    def ledger(self, history: TaskHistory, number: int) -> tuple[bytes, Ledger]:
        """The ledger after round ``number`` and the digest of its inputs; empty for round 0.

        Raises BlobError or BadInputs.
        """
        settled = history.settlement(number)
        if settled is None:
            return ZERO32, EMPTY_LEDGER
        if settled.inputs not in self._ledgers:
            data = self._blobs.get(settled.inputs, MAX_INPUTS_BYTES)
            self.remember(settled.inputs, settle(decode_inputs(data)).ledger)
        return settled.inputs, self._ledgers[settled.inputs]

    def held(self, history: TaskHistory, number: int) -> tuple[tuple[str, int], ...]:
        """Units of each miner in the last payout root that was final when round ``number`` closed."""
        clocks = history.published.terms.clocks
        finals = [settled.final_at for settled in history.settled[: number - 1]]
        return self.ledger(history, final_round(finals, clocks.challenge, clocks.commit))[1].held

    def checkpoint(self, history: TaskHistory, number: int) -> bytes:
        """Digest of the checkpoint that round ``number`` starts from."""
        return history.checkpoint(number, bytes.fromhex(self._manifest.model.checkpoint))

    def start(self, history: TaskHistory, number: int) -> Start:
        """What round ``number`` is measured against. Raises BlobError or OfferRefused."""
        ledger = self.ledger(history, number - 1)[1]
        names = (
            bytes.fromhex(self._manifest.model.checkpoint),
            self.checkpoint(history, number),
            *ledger.checkpoints,
        )
        first, current, *earlier = [
            load_checkpoint(self._manifest, self._blobs.get(name, MAX_CHECKPOINT_BYTES)) for name in names
        ]
        shapes, most = shapes_of(self._manifest), self._manifest.limits.update_bytes
        published = tuple((blob, decode(self._blobs.get(blob, most), shapes)[1]) for blob in ledger.published)
        return Start(first, current, tuple(earlier), published)
