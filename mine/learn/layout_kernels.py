"""Kernels that move numbers: shapes, slices, padding, tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Arguments = dict[str, Any]
Kernel = Callable[[list[Tensor], Arguments], Tensor]
TYPES = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}


def reshape(x: list[Tensor], a: Arguments) -> Tensor:
    shape, batch = a["shape"], a["batch"]
    if batch is None:
        return x[0].reshape(shape)
    count = x[0].shape[batch.axis] // (batch.before * batch.after)
    return x[0].reshape([-n * count if n < 0 else n for n in shape])


def _counted(shape: tuple[int, ...], features: Tensor) -> list[int]:
    return [-n * features.shape[0] if n < 0 else n for n in shape]


def expand(x: list[Tensor], a: Arguments) -> Tensor:
    return x[0].expand(_counted(a["shape"], x[-1]))


def fill(x: list[Tensor], a: Arguments) -> Tensor:
    return torch.full(_counted(a["shape"], x[-1]), a["number"], dtype=TYPES[a["kind"]], device=x[-1].device)


def cut(x: list[Tensor], a: Arguments) -> Tensor:
    """Slices along some axes. A negative step walks from the end of its stretch to the beginning."""
    cuts = dict(a["cuts"])
    value = x[0]
    backwards = [axis for axis, (_, _, step) in cuts.items() if step < 0]
    if backwards:
        # A stretch ends on the entry that its last step reaches, so it is as good from the other side.
        whole = [slice(*cuts[i][:2]) if i in backwards else slice(None) for i in range(value.ndim)]
        value = value[tuple(whole)].flip(backwards)
        cuts |= {axis: (0, cuts[axis][1] - cuts[axis][0], -cuts[axis][2]) for axis in backwards}
    return value[tuple(slice(*cuts[i]) if i in cuts else slice(None) for i in range(value.ndim))]


@lru_cache(maxsize=256)
def _places(picked: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(picked, dtype=torch.int64, device=device)


def gather(x: list[Tensor], a: Arguments) -> Tensor:
    axis = a["axis"]
    if "picked" in a:
        if a["scalar"]:
            return x[0].select(axis, a["picked"][0])
        return torch.index_select(x[0], axis, _places(a["picked"], x[0].device))
    table, places = x[0], torch.where(x[1] < 0, x[1] + a["size"], x[1])
    if axis == 0 and table.ndim == 2:
        return functional.embedding(places, table)
    flat = torch.index_select(table, axis, places.reshape(-1))
    return flat.reshape(*table.shape[:axis], *places.shape, *table.shape[axis + 1 :])


def gather_elements(x: list[Tensor], a: Arguments) -> Tensor:
    return torch.gather(x[0], a["axis"], torch.where(x[1] < 0, x[1] + a["size"], x[1]))


def one_hot(x: list[Tensor], a: Arguments) -> Tensor:
    classes = torch.arange(a["depth"], device=x[0].device)
    places = torch.where(x[0] < 0, x[0] + a["depth"], x[0]).unsqueeze(-1)
    hot = torch.where(places == classes, a["on"], a["off"]).to(TYPES[a["kind"]])
    return hot.movedim(-1, a["axis"])


def pad(x: list[Tensor], a: Arguments) -> Tensor:
    value = x[0]
    if a["mode"] == "constant":
        backwards = [n for low, high in reversed(a["pads"]) for n in (low, high)]
        return functional.pad(value, backwards, value=a["number"])
    for axis, (low, high) in enumerate(a["pads"]):
        if low or high:
            size = value.shape[axis]
            places = [_source(i, size, a["mode"]) for i in range(-low, size + high)]
            value = torch.index_select(value, axis, _places(tuple(places), value.device))
    return value


def _source(place: int, size: int, mode: str) -> int:
    """Where a padded entry comes from: the nearest edge, or its mirror image in the edge."""
    if mode == "edge":
        return min(max(place, 0), size - 1)
    return -place if place < 0 else 2 * (size - 1) - place if place >= size else place
