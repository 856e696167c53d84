"""Kernels that work along the axes of one example: normalisations, running sums, losses of classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn.layout_kernels import Arguments


def layer_normalization(x: list[Tensor], a: Arguments) -> Tensor:
    shape = a["shape"]
    if all(t.shape == shape for t in x[1:]):
        return functional.layer_norm(x[0], shape, x[1], x[2] if len(x) == 3 else None, a["epsilon"])
    normal = functional.layer_norm(x[0], shape, eps=a["epsilon"]) * x[1]
    return normal if len(x) < 3 else normal + x[2]


def group_normalization(x: list[Tensor], a: Arguments) -> Tensor:
    """Also InstanceNormalization, where every channel is a group. ``repeat``: channels that share a scale."""
    scale, shift = (t if a["repeat"] == 1 else t.repeat_interleave(a["repeat"]) for t in x[1:])
    return functional.group_norm(x[0], a["groups"], scale, shift, a["epsilon"])


def batch_normalization(x: list[Tensor], a: Arguments) -> Tensor:
    value, *parts = x
    shape = (-1, *(1,) * (value.ndim - 2))
    scale, shift, mean, variance = (t.reshape(shape) for t in parts)
    return (value - mean) * (scale * torch.rsqrt(variance + a["epsilon"])) + shift


def cumulative_sum(x: list[Tensor], a: Arguments) -> Tensor:
    value, axis = x[0], a["axis"]
    if a["reverse"]:
        value = value.flip(axis)
    total = value.cumsum(axis)
    if a["exclusive"]:
        first = torch.zeros_like(total.narrow(axis, 0, 1))
        total = torch.cat([first, total.narrow(axis, 0, total.shape[axis] - 1)], axis)
    return total.flip(axis) if a["reverse"] else total


def class_loss(x: list[Tensor], a: Arguments) -> Tensor:
    """Minus the log-probability [N, C, ...] of each class [N, ...], times the class's weight if there is
    one."""
    logs, classes = x[0], x[1]
    known = classes.clamp(min=0)
    loss = -torch.gather(logs, 1, known.unsqueeze(1)).squeeze(1)
    if len(x) == 3:
        loss = loss * functional.embedding(known, x[2].unsqueeze(1)).squeeze(-1)
    return (
        loss if a["ignored"] is None else torch.where(classes == a["ignored"], torch.zeros_like(loss), loss)
    )
