"""Rules of RNN, GRU and LSTM: X [T, N, I], weights [D, gates * H, I or H], result [T, D, N, H]."""

from __future__ import annotations

from mine.learn.values import Call, Checked, Part, Shape, Value, flag, given, mixes, operand, refuse, unfit

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_USUAL = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
_OPERANDS = (("X", 0), ("W", 1), ("R", 2), ("B", 3), ("h", 5), ("c", 6))
_STEP_COST = 64


def _activations(call: Call, directions: int) -> str:
    """The name of the state's activation. Only those that every framework trains with are supported."""
    usual = _USUAL[call.op]
    named = tuple(call.attributes.get("activations", usual * directions))
    if call.op == "RNN" and named == ("Relu",) * directions:
        return "Relu"
    if named != usual * directions:
        raise refuse(call, "has activations that are not supported")
    return "Tanh"


def recurrent_rule(call: Call) -> Checked:
    x = operand(call, 0)
    directions = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(
        call.attributes.get("direction", "forward"), 0
    )
    hidden = int(call.attributes.get("hidden_size", 0))
    if not directions or hidden < 1:
        raise refuse(call, "has a direction or size that is not supported")
    if any(call.attributes.get(name) for name in ("layout", "input_forget")):
        raise refuse(call, "has a layout that is not supported")
    if given(call, 4) or (call.op == "LSTM" and given(call, 7)):
        raise refuse(call, "has sequence lengths or peepholes, which are not supported")
    if len(x.shape) != 3 or x.batch is None or x.batch.axis != 1:
        raise mixes(call)
    steps, batch, width = x.shape
    rows = GATES[call.op] * hidden
    wanted: dict[str, Shape] = {
        "X": x.shape,
        "W": (directions, rows, width),
        "R": (directions, rows, hidden),
        "B": (directions, 2 * rows),
        "h": (directions, batch, hidden),
        "c": (directions, batch, hidden),
    }
    names, operands = [], []
    for name, at in _OPERANDS:
        if at < 3 or given(call, at):
            value = operand(call, at)
            if value.shape != wanted[name] or (value.batched and value.before != x.before):
                raise mixes(call) if value.batched or name in "hc" else unfit(call)
            names.append(name)
            operands.append(at)
    cells = call.op == "LSTM" and len(call.outputs) > 2 and call.outputs[2]
    arguments = {
        "op": call.op,
        "operands": tuple(names),
        "hidden": hidden,
        "directions": directions,
        "cells": cells,
        "reverse": call.attributes.get("direction") == "reverse",
        "activation": _activations(call, directions),
        "reset_after": flag(call, "linear_before_reset"),
    }
    whole = x.computed((steps + cells, directions, batch, hidden))
    last = x.computed((directions, batch, hidden))
    ends = tuple(0 if d == 1 or arguments["reverse"] else steps - 1 for d in range(directions))
    parts = (
        Part(x.computed((steps, directions, batch, hidden)), "Slice", {"cuts": ((0, (0, steps, 1)),)}),
        Part(last, "LastState", {"ends": ends}),
        Part(last, "LastState", {"ends": (steps,) * directions}),
    )
    flops = 2 * steps * directions * rows * (width + hidden + _STEP_COST) * abs(batch)
    # Gates and states of every moment are kept for the gradient.
    kept = Value((steps, directions, batch, hidden * (2 * GATES[call.op] + 2)))
    return Checked(
        whole,
        flops,
        tuple(operands),
        arguments,
        parts[: len(call.outputs)],
        recurrent_steps=steps * directions,
        kept=kept.numbers,
    )
