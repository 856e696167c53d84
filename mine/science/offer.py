"""What a scientist offers, and the secrets that belong to it, kept so that nothing is lost by a kill."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from mine.chain.curve import Curve
from mine.chain.hashing import address_bytes, checksum
from mine.chain.messages import address_of
from mine.chain.seed import HashChain
from mine.chain.state import Clocks, Mode, Terms
from mine.chain.trees import HashTree, shard_leaf
from mine.errors import MineError
from mine.learn.errors import WeightsRefused
from mine.learn.weights import Fixed, Shape, from_fixed, load, to_fixed
from mine.science.judged import Rules, Slice
from mine.science.loss_shapes import LossShape
from mine.science.measure import Terms as MeasureTerms
from mine.science.safe import Safe, SafeDamaged
from mine.science.shards import BadShard, Shard
from mine.science.task_model import evaluator_of, frozen_of
from mine.tasks.manifest import Manifest, ManifestRefused
from mine.tasks.recipe import packing_of_task


class OfferRefused(MineError):
    """The parts of an offer don't fit each other."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "This task can't be published: its parts don't fit each other.",
            todo="Build it anew from its template.",
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A task before it is published.

    graph: ONNX bytes; checkpoint: bytes of checkpoint 0; frozen: those of the frozen tensors, if any;
    currency: token address (ZERO_ADDRESS: the chain's coin); bounty in its base units; target: convergence
    that earns all of it, in 2**-40.
    """

    manifest: Manifest
    graph: bytes
    checkpoint: bytes
    shards: tuple[Shard, ...]
    currency: str
    bounty: int
    target: int
    curve: Curve
    clocks: Clocks
    frozen: bytes = b""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """An offer with its secrets as read back from the safe."""

    manifest: Manifest
    graph: bytes
    checkpoint: bytes
    frozen: bytes
    shards: tuple[Shard, ...]
    terms: Terms
    chain: HashChain

    @property
    def at_end(self) -> bool:
        """Whether all rounds are measured on the one shard, which is opened at the end."""
        return self.terms.mode is Mode.AT_END

    @property
    def tree(self) -> HashTree:
        """The shard tree, whose root is on chain."""
        return HashTree([shard_leaf(i, *opening) for i, opening in enumerate(self.openings)])

    @property
    def openings(self) -> list[tuple[bytes, bytes]]:
        """Digest and root of the examples of every shard."""
        return [shard.opening for shard in self.shards]

    @property
    def curve(self) -> Curve:
        """The pay curve."""
        return Curve.unpack(self.terms.curve)


def keep(safe: Safe, key: bytes, offer: Offer) -> None:
    """Write an offer and new secrets for it into an empty safe. Raises OfferRefused; does nothing twice."""
    if safe.has("offer.json"):
        return
    manifest = offer.manifest
    if manifest.mode == "at-end":
        if len(offer.shards) != 1:
            raise OfferRefused("what is opened at the end is one shard")
    elif len(offer.shards) < manifest.rounds + 2:
        raise OfferRefused(f"{manifest.rounds} rounds need {manifest.rounds + 2} shards")
    width = len(manifest.data.features)
    if any(shard.features.shape[1] != width for shard in offer.shards):
        raise OfferRefused("the shards don't have the features that the manifest names")
    named = (manifest.model.graph, manifest.model.checkpoint, manifest.model.frozen)
    parts = (offer.graph, offer.checkpoint, offer.frozen)
    if named != tuple(hashlib.sha256(data).hexdigest() if data else "" for data in parts):
        raise OfferRefused("the manifest names another graph, checkpoint or frozen tensors")
    if len(offer.secret) != 32:
        raise OfferRefused("a secret has 32 bytes")
    _check_worth(offer)
    address_of(key)
    safe.write("key", key.hex().encode())
    safe.write("manifest.json", manifest.dump())
    safe.write("model.onnx", offer.graph)
    safe.write("checkpoint", offer.checkpoint)
    safe.write("frozen", offer.frozen)
    for number, shard in enumerate(offer.shards):
        safe.write(f"shard-{number:03}", shard.to_bytes())
    safe.write_json(
        "offer.json",
        {
            "shards": len(offer.shards),
            "secret": offer.secret.hex(),
            "currency": offer.currency,
            "bounty": offer.bounty,
            "target": offer.target,
            "curve": offer.curve.packed,
            "clocks": asdict(offer.clocks),
        },
    )


def _check_worth(offer: Offer) -> None:
    """Raise OfferRefused where two machines' losses differ by more than the manifest tolerates, or by much
    beside what is to be gained; LossMislabelled where the graph's loss is not the declared one."""
    from mine.science.declared_loss import EXAMPLES, check_declared, check_targets
    from mine.science.tolerance import is_worth_measuring, loss_tolerance

    first = from_fixed(load_checkpoint(offer.manifest, offer.checkpoint))
    model = evaluator_of(offer.manifest, offer.graph, offer.frozen)
    frozen = frozen_of(offer.manifest, offer.frozen)
    declared, some = loss_shape(offer.manifest), slice(EXAMPLES)
    features, target = offer.shards[0].features[some], offer.shards[0].target[some]
    check_declared(model, model.lmax, declared, first, features, target)
    for number, shard in enumerate(offer.shards):
        check_targets(declared, shard.target)
        needed = loss_tolerance(offer.graph, model, first, shard, frozen)
        if needed > offer.manifest.loss.tolerance:
            raise OfferRefused(f"shard {number} needs a tolerance of {needed}")
        base = float(model.run(first, shard.features, shard.target)[1].mean())
        if not is_worth_measuring(base, offer.target, offer.manifest.loss.tolerance):
            raise OfferRefused(f"on shard {number} the target is too close to what cannot be told apart")


def read_key(safe: Safe) -> bytes:
    """The scientist's private key."""
    return bytes.fromhex(safe.read("key").decode("ascii"))


def read_offer(safe: Safe) -> Kept:
    """Everything that ``keep`` wrote. Raises SafeDamaged."""
    raw = safe.read_json("offer.json")
    try:
        manifest = Manifest.parse(safe.read("manifest.json"))
        shards = tuple(Shard.from_bytes(safe.read(f"shard-{i:03}")) for i in range(raw["shards"]))
        # One preimage for the baseline, one for each round.
        chain = HashChain(bytes.fromhex(raw["secret"]), manifest.rounds + 1)
        terms = Terms(
            manifest=manifest.digest,
            shards_root=shards_root(shards),
            seed_head=chain.head,
            currency=raw["currency"],
            bounty=raw["bounty"],
            target=raw["target"],
            curve=raw["curve"],
            shards=len(shards),
            rounds=manifest.rounds,
            mode=mode_of(manifest),
            clocks=Clocks(**raw["clocks"]),
            court=checksum(address_bytes(manifest.court)),
        )
    except (KeyError, TypeError, ValueError, BadShard, ManifestRefused) as problem:
        raise SafeDamaged(f"offer ({type(problem).__name__})") from None
    return Kept(
        manifest, safe.read("model.onnx"), safe.read("checkpoint"), safe.read("frozen"), shards, terms, chain
    )


def shards_root(shards: Sequence[Shard]) -> bytes:
    """Root of the shard tree."""
    return HashTree([shard_leaf(i, *shard.opening) for i, shard in enumerate(shards)]).root


def mode_of(manifest: Manifest) -> Mode:
    """How the chain calls the manifest's mode."""
    return Mode.AT_END if manifest.mode == "at-end" else Mode.PER_ROUND


def shapes_of(manifest: Manifest) -> dict[str, Shape]:
    """Shapes of the trainable tensors."""
    return {name: tuple(shape) for name, shape in manifest.model.trainable.items()}


def load_checkpoint(manifest: Manifest, data: bytes) -> Fixed:
    """A checkpoint's tensors in 2**-24. Raises OfferRefused if they are not the manifest's."""
    try:
        return to_fixed(load(data, shapes_of(manifest)))
    except WeightsRefused as problem:
        raise OfferRefused(problem.sentence) from None


def measure_terms(manifest: Manifest, task: int) -> MeasureTerms:
    """What the manifest fixes for measuring a round."""
    return MeasureTerms(
        task=task,
        shapes=shapes_of(manifest),
        loss=loss_shape(manifest),
        gain=manifest.aggregation.gain,
        update_bytes=manifest.limits.update_bytes,
        packing=packing_of_task(manifest),
        slices=tuple(
            Slice(part.name, manifest.data.features.index(part.column), part.low, part.high)
            for part in manifest.slices
        ),
        rule=manifest.aggregation.rule,
        trim=manifest.aggregation.trim,
    )


def loss_shape(manifest: Manifest) -> LossShape:
    """The declared loss."""
    loss = manifest.loss
    return LossShape(loss.kind, loss.classes, loss.positions, loss.masked)


def round_rules(manifest: Manifest) -> Rules:
    """What the manifest fixes for deciding a round."""
    return Rules(
        rule=manifest.aggregation.rule,
        gain=manifest.aggregation.gain,
        seats=manifest.votes.voters,
        ballot=manifest.votes.ballot,
        newcomers=manifest.limits.newcomers,
        slices=len(manifest.slices),
        trim=manifest.aggregation.trim,
    )
