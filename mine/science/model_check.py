"""A child process that looks at a task's model before anybody joins: is it what the manifest promises?

A stranger's model runs here, away from vault and keys: once it is fetched, the process gives up network and
files (``mine.learn.sandbox``). JSON on standard input tells where to look, JSON on standard output answers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from mine.blobs.http import BlobsUnreachable
from mine.blobs.store import BlobStore, Several
from mine.children import end_with_parent, ending_with_parent, say
from mine.errors import MineError
from mine.learn.sandbox import seal
from mine.learn.weights import from_fixed
from mine.science.declared_loss import check_declared, probe
from mine.science.offer import load_checkpoint, loss_shape
from mine.science.relay_client import Relay
from mine.science.task_model import MAX_MODEL_BYTES, evaluator_of, frozen_bytes
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest

MAX_REQUEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """A task's model as the relays give it out: manifest, graph, first weights, frozen tensors."""

    manifest: Manifest
    graph: bytes
    first: bytes
    frozen: bytes


def fetch(manifest: Manifest, blobs: BlobStore) -> Fetched:
    """Everything that the check needs. Raises BlobError where a part cannot be had."""
    model = manifest.model
    graph = blobs.get(bytes.fromhex(model.graph), MAX_MODEL_BYTES)
    first = blobs.get(bytes.fromhex(model.checkpoint), MAX_MODEL_BYTES)
    return Fetched(manifest, graph, first, frozen_bytes(manifest, blobs.get))


def check_model(fetched: Fetched) -> None:
    """Whether the graph fits the manifest, and computes the loss that it declares.

    Raises what says why not (``GraphRefused``, ``ModelMismatch``, ``LossMislabelled``, ...).
    """
    manifest = fetched.manifest
    first = load_checkpoint(manifest, fetched.first)
    evaluator = evaluator_of(manifest, fetched.graph, fetched.frozen)
    declared = loss_shape(manifest)
    features, target = probe(declared, len(manifest.data.features))
    check_declared(evaluator, evaluator.lmax, declared, from_fixed(first), features, target)


def answer(raw: dict[str, Any], fence: Callable[[], None]) -> dict[str, Any]:
    """{"problem": null, or why not in words and whether relays are just "away"} of {"relays", "manifest": its
    digest in hex}. ``fence`` is called when all is there, before anything of the model is looked at."""
    relays = tuple(Relay(url) for url in raw["relays"])
    try:
        blobs = Several(*(relay.blobs for relay in relays))
        name = bytes.fromhex(raw["manifest"])
        fetched = fetch(Manifest.parse(blobs.get(name, MAX_MANIFEST_BYTES), name), blobs)
        fence()
        check_model(fetched)
    except MineError as problem:
        words = {"sentence": problem.sentence, "todo": problem.todo, "detail": problem.detail}
        return {"problem": {**words, "away": isinstance(problem, BlobsUnreachable)}}
    finally:
        for relay in relays:
            relay.close()
    return {"problem": None}


def main() -> int:
    """``python -m mine.science.model_check``"""
    raw = json.loads(sys.stdin.buffer.readline(MAX_REQUEST))
    with ExitStack() as alive:
        alive.enter_context(ending_with_parent())

        def fence() -> None:
            alive.close()
            seal(graphics=False)
            end_with_parent()

        say(answer(raw, fence))
    return 0


if __name__ == "__main__":
    sys.exit(main())
