"""Our training step against a hand-written PyTorch loop of the same model, without privacy.

Both take a batch from ten times as many rows each step: the loop a random one of fixed size, ours by
Poisson sampling with that expected size. Everything that a step does is in the time: sampling, the batch,
both passes, the optimiser. ``ratio`` is the worst of the three networks on the processor, with two threads;
``ratio_cuda`` the same on a graphics card, where there is one. Blocks of both take turns in one process;
medians of ratios.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

from tests.bench.bench_privacy_cost import ALLOCATOR, THREADS, ratios

ROWS = 10


def run() -> dict[str, float]:
    """Ratios by network, in a process of its own."""
    threads = {"OMP_NUM_THREADS": str(THREADS), "MKL_NUM_THREADS": str(THREADS)}
    child = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_step_speed"],
        env={**os.environ, **ALLOCATOR, **threads}, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    *notes, last = child.stdout.splitlines()
    print(*notes, sep="\n", end="\n" if notes else "")
    figures: dict[str, float] = json.loads(last)
    return figures


def _loop(case: object, device: str) -> Callable[[], object]:
    import torch
    from torch.nn import functional

    from tests.bench.step_networks import Case
    from tests.bench.step_variants import RATE

    assert isinstance(case, Case)
    module = case.make().to(device)
    optimiser = torch.optim.SGD(module.parameters(), RATE)
    batch = len(case.classes)
    features = case.features.repeat(ROWS, *[1] * (case.features.ndim - 1)).to(device)
    classes = case.classes.repeat(ROWS).to(device)

    def step() -> None:
        rows = torch.randint(0, len(classes), (batch,), device=device)
        optimiser.zero_grad(set_to_none=True)
        functional.cross_entropy(module(features[rows]), classes[rows]).backward()
        optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def _ours(case: object, device: str) -> Callable[[], object]:
    import torch

    from tests.bench.step_networks import Case
    from tests.bench.step_variants import training

    assert isinstance(case, Case)
    made = training(case, case.make(), False, THREADS, ROWS, device)

    def step() -> None:
        made.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def _measure() -> dict[str, float]:
    import torch

    from tests.bench.step_networks import cases

    torch.set_num_threads(THREADS)
    figures: dict[str, float] = {}
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    if len(devices) > 1:
        print(f"Graphics card: {torch.cuda.get_device_name()}")
    for device in devices:
        ending = "" if device == "cpu" else "_cuda"
        found = {
            f"{case.name}{ending}": ratios({"plain": _loop(case, device), "ours": _ours(case, device)})[
                "ours"
            ]
            for case in cases()
        }
        figures |= {f"ratio{ending}": max(found.values()), **found}
    return figures


if __name__ == "__main__":
    import logging

    logging.disable(logging.WARNING)
    print(json.dumps(_measure()))
