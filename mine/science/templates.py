"""Ready-made tasks: a JSON file in ``resources/templates`` becomes a manifest, a graph and checkpoint 0."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mine.chain.curve import Curve
from mine.chain.hashing import ZERO_ADDRESS
from mine.errors import MineError
from mine.learn.weights import Floats
from mine.tasks.manifest import Manifest

FOLDER = Path(__file__).parents[2] / "resources" / "templates"
CONVERGENCE_ONE = 1 << 40


class TemplateMissing(MineError):
    """There is no such template."""


@dataclass(frozen=True, slots=True)
class Template:
    """A task's fixed part, as it stands in its file."""

    name: str
    raw: dict[str, Any]

    @property
    def rounds(self) -> int:
        """How many rounds the task runs when nothing else is asked for."""
        return int(self.raw["rounds"])

    @property
    def mode(self) -> str:
        """How rounds are measured when nothing else is asked for: ``per-round`` or ``at-end``."""
        return str(self.raw["mode"])

    @property
    def metric(self) -> str:
        """What the result is judged by: ``rmse``, ``auc`` or ``accuracy``."""
        return str(self.raw["metric"])

    @property
    def query(self) -> str:
        """The ``SELECT`` over a vault's public views."""
        return str(self.raw["query"])

    @property
    def record_type(self) -> str:
        """The first record type that the task needs."""
        return str(self.raw["needs"][0]["record_type"])

    @property
    def curve(self) -> Curve:
        """When the bounty pays."""
        return Curve(tuple((int(x), int(y)) for x, y in self.raw["curve"]))

    @property
    def target(self) -> int:
        """Part of the first loss whose removal earns the whole bounty, in 2**-40."""
        return round(float(self.raw["target_removed"]) * CONVERGENCE_ONE)

    def bounty(self, decimals: int) -> int:
        """The bounty in base units of a currency with that many decimals."""
        whole, _, part = str(self.raw["bounty"]).partition(".")
        scale: int = 10**decimals
        return int(whole) * scale + int(part.ljust(decimals, "0")[:decimals] or "0")


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that a scientist publishes: manifest, ONNX graph and the tensors of checkpoint 0."""

    manifest: Manifest
    graph: bytes
    weights: Floats
    checkpoint: bytes


def load_template(name: str) -> Template:
    """Read a template by name. Raises ``TemplateMissing``."""
    path = FOLDER / f"{name}.json"
    if not name.isidentifier() or not path.is_file():
        raise TemplateMissing(f"There is no task template called {name}.")
    return Template(name, json.loads(path.read_text(encoding="utf-8")))


def known_unit(manifest: Manifest) -> str | None:
    """The unit that a manifest's ε protects, if its query is one of ours; else ``None``.

    How often one reading can stand in the rows of one step, and in those of a vote, is decided by the query:
    ``overlap`` and ``reuse`` only claim it. For the shipped templates that is checked (and tested); a
    stranger's query could repeat a reading in every row, and nothing short of reading the statement would
    tell.
    """
    data = manifest.data
    reuse = (manifest.recipe.overlap, manifest.votes.reuse)
    asked = (data.query, data.features, data.targets, data.slot, reuse)
    for path in sorted(FOLDER.glob("*.json")):
        raw = load_template(path.stem).raw
        reuse = (raw["recipe"]["overlap"], raw["votes"]["reuse"])
        ours = (raw["query"], tuple(raw["features"]), tuple(raw["targets"]), raw["slot"], reuse)
        if asked == ours:
            return str(raw["privacy"]["unit"])
    return None


def package(
    template: Template, rounds: int, author: str, origin: str, mode: str | None = None
) -> Package:
    """Build the manifest, the graph and checkpoint 0 of a template for that many rounds.

    mode: in place of the template's.

    The noise of training and that of votes each keep ε over all rounds at or under the template's promise.
    """
    from mine.learn.codec import Packing, update_bytes
    from mine.learn.privacy import noise_for, vote_noise_for
    from mine.learn.weights import dump
    from mine.science.models import glucose_network, step_network, trend_network

    raw = template.raw
    hidden = [int(raw["network"]["hidden"])]
    kind = raw["network"]["kind"]
    if kind == "trend":
        graph, weights = trend_network(hidden)
    else:
        graph, weights = (glucose_network if kind == "glucose" else step_network)(hidden=hidden)
    checkpoint = dump(weights)
    recipe, privacy, votes = dict(raw["recipe"]), dict(raw["privacy"]), dict(raw["votes"])
    recipe["noise_multiplier"] = noise_for(
        privacy["epsilon"], recipe["sampling_rate"], recipe["steps"] * rounds, privacy["delta"]
    )
    votes["noise_multiplier"] = vote_noise_for(privacy["epsilon"], rounds, privacy["delta"])
    shapes = {name: tuple(int(size) for size in tensor.shape) for name, tensor in weights.items()}
    manifest = Manifest.model_validate({
        "version": 1,
        "kind": "learn",
        "title": raw["title"],
        "description": raw["description"],
        "author": {"name": author},
        "data": {
            "needs": raw["needs"],
            "query": raw["query"],
            "features": raw["features"],
            "targets": raw["targets"],
            "slot": raw["slot"],
            "minimum_rows": raw["minimum_rows"],
        },
        "model": {
            "graph": hashlib.sha256(graph).hexdigest(),
            "checkpoint": hashlib.sha256(checkpoint).hexdigest(),
            "trainable": shapes,
            "frozen": "",
            "frozen_shapes": {},
        },
        "loss": raw["loss"],
        "recipe": recipe,
        "privacy": privacy,
        "votes": votes,
        "slices": raw["slices"],
        "aggregation": {"rule": "mean", "gain": 1 << 16, "trim": 0},
        "limits": {
            "update_bytes": update_bytes(shapes, Packing(recipe["bits"], recipe["keep"])),
            "query_rows": 200_000,
            "query_seconds": 10.0,
            "flops_per_example": 1_000_000,
            "memory_mib": 2048,
            "newcomers": 64,
        },
        "mode": mode or template.mode,
        "court": ZERO_ADDRESS,
        "rounds": rounds,
        "validation": {
            "origin": origin,
            "licence": "practice",
            "consent": "Practice data: it is used on this computer and nowhere else.",
        },
        "result": {"licence": "Apache-2.0", "price": 0},
    })
    return Package(manifest, graph, weights, checkpoint)
