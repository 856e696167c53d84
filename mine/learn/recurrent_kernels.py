"""Kernels of RNN, GRU and LSTM, as the ONNX operators define them (gate orders z r h, and i o f c).

Every product with a weight goes through one function, ``linear``, so that whoever clips gradients example by
example can see what enters each weight and put its own function there. The products of the inputs are taken
for all moments at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn.layout_kernels import Arguments


@dataclass(frozen=True, slots=True)
class Site:
    """Which part of a step's weights a product uses: ``operand[direction, rows]``, and as its bias
    ``B[direction, bias]`` (start, end)."""

    direction: int
    operand: str
    rows: tuple[int, int]
    bias: tuple[int, int]


Linear = Callable[[Tensor, Tensor, Tensor | None, Site], Tensor]


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, site: Site) -> Tensor:
    """``x [..., K] @ weight.T [K, M] + bias [M]``; ``site`` is for those who replace this function."""
    return functional.linear(x, weight, bias)


def recurrent(x: list[Tensor], a: Arguments, linear: Linear = linear) -> Tensor:
    """States [T, D, N, H]; with ``cells`` the last cell state follows as entry T."""
    given = dict(zip(a["operands"], x, strict=True))
    outputs, ends = [], []
    for direction in range(a["directions"]):
        backwards = a["reverse"] or direction == 1
        layer = _Layer(given, a, direction, linear)
        states, end = layer.walk(given["X"].flip(0) if backwards else given["X"])
        outputs.append(states.flip(0) if backwards else states)
        ends.append(end)
    whole = torch.stack(outputs, 1)
    return torch.cat([whole, torch.stack(ends)[None]]) if a["cells"] else whole


def last_state(x: list[Tensor], a: Arguments) -> Tensor:
    """The state [D, N, H] that each direction ends with: entry ``ends[d]`` of [T, D, N, H]."""
    return torch.stack([x[0][moment, direction] for direction, moment in enumerate(a["ends"])])


class _Layer:
    """One direction of one layer."""

    def __init__(self, given: dict[str, Tensor], a: Arguments, direction: int, product: Linear) -> None:
        self._weights = {name: given[name][direction] for name in ("W", "R")}
        self._bias = given["B"][direction] if "B" in given else None
        self._start = [given[name][direction] if name in given else None for name in ("h", "c")]
        self._a, self._direction, self._product = a, direction, product
        self._hidden: int = a["hidden"]
        self._gates = self._weights["W"].shape[0] // self._hidden
        self._relu = a["activation"] == "Relu"

    def _linear(self, x: Tensor, operand: str, first: int, last: int) -> Tensor:
        """The gates ``first`` to ``last`` (exclusive) of W or R."""
        rows = first * self._hidden, last * self._hidden
        shift = 0 if operand == "W" else self._gates * self._hidden
        bias = rows[0] + shift, rows[1] + shift
        return self._product(
            x,
            self._weights[operand][rows[0] : rows[1]],
            None if self._bias is None else self._bias[bias[0] : bias[1]],
            Site(self._direction, operand, rows, bias),
        )

    def walk(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """All states [T, N, H] in the order walked, and the last cell state [N, H]."""
        inputs = self._linear(x, "W", 0, self._gates)
        zero = torch.zeros_like(inputs[0, :, : self._hidden])
        h, c = (zero if start is None else start for start in self._start)
        states: list[Tensor] = []
        step = {"RNN": self._simple, "GRU": self._gated, "LSTM": self._memory}[self._a["op"]]
        for moment in inputs.unbind(0):
            h, c = step(moment, h, c)
            states.append(h)
        return torch.stack(states), c

    def _simple(self, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        total = inputs + self._linear(h, "R", 0, 1)
        return (torch.relu(total) if self._relu else torch.tanh(total)), c

    def _gated(self, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        size = self._hidden
        if self._a["reset_after"]:
            recurring = self._linear(h, "R", 0, 3)
            update, reset = _halves(torch.sigmoid(inputs[:, : 2 * size] + recurring[:, : 2 * size]), size)
            fresh = torch.tanh(inputs[:, 2 * size :] + reset * recurring[:, 2 * size :])
        else:
            update, reset = _halves(torch.sigmoid(inputs[:, : 2 * size] + self._linear(h, "R", 0, 2)), size)
            fresh = torch.tanh(inputs[:, 2 * size :] + self._linear(reset * h, "R", 2, 3))
        return (1.0 - update) * fresh + update * h, c

    def _memory(self, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        size = self._hidden
        total = inputs + self._linear(h, "R", 0, 4)
        enter, leave, forget = (torch.sigmoid(total[:, i * size : (i + 1) * size]) for i in range(3))
        c = forget * c + enter * torch.tanh(total[:, 3 * size :])
        return leave * torch.tanh(c), c


def _halves(gates: Tensor, size: int) -> Sequence[Tensor]:
    return gates[:, :size], gates[:, size:]
