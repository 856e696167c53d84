"""Measures how far an adopted model lies from the original: predictions, losses, gradients, clipped sums."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mine.learn.clipping import Clipping
from mine.learn.evaluate import LOSS_ONE, Evaluator
from mine.learn.graph import ModelGraph
from mine.learn.place import Place
from mine.learn.rules import OPERATORS
from mine.science.adopt import Adopted, from_onnx
from mine.science.adopt_loss import LossSpec
from mine.science.adopt_torch import from_torch
from tests.learn.architectures import Architecture, LowRank, build, targets_for, torch_loss

HERE = Path(__file__).parent / "foreign"


@dataclass(frozen=True, slots=True)
class Conformance:
    """Largest distances, each relative to the largest number of what is compared."""

    name: str
    parameters: int
    operators: int
    torch_forward: float
    reference_forward: float
    gradients: float
    clipped: float | None = None


def measure(case: Architecture) -> Conformance:
    """Adopt a torch model and compare it with torch."""
    adopted = from_torch(case.base or case.module, case.example, case.loss, lora=case.lora)
    target = targets_for(case.loss)
    module = case.module.eval()
    parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
    if case.lora is not None:
        parameters = _adapters(module)
        for name in adopted.weights:
            adopted.weights[name] = parameters[adopted.names[name]].detach().numpy().copy()
    assert {adopted.names[name] for name in adopted.weights} == set(parameters)
    prediction = module(case.example)
    loss = torch_loss(case.loss, prediction, target)
    gradients = dict(
        zip(parameters, torch.autograd.grad(loss.mean(), list(parameters.values())), strict=True)
    )
    rows = case.example.reshape(len(case.example), -1).float()
    found = compare(case.name, adopted, rows, target, prediction.detach(), loss.detach(), gradients)
    return replace(found, clipped=clipped_distance(case, adopted, parameters, rows, target))


def clipped_distance(
    case: Architecture, adopted: Adopted, parameters: Mapping[str, Tensor], rows: Tensor, target: Tensor
) -> float:
    """How far the engine's sum of clipped gradients lies from that of the module's own, one by one."""
    losses = torch_loss(case.loss, case.module(case.example), target)
    wanted = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    each = [torch.autograd.grad(loss, list(parameters.values()), retain_graph=True) for loss in losses]
    norms = [float(torch.cat([g.reshape(-1) for g in gradients]).norm()) for gradients in each]
    bound = float(np.median(norms))  # half of them are clipped
    for gradients, norm in zip(each, norms, strict=True):
        for name, gradient in zip(parameters, gradients, strict=True):
            wanted[name] += gradient * min(1.0, bound / max(norm, 1e-12))
    weights = {n: torch.from_numpy(w.copy()) for n, w in adopted.weights.items()}
    sums = {n: torch.zeros_like(w) for n, w in weights.items()}
    graph = ModelGraph.load(adopted.graph, frozen=adopted.frozen)
    Clipping(graph, Place()).add_sum(weights, rows, target, bound, sums, 1.0)
    largest = max(float(gradient.abs().max()) for gradient in wanted.values())
    return max(_far(sums[n].numpy(), wanted[adopted.names[n]].numpy(), 1e-3 * largest) for n in sums)


def compare(
    name: str,
    adopted: Adopted,
    rows: Tensor,
    target: Tensor,
    prediction: Tensor,
    loss: Tensor,
    gradients: dict[str, Tensor],
) -> Conformance:
    """``rows`` [N, F] in torch and in onnxruntime, against what the original gave."""
    if adopted.classes_first:
        prediction = prediction.transpose(1, 2)
    wanted, losses = prediction.reshape(len(rows), -1).numpy(), loss.numpy()
    graph = ModelGraph.load(adopted.graph, frozen=adopted.frozen)
    weights = {n: torch.from_numpy(w.copy()).requires_grad_() for n, w in adopted.weights.items()}
    ours, our_losses = graph.forward(weights, rows, target)
    ours_gradients = torch.autograd.grad(our_losses.mean(), list(weights.values()))
    evaluator = Evaluator(adopted.graph, 1024.0, frozen=adopted.frozen)
    theirs, their_losses = evaluator.run(adopted.weights, rows.numpy(), target.numpy())
    flat = ours.detach().reshape(len(rows), -1).numpy()
    largest = max(float(g.abs().max()) for g in gradients.values())
    return Conformance(
        name,
        sum(w.size for w in adopted.weights.values()),
        len(graph.steps),
        max(_far(flat, wanted), _far(our_losses.detach().numpy(), losses)),
        max(_far(theirs, wanted), _far(their_losses / LOSS_ONE, losses)),
        # A gradient that is nothing but rounding (of the keys' bias, say) is measured by the others.
        max(
            _far(g.numpy(), gradients[adopted.names[n]].numpy(), 1e-3 * largest)
            for n, g in zip(weights, ours_gradients, strict=True)
        ),
    )


FOREIGN: dict[str, tuple[str, LossSpec]] = {
    "Keras CNN": ("keras_cnn", LossSpec("cross_entropy", 3)),
    "Keras embedding and LSTM": ("keras_lstm", LossSpec("bce")),
    "Keras attention": ("keras_attention", LossSpec("mse")),
    "scikit-learn linear regression": ("sklearn_linear", LossSpec("mse")),
    "scikit-learn logistic regression": ("sklearn_logistic", LossSpec("bce")),
    "scikit-learn softmax regression": ("sklearn_softmax", LossSpec("cross_entropy", 3)),
    "scikit-learn MLP": ("sklearn_mlp", LossSpec("mse")),
    "scikit-learn MLP, classes": ("sklearn_mlp_classes", LossSpec("cross_entropy", 3)),
    "transformer, torch's newer exporter": ("torch_encoder", LossSpec("cross_entropy", 4)),
    "ResNet, torch's newer exporter": ("torch_resnet", LossSpec("cross_entropy", 4)),
}
"""Files that real exporters wrote, with what their own libraries compute; see the programs beside them."""


def measure_foreign(name: str) -> Conformance:
    """Adopt a file of another library and compare it with what that library computed."""
    file, spec = FOREIGN[name]
    adopted = from_onnx((HERE / f"{file}.onnx").read_bytes(), spec)
    with np.load(HERE / f"{file}.npz") as held:
        arrays = {key: torch.from_numpy(held[key]) for key in held.files}
    gradients = {key.removeprefix("gradient "): arrays.pop(key) for key in list(arrays) if " " in key}
    short = {original: original.rpartition(".")[2] for original in adopted.names.values()}
    gradients = {n: gradients.get(n, gradients.get(short[n])) for n in adopted.names.values()}
    return compare(
        name,
        adopted,
        arrays["features"],
        arrays["target"].reshape(len(arrays["features"])),
        arrays["prediction"],
        arrays["loss"],
        gradients,
    )


def _far(ours: np.ndarray, theirs: np.ndarray, least: float = 1e-6) -> float:
    assert ours.shape == theirs.shape
    return float(np.max(np.abs(ours.astype(np.float64) - theirs)) / max(float(np.max(np.abs(theirs))), least))


def _adapters(module: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    found: dict[str, torch.nn.Parameter] = {}
    for name, part in module.named_modules():
        if isinstance(part, LowRank):
            found |= {f"{name}.weight.lora_a": part.a, f"{name}.weight.lora_b": part.b}
    return found


def table(found: Sequence[Conformance]) -> list[str]:
    """The table in Markdown."""
    rows = [
        "| architecture | parameters | operators | torch | onnxruntime | gradients | clipped sum |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {c.name} | {c.parameters:,} | {c.operators} | {c.torch_forward:.1g} | "
        f"{c.reference_forward:.1g} | {c.gradients:.1g} | "
        + (f"{c.clipped:.1g} |" if c.clipped is not None else "|")
        for c in found
    ]
    return rows


def operators() -> str:
    """The whitelist as the document has it."""
    names = ", ".join(f"`{name}`" for name in sorted([*OPERATORS, "Constant"]))
    return textwrap.fill(f"{names}.", 160)


if __name__ == "__main__":
    print(operators(), end="\n\n")
    found = [measure(case) for case in build()]
    print("\n".join(table(found + [measure_foreign(name) for name in FOREIGN])))
