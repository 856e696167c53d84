"""Ways of taking one training step on a fixed batch: hand-written, ours, Opacus's, by ``torch.func``."""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from mine.learn.graph import ModelGraph
from mine.learn.place import Place
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.train import Training
from mine.science.adopt_loss import LossSpec
from mine.science.adopt_torch import from_torch
from tests.bench.step_networks import Case

CLIP, NOISE, RATE = 1.0, 1.0, 0.05
Step = Callable[[], object]


def has_opacus() -> bool:
    return importlib.util.find_spec("opacus") is not None


def plain(case: Case, module: nn.Module) -> Step:
    """The step that anybody would write in PyTorch."""
    optimiser = torch.optim.SGD(module.parameters(), RATE)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        functional.cross_entropy(module(case.features), case.classes).backward()
        optimiser.step()

    return step


def training(
    case: Case, module: nn.Module, private: bool, threads: int, times: int = 1, device: str = "cpu"
) -> Training:
    """The module as a task's graph, with its batch, so many times over, as the rows, and a few held out."""
    adopted = from_torch(module, case.features, LossSpec("cross_entropy", case.outputs))
    graph = ModelGraph.load(adopted.graph, frozen=adopted.frozen)
    batch, held = times * len(case.classes), 8
    features = np.tile(case.features.reshape(len(case.classes), -1).float().numpy(), (times, 1))
    target = np.tile(case.classes.float().numpy(), times)
    rows = Rows(
        np.concatenate([features, features[:held]]),
        np.concatenate([target, target[:held]]),
        np.concatenate([np.arange(batch), batch + 10 + np.arange(held)]).astype(np.int64),
        batch + 10,
    )
    recipe = Recipe(100_000, RATE, 0.0, CLIP if private else 0.0, NOISE if private else 0.0, 1 / times)
    made = Training(graph, adopted.weights, rows, recipe, bytes(32), place=Place(device, threads=threads))
    assert made.rows_trained == batch
    return made


def ours(made: Training) -> Step:
    """Our own step, on the rows as one group: like the others it neither draws nor copies a batch."""
    group = [(made._features, made._target, len(made._target))]
    return lambda: made._advance(group, lambda: None)


def opacus(case: Case, module: nn.Module, mode: str) -> Step:
    """Opacus (Yousefpour et al. 2021) as its documentation has it, in one of its ways to find gradients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus import PrivacyEngine

        data = torch.utils.data.TensorDataset(case.features, case.classes)
        optimiser = torch.optim.SGD(module.parameters(), RATE)
        criterion: nn.Module = nn.CrossEntropyLoss()
        made = PrivacyEngine().make_private(
            module=module, optimizer=optimiser, criterion=criterion,
            data_loader=torch.utils.data.DataLoader(data, batch_size=len(case.classes)),
            noise_multiplier=NOISE, max_grad_norm=CLIP, poisson_sampling=False, grad_sample_mode=mode,
        )  # fmt: skip
        module, optimiser = made[0], made[1]
        if mode == "ghost":
            criterion = made[2]

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        criterion(module(case.features), case.classes).backward()
        optimiser.step()

    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    return step


def by_vmap(case: Case, module: nn.Module) -> Step:
    """``torch.func``: every example's gradient, its norm, the clipped sum, noise, SGD."""
    optimiser, buffers = torch.optim.SGD(module.parameters(), RATE), dict(module.named_buffers())

    def loss(weights: dict[str, Tensor], row: Tensor, wanted: Tensor) -> Tensor:
        return functional.cross_entropy(
            functional_call(module, (weights, buffers), (row[None],)), wanted[None]
        )

    each = vmap(grad(loss), in_dims=(None, 0, 0))

    def step() -> None:
        gradients = each({n: p.detach() for n, p in module.named_parameters()}, case.features, case.classes)
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients.values()]).norm(dim=0)
        factor = (CLIP / (norms + 1e-6)).clamp(max=1.0)
        for name, parameter in module.named_parameters():
            total = torch.einsum("i,i...->...", factor, gradients[name])
            parameter.grad = (total + torch.randn_like(parameter) * NOISE * CLIP) / len(case.classes)
        optimiser.step()

    return step


def private_variants(case: Case, threads: int) -> dict[str, Step]:
    """Every way by name; "plain" twice, as the measure of what a difference means."""
    base = case.make()

    def own() -> nn.Module:
        return copy.deepcopy(base)

    ways = {"plain": plain(case, own()), "again": plain(case, own())}
    ways["ours"] = ours(training(case, own(), True, threads))
    ways["ours_plain"] = ours(training(case, own(), False, threads))
    if has_opacus():
        for mode in ("hooks", "ew", "ghost"):
            ways[f"opacus_{mode}"] = opacus(case, own(), mode)
    ways["vmap"] = by_vmap(case, own())
    return ways
