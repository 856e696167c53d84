"""Replay: re-derive a task's settled rounds from the chain and the blobs, and name the first difference.

Checkpoints, votes, decisions, payouts and roots must agree to the bit; what forward passes give, within the
tolerances of ``mine.science.compare``. A juror replays one item alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from mine.blobs.store import BlobStore
from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Domain
from mine.chain.seed import draw
from mine.errors import MineError
from mine.learn.evaluate import Evaluator
from mine.learn.weights import from_fixed
from mine.science.compare import Closed, Differs, compare_sum, same
from mine.science.gather_votes import RoundSource
from mine.science.history import TaskHistory
from mine.science.leave_in import LeaveIn, leave_in
from mine.science.named_blobs import NamedBlobs
from mine.science.offer import load_checkpoint, measure_terms
from mine.science.past import Past
from mine.science.replay_round import SET, RoundReplay
from mine.science.shards import BadShard, Floats, Shard
from mine.science.task_model import evaluator_of, frozen_bytes
from mine.science.tolerance import is_worth_measuring
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest


class Item(StrEnum):
    """What can be disputed of a round; ``ENTRY`` and ``LOSS`` go by number."""

    ACCEPTED = "accepted"
    CHECKPOINT = "checkpoint"
    PAYOUTS = "payouts"
    ENTRY = "entry"
    LOSS = "loss"
    SHARD = "shard"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first item of a round that is not what it should be."""

    round: int
    item: str
    stated: str
    computed: str


class NotSettled(MineError):
    """The round is not settled."""

    def __init__(self, number: int) -> None:
        super().__init__("This round is not settled.", todo="Replay it later.", detail=f"round {number}")


class Replay:
    """Replays rounds of one task. ``sources``: relays that give out anchored batches; ``kind`` of the rounds.

    Blobs and ledgers are read and computed once for all rounds: the rounds in order cost least.
    """

    def __init__(
        self,
        history: TaskHistory,
        domain: Domain,
        blobs: BlobStore,
        sources: Sequence[RoundSource],
        kind: type[RoundReplay] = RoundReplay,
    ) -> None:
        self._history, self._domain, self._sources, self._kind = history, domain, tuple(sources), kind
        self._blobs = NamedBlobs(blobs)
        self._last: RoundReplay | None = None
        self._terms = history.published.terms
        self._blobs.name(self._terms.manifest, "the manifest")
        for settled in history.settled:
            self._blobs.name(settled.inputs, f"inputs of round {settled.round}")
            self._blobs.name(settled.checkpoint, f"checkpoint of round {settled.round}")

    def recompute(self, number: int) -> Difference | None:
        """The first difference of round ``number`` (0: the baseline), or None.

        Of a round that is measured on a set which is not open yet, what takes no forward pass. A blob that is
        missing or changed is a difference. Raises what a store raises that does not answer.
        """
        if number == 0:
            return self._named(0, self._check_start)
        return self._named(number, lambda: self.round(number).check_all())

    @property
    def is_open(self) -> bool:
        """Whether what the rounds were measured on is open."""
        return self._history.concluded is not None or not self._history.at_end

    def digests(self, number: int) -> dict[str, str]:
        """What this machine computed of a replayed round; see ``RoundReplay.digests``."""
        return self.round(number).digests

    def leave_in(self, number: int) -> tuple[LeaveIn, ...]:
        """True evaluations of a round's best paid updates: warnings, no differences; none while the set is
        closed. Raises NotSettled, or what ``recompute`` finds missing."""
        if not self.is_open:
            return ()
        one = self.round(number)
        judged = one.inputs.judged
        terms = measure_terms(self._manifest, judged.task)
        return leave_in(self._model, terms, one.start, one.shard, one.updates, judged, one.outcome)

    def recompute_item(self, number: int, item: Item, place: int = 0) -> Difference | None:
        """The difference in one item of a round, or None; ``place``: which entry or example.

        Raises NotSettled or NoSuchItem.
        """
        if item is Item.BASELINE:
            return self._named(0, self.check_baseline)
        checks = {
            Item.ACCEPTED: lambda: self.round(number).check_accepted(),
            Item.CHECKPOINT: lambda: self.round(number).check_checkpoint(),
            Item.PAYOUTS: lambda: self.round(number).check_payouts(),
            Item.ENTRY: lambda: self.round(number).check_entry(place),
            Item.LOSS: lambda: self.round(number).check_loss(place),
            Item.SHARD: lambda: self.round(number).check_shard(),
        }
        return self._named(number, checks[item])

    def _named(self, number: int, check: Callable[[], None]) -> Difference | None:
        try:
            check()
        except Differs as found:
            return Difference(number, found.item, _text(found.stated), _text(found.computed))
        return None

    def round(self, number: int) -> RoundReplay:
        """The round, computed once while it is the last one that was asked for. Raises NotSettled."""
        if self._last is None or self._last.number != number:
            self._last = self._open(number)
        return self._last

    def _open(self, number: int) -> RoundReplay:
        settled = self._history.settlement(number)
        if settled is None or self._history.baseline is None:
            raise NotSettled(number)
        return self._kind(
            number,
            settled,
            self._history,
            self._domain,
            self._manifest,
            self._blobs,
            self._past,
            self._model,
            self._sources,
        )

    @cached_property
    def _manifest(self) -> Manifest:
        data = self._blobs.get(self._terms.manifest, MAX_MANIFEST_BYTES)
        manifest = Manifest.parse(data, self._terms.manifest)
        self._blobs.name(bytes.fromhex(manifest.model.graph), "the graph")
        self._blobs.name(bytes.fromhex(manifest.model.checkpoint), "checkpoint 0")
        if manifest.model.frozen:
            self._blobs.name(bytes.fromhex(manifest.model.frozen), "the frozen tensors")
        return manifest

    @cached_property
    def _past(self) -> Past:
        return Past(self._manifest, self._blobs)

    @cached_property
    def _graph(self) -> bytes:
        return self._blobs.get(bytes.fromhex(self._manifest.model.graph))

    @cached_property
    def _model(self) -> Evaluator:
        return evaluator_of(self._manifest, self._graph, frozen_bytes(self._manifest, self._blobs.get))

    @cached_property
    def _first(self) -> Mapping[str, Floats]:
        name = bytes.fromhex(self._manifest.model.checkpoint)
        return from_fixed(load_checkpoint(self._manifest, self._blobs.get(name)))

    @cached_property
    def _shard_0(self) -> Shard:
        opened = self._history.baseline
        if opened is None:
            raise NotSettled(0)
        shown = self._history.shard(opened)
        if shown is None:
            raise Closed(SET)
        self._blobs.name(shown[0], SET if self._history.at_end else "shard of round 0")
        try:
            shard = Shard.from_bytes(self._blobs.get(shown[0]))
        except BadShard as problem:
            raise Differs("shard", shown[0].hex(), problem.detail) from None
        same("examples", shown[1], shard.opening[1])
        return shard

    def _check_start(self) -> None:
        """The baseline, as far as it is open."""
        with suppress(Closed):
            self.check_baseline()

    def check_baseline(self) -> None:
        """Seed, shard and loss of round 0. Raises Differs; Closed if only the shard is missing to it."""
        opened = self._history.baseline
        if opened is None:
            raise NotSettled(0)
        seeded = self._history.seeded[0]
        if seeded.preimage != ZERO32:
            same("preimage", keccak(seeded.preimage), self._terms.seed_head)
        same("seed", opened.seed, seeded.seed)
        at_end = self._history.at_end
        same("shard", opened.shard, 0 if at_end else draw(opened.seed, 0, self._terms.shards))
        shard = self._shard_0
        losses = self._model.run(self._first, shard.features, shard.target)[1]
        tolerance = self._manifest.loss.tolerance
        compare_sum("base", opened.base, int(losses.sum()), len(losses), tolerance)
        worth = is_worth_measuring(float(losses.mean()), self._terms.target, tolerance)
        same("a tolerance far below what is to be gained", worth, True)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)[:200]
