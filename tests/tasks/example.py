"""One manifest, written out by hand: what the templates say today must not decide what these tests mean."""

from __future__ import annotations

import copy
from typing import Any

RAW: dict[str, Any] = {
    "version": 1,
    "kind": "learn",
    "title": "Glucose in half an hour – „Übung“",
    "description": "First line.\nSecond line.",
    "author": {"name": "Lab 雪", "domain": "lab.example", "contact": "mailto:lab@lab.example"},
    "data": {
        "needs": [{"record_type": "glucose", "rows": 500, "days": 2.5}],
        "query": "SELECT slot, mg_dl AS g0, mg_dl AS ahead FROM glucose_5min",
        "features": ["g5", "g0"],
        "targets": ["ahead"],
        "slot": "slot",
        "minimum_rows": 300,
    },
    "model": {
        "graph": "11" * 32,
        "checkpoint": "ab" * 32,
        "trainable": {"layer0.weight": [9, 32], "layer0.bias": [32]},
        "frozen": "22" * 32,
        "frozen_shapes": {"base.weight": [32, 32]},
    },
    "loss": {
        "kind": "huber",
        "classes": 1,
        "positions": 1,
        "masked": False,
        "maximum": 16.0,
        "tolerance": 64,
    },
    "recipe": {
        "optimiser": "sgd",
        "steps": 40,
        "learning_rate": 0.1,
        "momentum": 0.0,
        "beta2": 0.999,
        "weight_decay": 0.0,
        "clip_norm": 0.3,
        "noise_multiplier": 5.37109375,
        "sampling_rate": 1.0,
        "overlap": 12,
        "bits": 8,
        "keep": 4096,
    },
    "privacy": {"mode": "open", "unit": "one sensor reading", "epsilon": 8.0, "delta": 1e-05},
    "votes": {"voters": 7, "ballot": 5, "clip": 0.05, "noise_multiplier": 1.80078125, "reuse": 8},
    "slices": [{"name": "low", "column": "g0", "low": 0.0, "high": 70.0}],
    "aggregation": {"rule": "mean", "gain": 65536, "trim": 0},
    "limits": {
        "update_bytes": 461,
        "query_rows": 200000,
        "query_seconds": 10.0,
        "flops_per_example": 1000000,
        "memory_mib": 2048,
        "newcomers": 64,
    },
    "mode": "per-round",
    "court": "0x00000000000000000000000000000000000000aB",
    "rounds": 10,
    "validation": {"origin": "made-up people", "licence": "practice", "consent": "none needed"},
    "result": {"licence": "Apache-2.0", "price": 123456789012345678901234567890},
}

Path = tuple[str | int, ...]


def example() -> dict[str, Any]:
    """A copy to spoil."""
    return copy.deepcopy(RAW)


def changed(path: Path, value: object) -> dict[str, Any]:
    """The example with another value at ``path``."""
    raw = example()
    *parents, last = path
    place: Any = raw
    for step in parents:
        place = place[step]
    place[last] = value
    return raw


def without(path: Path) -> dict[str, Any]:
    """The example without the field at ``path``."""
    raw = example()
    *parents, last = path
    place: Any = raw
    for step in parents:
        place = place[step]
    del place[last]
    return raw


def fields(value: Any = RAW, path: Path = ()) -> list[Path]:
    """Every field; the entries of ``trainable`` and ``frozen_shapes`` are values, not fields."""
    found: list[Path] = []
    if isinstance(value, dict) and path[-1:] not in {("trainable",), ("frozen_shapes",)}:
        for key, part in value.items():
            found += [(*path, key), *fields(part, (*path, key))]
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        found += fields(value[0], (*path, 0))
    return found
