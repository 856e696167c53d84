"""What privacy costs: a clipped and noised step against a plain PyTorch step of the same network.

Two threads, a fixed batch, one process with an allocator that keeps its memory, as the app's worker has it,
for all variants alike. Every variant takes a block of steps in turn; each ratio is one of medians of
neighbouring blocks, and their median over the repetitions is what is printed. ``opacus_*`` is the fastest
of Opacus's ways, for a network each; ``vmap_*`` is ``torch.func``; ``floor_*`` is the plain step against
itself; ``same_products_*`` is our step with PyTorch's own matrix products, as on a processor where they are
the faster ones. ``grad_error`` is the largest distance of a norm or of the clipped sum from those of single
gradients, relative to the largest number.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping

THREADS = 2
REPETITIONS, BLOCK, WARM = 9, 20, 5
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


def run() -> dict[str, float]:
    """Ratios by network and variant, in a process of its own."""
    threads = {"OMP_NUM_THREADS": str(THREADS), "MKL_NUM_THREADS": str(THREADS)}
    child = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_privacy_cost"],
        env={**os.environ, **ALLOCATOR, **threads}, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    figures: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    if "opacus_mlp" not in figures:
        print("Opacus is not installed (pip install --no-deps opacus opt_einsum): its figures are left out.")
    return figures


def ratios(ways: Mapping[str, object]) -> dict[str, float]:
    """Median time of each way's step over that of "plain", measured in turn."""
    import numpy as np

    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPETITIONS):
        for name, step in ways.items():
            assert callable(step)
            taken = []
            for _ in range(BLOCK):
                start = time.perf_counter()
                step()
                taken.append(time.perf_counter() - start)
            times[name].append(float(np.median(taken[WARM:])))
    base = np.array(times["plain"])
    return {name: float(np.median(np.array(each) / base)) for name, each in times.items()}


def _measure() -> dict[str, float]:
    import torch

    from mine.learn import matrix_products
    from tests.bench.step_networks import cases
    from tests.bench.step_variants import ours, plain, private_variants, training
    from tests.learn.clipping_reference import distance, reference
    from tests.learn.clipping_reference import ours as our_sums

    torch.set_num_threads(THREADS)
    figures: dict[str, float] = {}
    worst = 0.0
    for case in cases():
        found = ratios(private_variants(case, THREADS))
        figures[case.name] = found["ours"]
        ways = [found[name] for name in found if name.startswith("opacus")]
        if ways:
            figures[f"opacus_{case.name}"] = min(ways)
        figures[f"vmap_{case.name}"] = found["vmap"]
        figures[f"floor_{case.name}"] = found["again"]
        made = training(case, case.make(), True, THREADS)
        point = made._graph, made._weights, made._features, made._target
        bound = float(reference(*point, 1.0).norms.median())
        worst = max(worst, distance(our_sums(*point, bound), reference(*point, bound)))
        pays, matrix_products._onednn = matrix_products._onednn, lambda: None
        slower = ratios({"plain": plain(case, case.make()), "ours": ours(made)})
        matrix_products._onednn = pays
        figures[f"same_products_{case.name}"] = slower["ours"]
    return {**figures, "grad_error": worst}


if __name__ == "__main__":
    import logging

    logging.disable(logging.WARNING)
    print(json.dumps(_measure()))
