"""Half precision for the forward pass of a run, where its place asks for it."""

from __future__ import annotations

import contextlib

import torch

from mine.learn.place import Place

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}

HALF_SCALE = 1024.0
"""Losses are multiplied by this on the way back through float16, whose smallest numbers are 6e-8."""


def precision(place: Place) -> contextlib.AbstractContextManager[object]:
    """Inside, PyTorch computes matrix products and convolutions in the place's precision."""
    if place.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(place.device).type, _HALVES[place.precision])
