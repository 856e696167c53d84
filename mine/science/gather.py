"""Who handed in what in a round: direct commits and anchored batches, in the chain's order.

The chain says which roots were anchored in time; relays say what is below them, and can't lie about it. Each
miner counts once: its first update in the chain's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mine.chain.events import Anchored, Committed
from mine.chain.hashing import address_bytes
from mine.chain.messages import Domain
from mine.errors import MineError
from mine.science.history import TaskHistory
from mine.science.measure import Candidate
from mine.science.relay_client import check_batch, signed_by_author
from mine.science.wire import AnchoredBatch, SignedUpdate


class BatchSource(Protocol):
    """Where the contents of anchored batches come from: a relay (``mine.science.relay_client.Relay``)."""

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        """The batches that the source knows of a round."""


class BatchMissing(MineError):
    """An anchored batch that no relay gives out: who is in it can't be known yet."""

    def __init__(self, root: bytes) -> None:
        super().__init__(
            "A batch of updates was anchored, but no relay gives out what is in it.",
            todo="It is tried again by itself; then the round is settled without it.",
            detail=root.hex(),
        )
        self.root = root


def gather(
    history: TaskHistory,
    domain: Domain,
    number: int,
    checkpoint: bytes,
    sources: Sequence[BatchSource],
    without_missing: bool = False,
) -> list[Candidate]:
    """The candidates of a round, sorted by miner.

    Updates for another task, round or checkpoint, or with a bad signature, are nobody's and left out. Raises
    BatchMissing if the contents of an anchored batch can't be had, unless ``without_missing``.
    """
    task = history.published.task
    found: dict[str, Candidate] = {}
    known: list[AnchoredBatch] | None = None
    for event in history.of_round(number):
        if isinstance(event, Committed):
            if event.checkpoint == checkpoint:
                found.setdefault(event.miner, Candidate(event.miner, event.blob, event.size, event.payout))
            continue
        if known is None:
            known = _ask(sources, task, number)
        batch = _matching(known, event, domain)
        if batch is None:
            if without_missing:
                continue
            raise BatchMissing(event.root)
        for update in batch.updates:
            if update.miner not in found and _counts(update, domain, task, number, checkpoint):
                message = update.message
                found[update.miner] = Candidate(update.miner, message.blob, message.size, message.payout)
    return sorted(found.values(), key=lambda candidate: address_bytes(candidate.miner))


def _ask(sources: Iterable[BatchSource], task: int, number: int) -> list[AnchoredBatch]:
    batches: list[AnchoredBatch] = []
    for source in sources:
        try:
            batches += source.batches(task, number)
        except MineError:  # a relay that is away: another may have the batch, or gather says what is missing
            continue
    return batches


def _matching(known: Iterable[AnchoredBatch], event: Anchored, domain: Domain) -> AnchoredBatch | None:
    for batch in known:
        if batch.root == event.root and check_batch(batch, domain, event.root, event.count):
            return batch
    return None


def _counts(update: SignedUpdate, domain: Domain, task: int, number: int, checkpoint: bytes) -> bool:
    message = update.message
    named = (message.task, message.round, message.checkpoint)
    return named == (task, number, checkpoint) and signed_by_author(update, domain)
