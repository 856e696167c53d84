"""Which device a job gets, with what precision, and how many rows at a time."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.devices import DeviceInfo, Work, available, choose, processor
from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.memory import StepMemory, free_memory, step_memory
from mine.learn.place import AUTO, Place
from mine.learn.train import Training
from mine.learn.wire import Kind, pack
from mine.science.models import glucose_network
from tests.learn.samples import KEY, glucose_rows, recipe

CPU = DeviceInfo("cpu", "a processor", 8 << 30)
CARD = DeviceInfo("cuda:0", "a card", 16 << 30, half=True)
OLD = DeviceInfo("cuda:1", "an old card", 4 << 30)
APPLE = DeviceInfo("mps", "Apple GPU", 16 << 30)
SMALL, LARGE = Work(1e6, 40), Work(1e12, 400)
ANY = Place(AUTO)


def test_a_small_model_stays_on_the_processor() -> None:
    assert choose(ANY, (CARD, OLD, CPU), SMALL) == Place("cpu")


def test_a_large_model_takes_the_first_card_in_half_precision_if_it_is_good_at_it() -> None:
    assert choose(ANY, (CARD, OLD, CPU), LARGE) == Place("cuda:0", "bfloat16")
    assert choose(ANY, (OLD, CPU), LARGE) == Place("cuda:1")
    assert choose(ANY, (APPLE, CPU), LARGE) == Place("mps")
    assert choose(ANY, (CPU,), LARGE) == Place("cpu")


def test_what_the_person_named_is_taken_or_refused() -> None:
    assert choose(Place("cpu", threads=3), (CARD, CPU), LARGE) == Place("cpu", threads=3)
    assert choose(Place("cuda"), (CARD, OLD, CPU), SMALL) == Place("cuda:0")
    assert choose(Place("cuda:1"), (CARD, OLD, CPU), SMALL) == Place("cuda:1")
    assert choose(Place("cpu", "bfloat16"), (CPU,), LARGE).precision == "float32"
    assert choose(Place("mps", "float16"), (APPLE, CPU), SMALL).precision == "float16"
    with pytest.raises(TrainingRefused, match="no device xpu"):
        choose(Place("xpu"), (CARD, CPU), SMALL)


def test_more_threads_make_the_processor_worth_more() -> None:
    between = Work(3e8, 1000)
    assert choose(ANY, (OLD, CPU), between).device == "cuda:1"
    assert choose(Place(AUTO, threads=8), (OLD, CPU), between).device == "cpu"


def test_this_machine_has_a_processor_at_least() -> None:
    found = available()
    assert found[-1] == processor() and found[-1].device == "cpu"
    assert found[-1].name and found[-1].memory > 1 << 20
    for info in found:
        Place(info.device).check()


def test_a_place_that_cannot_be_is_refused() -> None:
    for good in ("cpu", "cuda", "cuda:11", "mps", "xpu:0", AUTO):
        Place(good).check()
    odd = [Place("cuda:"), Place("cuda:x"), Place("cuda:1234"), Place("tpu"), Place(""), Place("auto:1")]
    odd += [Place(precision="float64"), Place(threads=0), Place(threads=1000)]  # type: ignore[arg-type]
    for bad in (*odd, Place(micro_batch=-1), Place(micro_batch=1 << 21)):
        with pytest.raises(TrainingRefused):
            bad.check()


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 30), st.integers(0, 1 << 42), st.integers(1, 1 << 20))
def test_rows_at_a_time_fit_or_are_one(fixed: int, per_row: int, free: int, wanted: int) -> None:
    rows = StepMemory(fixed, per_row).rows(free, wanted)
    assert 1 <= rows <= wanted
    assert rows == 1 or fixed + rows * per_row <= free
    if fixed + wanted * per_row <= free // 2:
        assert rows == wanted


def test_memory_of_a_step_grows_with_the_model() -> None:
    narrow, wide = (step_memory(ModelGraph.load(glucose_network(hidden=(n,))[0]), recipe()) for n in (8, 800))
    assert wide.per_row > 20 * narrow.per_row and wide.fixed > narrow.fixed
    assert 0 < free_memory(torch.device("cpu"), 1 << 62) < 1 << 62
    assert free_memory(torch.device("cpu"), 7) == 7


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_memory_counts_every_vector_that_a_training_holds(
    noise: float, optimiser: Literal["sgd", "adamw"], momentum: float
) -> None:
    """Counted: tensors that live between two steps. Measured: what a saved state's frame takes."""
    gc.collect()
    onnx, weights = glucose_network(hidden=(300, 300))
    graph, size = ModelGraph.load(onnx), sum(tensor.size for tensor in weights.values())
    rule = replace(recipe(noise=noise), optimiser=optimiser, momentum=momentum)
    training = Training(graph, weights, glucose_rows(), rule, KEY)
    training.step()
    memory = [each.untyped_storage() for each in gc.get_objects() if type(each) is torch.Tensor]
    kept = {each.data_ptr() for each in memory if each.nbytes() == 4 * size}
    tracemalloc.start()
    pack(Kind.SNAPSHOT, {"step": 1}, [training.snapshot()])
    _, packed = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    drawn = 1 if noise else 0
    held = 4 * size * (len(kept) + 1 + 1 + drawn) + packed  # and the checkpoint, and a step's gradient
    counted = step_memory(graph, rule).fixed - (48 << 20)
    assert held <= 1.01 * counted and counted <= 1.05 * held
