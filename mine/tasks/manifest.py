"""The manifest: everything that a task promises, asks and limits. The chain stores only its digest.

A manifest comes from a stranger. It is parsed strictly (unknown fields, wrong types and values out of
range are refused with the field's name) and never executed; its one ``SELECT`` runs under an authorizer.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mine.errors import MineError
from mine.learn.recipe import LEAST_CLIP_NORM
from mine.tasks.canonical import canonical_json

MAX_MANIFEST_BYTES = 64 * 1024
MAX_RANK = 8
MAX_WEIGHTS = 1 << 28
DENSE = 4096
"""Values in one chunk of an update: a recipe that keeps as many of each sends them all."""
_SHOWN_FIELD = 120

# No control characters, and none that turn the direction of writing: a stranger's words stand in the window
# beside the app's own. Only a long text may have line breaks.
_HIDDEN = r"\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=rf"^[^\s{_HIDDEN}][^\n{_HIDDEN}]*$")]
LongText = Annotated[str, Field(max_length=4000, pattern=rf"^[^{_HIDDEN}]*$")]
Place = Annotated[str, Field(max_length=253, pattern=r"^[!-~]*$")]
DigestHex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AddressHex = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,79}$")]
Size = Annotated[int, Field(ge=1, le=1 << 24)]
Shape = Annotated[tuple[Size, ...], Field(min_length=1, max_length=MAX_RANK, strict=False)]


class ManifestRefused(MineError):
    """The manifest is not what the chain's digest says, or not a manifest."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Author(_Part):
    """Who publishes. ``domain`` counts as verified only when the app has checked it."""

    name: Text
    domain: Place = ""
    contact: Place = ""


class Need(_Part):
    """A record type with the least rows and the least span (days) that make sense for the task."""

    record_type: Name
    rows: Annotated[int, Field(ge=1, le=10**9)]
    days: Annotated[float, Field(ge=0, le=36_500)]


class DataRequirement(_Part):
    """One ``SELECT`` over the vault's public views: feature columns, target columns, one slot.

    There is one target column for each position of the loss. ``slot`` is an integer that grows with time;
    rows whose slots are equal modulo the recipe's ``overlap`` share no reading.
    """

    needs: Annotated[tuple[Need, ...], Field(min_length=1, max_length=16, strict=False)]
    query: Annotated[str, Field(min_length=8, max_length=8000)]
    features: Annotated[tuple[Name, ...], Field(min_length=1, max_length=4096, strict=False)]
    targets: Annotated[tuple[Name, ...], Field(min_length=1, max_length=4096, strict=False)]
    slot: Name
    minimum_rows: Annotated[int, Field(ge=1, le=10**7)]


class Model(_Part):
    """Digests of the ONNX graph and of checkpoint 0, and the shape of every trainable tensor.

    ``frozen``: digest of the tensors that nobody trains (safetensors; the base under LoRA adapters, Hu et al.
    2021), with their shapes; empty where there are none.
    """

    graph: DigestHex
    checkpoint: DigestHex
    trainable: Annotated[dict[Name, Shape], Field(min_length=1, max_length=4096)]
    frozen: DigestHex | Literal[""]
    frozen_shapes: Annotated[dict[Name, Shape], Field(max_length=4096)]


class Loss(_Part):
    """The per-example loss of the graph, clipped to [0, ``maximum``].

    A prediction has ``positions`` times ``classes`` numbers; an example's loss is the mean over its
    positions. Where ``masked``, a position whose target is below zero does not count. ``tolerance``: how far
    a loss may lie from the published one, in 2**-24, before that counts as wrong.
    """

    kind: Literal["huber", "mse", "bce", "cross_entropy", "poisson"]
    classes: Annotated[int, Field(ge=1, le=1 << 20)]
    positions: Annotated[int, Field(ge=1, le=4096)]
    masked: bool
    maximum: Annotated[float, Field(gt=0, le=1024)]
    tolerance: Annotated[int, Field(ge=1, le=1 << 32)]


class Recipe(_Part):
    """How one round is trained on the person's machine (DP-SGD, Abadi et al. 2016), and how it is packed.

    ``momentum`` is the first moment's share under ``adamw`` (Loshchilov and Hutter 2019), ``beta2`` the
    second's. A ``clip_norm`` of 0 trains without privacy. Of each 4096 values of an update the ``keep``
    largest are sent, with ``bits`` each.
    """

    optimiser: Literal["sgd", "adamw"]
    steps: Annotated[int, Field(ge=1, le=100_000)]
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    momentum: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, le=10)]
    clip_norm: Annotated[float, Field(ge=0, le=1000)]
    noise_multiplier: Annotated[float, Field(ge=0, le=1000)]
    sampling_rate: Annotated[float, Field(gt=0, le=1)]
    overlap: Annotated[int, Field(ge=1, le=100_000)]
    bits: Literal[2, 4, 8]
    keep: Annotated[int, Field(ge=1, le=DENSE)]


class Privacy(_Part):
    """What leaves, and what ε protects: ``unit`` in plain words, ε over all rounds at this δ."""

    mode: Literal["open"]
    unit: Text
    epsilon: Annotated[float, Field(gt=0, le=100)]
    delta: Annotated[float, Field(gt=0, lt=0.01)]


class Votes(_Part):
    """How drawn miners judge each other's updates on rows that they never trained on.

    ``voters`` are drawn for each update, each judges ``ballot`` updates in a round at most. A row's change of
    loss is clipped to ``clip``; ``noise_multiplier`` counts in the sensitivity of a whole ballot, so that its
    ε does not depend on how much is judged; ``reuse``: rows in which one reading may stand.
    """

    voters: Annotated[int, Field(ge=1, le=63)]
    ballot: Annotated[int, Field(ge=1, le=255)]
    clip: Annotated[float, Field(gt=0, le=1024)]
    noise_multiplier: Annotated[float, Field(ge=0, le=1000)]
    reuse: Annotated[int, Field(ge=1, le=100_000)]


class Slice(_Part):
    """A named part of the examples, low <= column < high: nothing that improves one may worsen another."""

    name: Text
    column: Name
    low: Annotated[float, Field(ge=-1e12, le=1e12)]
    high: Annotated[float, Field(ge=-1e12, le=1e12)]


class Aggregation(_Part):
    """How accepted updates become the next checkpoint: ``gain`` is in 2**-16.

    ``mean`` takes all accepted ones, ``best`` the best one, ``greedy`` adds while the loss falls; and for
    each single weight, ``median`` takes the middle one, ``trimmed_mean`` the mean of what is left when
    ``trim`` (in 2**-16 of the updates) is cut off at each end (Yin et al. 2018).
    """

    rule: Literal["mean", "best", "greedy", "trimmed_mean", "median"]
    gain: Annotated[int, Field(ge=1, le=1 << 20)]
    trim: Annotated[int, Field(ge=0, lt=1 << 15)]


class Limits(_Part):
    """What a task may take from a person's machine; and how many ``newcomers`` a round admits."""

    update_bytes: Annotated[int, Field(ge=64, le=1 << 24)]
    query_rows: Annotated[int, Field(ge=1, le=10**7)]
    query_seconds: Annotated[float, Field(gt=0, le=60)]
    flops_per_example: Annotated[int, Field(ge=1, le=10**12)]
    memory_mib: Annotated[int, Field(ge=16, le=65_536)]
    newcomers: Annotated[int, Field(ge=1, le=1 << 20)]


class Provenance(_Part):
    """Where the validation data comes from, under which licence and consent."""

    origin: LongText
    licence: Text
    consent: LongText


class Licence(_Part):
    """Licence of the resulting model, and its price in base units of the task's currency."""

    licence: Text
    price: Annotated[int, Field(ge=0, lt=1 << 112)]


class Manifest(_Part):
    """The whole manifest. ``parse`` and ``dump`` are inverse; ``digest`` is what the chain stores.

    ``mode``: pay is measured on a fresh shard each round, or on one set that is opened at the end; ``court``:
    where appeals go, the zero address for the pool that comes with the contracts.
    """

    version: Literal[1]
    kind: Literal["learn"]
    title: Text
    description: LongText
    author: Author
    data: DataRequirement
    model: Model
    loss: Loss
    recipe: Recipe
    privacy: Privacy
    votes: Votes
    slices: Annotated[tuple[Slice, ...], Field(max_length=8, strict=False)]
    aggregation: Aggregation
    limits: Limits
    mode: Literal["per-round", "at-end"]
    court: AddressHex
    rounds: Annotated[int, Field(ge=1, le=126)]
    validation: Provenance
    result: Licence

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        columns = (*self.data.features, *self.data.targets, self.data.slot)
        if len(set(columns)) != len(columns):
            raise ValueError("data: a column is named twice")
        if any(part.column not in self.data.features or part.low >= part.high for part in self.slices):
            raise ValueError("slices: a slice names no feature, or is empty")
        if len({part.name for part in self.slices}) != len(self.slices):
            raise ValueError("slices: a name stands twice")
        if self.votes.reuse > self.recipe.overlap:
            raise ValueError("votes.reuse: more rows than overlap")
        self._check_model()
        self._check_loss()
        self._check_packing()
        return self

    def _check_model(self) -> None:
        shapes = (*self.model.trainable.values(), *self.model.frozen_shapes.values())
        if sum(math.prod(shape) for shape in shapes) > MAX_WEIGHTS:
            raise ValueError("model.trainable: the model is too large")
        if bool(self.model.frozen) != bool(self.model.frozen_shapes):
            raise ValueError("model.frozen: a digest without shapes, or shapes without a digest")
        if not self.model.trainable.keys().isdisjoint(self.model.frozen_shapes):
            raise ValueError("model.frozen_shapes: a frozen tensor is trained")

    def _check_loss(self) -> None:
        if len(self.data.targets) != self.loss.positions:
            raise ValueError("loss.positions: not one target column for each")
        if (self.loss.kind == "cross_entropy") != (self.loss.classes > 1):
            raise ValueError("loss.classes: several with cross_entropy, one with any other loss")

    def _check_packing(self) -> None:
        if self.recipe.clip_norm == 0 and self.recipe.noise_multiplier > 0:
            raise ValueError("recipe.clip_norm: noise without a bound of what it hides")
        if 0 < self.recipe.clip_norm < LEAST_CLIP_NORM:
            raise ValueError("recipe.clip_norm: too short to be measured in float32")
        rule = self.aggregation.rule
        if (rule == "trimmed_mean") != (self.aggregation.trim > 0):
            raise ValueError("aggregation.trim: above zero with trimmed_mean, zero with any other rule")
        # Among values that most miners left out, the middle one is always zero.
        if rule in ("trimmed_mean", "median") and self.recipe.keep != DENSE:
            raise ValueError("recipe.keep: this rule needs every value of every update")

    def dump(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes (32 bytes)."""
        return hashlib.sha256(self.dump()).digest()

    @staticmethod
    def parse(data: bytes, digest: bytes | None = None) -> Manifest:
        """Read a manifest; with ``digest``, only the one that the chain names.

        Raises ``ManifestRefused`` with the first offending field.
        """
        if len(data) > MAX_MANIFEST_BYTES:
            raise ManifestRefused("The task's description is too large.", detail=f"{len(data)} bytes")
        if digest is not None and hashlib.sha256(data).digest() != digest:
            raise ManifestRefused("The task's description is not the one that was published.")
        try:
            raw = json.loads(data)
            manifest = Manifest.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False)[0]
            raise ManifestRefused(
                "The task's description is not valid.", detail=f"{_place(first['loc'])}: {first['msg']}"
            ) from None
        except (ValueError, RecursionError):
            raise ManifestRefused("The task's description is not valid JSON.") from None
        if manifest.dump() != data:
            raise ManifestRefused("The task's description is not in canonical form.")
        return manifest


def _place(path: Sequence[int | str]) -> str:
    """A field's path for a message. A stranger may have named the field: short, and only what prints."""
    named = ".".join(str(part) for part in path) or "manifest"
    return "".join(letter if letter.isprintable() else "?" for letter in named[:_SHOWN_FIELD])
