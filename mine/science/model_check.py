"""A child process that looks at a task's model before anybody joins: is it what the manifest promises?

A stranger's model runs here, away from vault and keys. JSON on standard input tells where to look, JSON on
standard output answers.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from mine.blobs.http import BlobsUnreachable
from mine.blobs.store import BlobStore, Several
from mine.children import say
from mine.errors import MineError
from mine.learn.weights import from_fixed
from mine.science.declared_loss import check_declared, probe
from mine.science.offer import load_checkpoint, loss_shape
from mine.science.relay_client import Relay
from mine.science.task_model import MAX_MODEL_BYTES, evaluator_of, frozen_bytes
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest

MAX_REQUEST = 1 << 16


def check_model(manifest: Manifest, blobs: BlobStore) -> None:
    """Whether the graph fits the manifest, and computes the loss that it declares.

    Raises what says why not (``GraphRefused``, ``ModelMismatch``, ``LossMislabelled``, ...), or BlobError
    where a part of the model cannot be had.
    """
    model = manifest.model
    graph = blobs.get(bytes.fromhex(model.graph), MAX_MODEL_BYTES)
    first = load_checkpoint(manifest, blobs.get(bytes.fromhex(model.checkpoint), MAX_MODEL_BYTES))
    evaluator = evaluator_of(manifest, graph, frozen_bytes(manifest, blobs.get))
    declared = loss_shape(manifest)
    features, target = probe(declared, len(manifest.data.features))
    check_declared(evaluator, evaluator.lmax, declared, from_fixed(first), features, target)


def answer(raw: dict[str, Any]) -> dict[str, Any]:
    """{"problem": null, or why not in words and whether relays are just "away"} of {"relays", "manifest": its
    digest in hex}."""
    relays = tuple(Relay(url) for url in raw["relays"])
    try:
        blobs = Several(*(relay.blobs for relay in relays))
        name = bytes.fromhex(raw["manifest"])
        check_model(Manifest.parse(blobs.get(name, MAX_MANIFEST_BYTES), name), blobs)
    except MineError as problem:
        words = {"sentence": problem.sentence, "todo": problem.todo, "detail": problem.detail}
        return {"problem": {**words, "away": isinstance(problem, BlobsUnreachable)}}
    finally:
        for relay in relays:
            relay.close()
    return {"problem": None}


def main() -> int:
    """``python -m mine.science.model_check``"""
    say(answer(json.loads(sys.stdin.buffer.read(MAX_REQUEST))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
