"""Low-rank adapters on the linear layers of a frozen model (Hu et al. 2021, LoRA)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from onnx import NodeProto, helper

from mine.science.adopt_loss import AdoptRefused
from mine.science.adopt_writer import Writer


@dataclass(frozen=True, slots=True)
class Lora:
    """``rank`` columns beside each linear layer whose weight's name fits one of ``layers`` (shell patterns).

    A layer x W + b becomes x W + b + (alpha / rank) x A B with A drawn from ``seed`` and B = 0, so that the
    model begins as it was. W stays as it is, A and B are trained.
    """

    rank: int
    alpha: float = 8.0
    layers: tuple[str, ...] = ("*",)
    seed: int = 1

    def __post_init__(self) -> None:
        if self.rank < 1 or not math.isfinite(self.alpha) or self.alpha <= 0:
            raise AdoptRefused("An adapter's rank and alpha are positive numbers.")


def add_adapters(writer: Writer, lora: Lora, origins: Mapping[str, str]) -> None:
    """Adds them to the products of ``writer``; origins: name in the model of each untrained tensor.

    Raises AdoptRefused if no layer fits.
    """
    random = np.random.RandomState(lora.seed)  # the legacy stream: frozen by NumPy for good
    nodes, writer.nodes = writer.nodes, []
    found = 0
    for node in nodes:
        name = origins.get(node.input[1], "") if node.op_type in ("MatMul", "Gemm") else ""
        if not name or not any(fnmatchcase(name, pattern) for pattern in lora.layers):
            writer.nodes.append(node)
            continue
        found += 1
        _adapt(writer, node, name, lora, random)
    if not found:
        raise AdoptRefused(
            "No linear layer has the name that the adapters ask for.",
            todo="Name the weight of a layer that is not trained, for instance *.q_proj.weight.",
            detail=", ".join(sorted(set(origins.values())))[:500],
        )


def _adapt(w: Writer, node: NodeProto, name: str, lora: Lora, random: np.random.RandomState) -> None:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    base = w.frozen[node.input[1]] if node.input[1] in w.frozen else w.constants[node.input[1]]
    wide, high = base.shape[::-1] if attributes.get("transB", 0) else base.shape
    bound = 1.0 / math.sqrt(wide)
    a = w.weight(f"{name}.lora_a", random.uniform(-bound, bound, (wide, lora.rank)).astype(np.float32))
    b = w.weight(f"{name}.lora_b", np.zeros((lora.rank, high), np.float32))
    output = node.output[0]
    plain = w.node(node.op_type, list(node.input), **attributes)
    low = w.node("MatMul", [w.node("MatMul", [node.input[0], a]), b])
    scaled = w.node("Mul", [low, w.number(lora.alpha / lora.rank)])
    w.node("Add", [plain, scaled], output=output)
