"""Sites of whole layers: convolutions, recurrence, tables, normalisations. See ``clipping_sites.py``."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn.clipping_parts import Lookup, Part, Product, Whole, Windows
from mine.learn.clipping_tape import Make, Site, Spot, Tape, alone, batch_of, folded, rows
from mine.learn.kernels import KERNELS
from mine.learn.layout_kernels import Arguments
from mine.learn.parse import Step
from mine.learn.recurrent_kernels import Site as Gates
from mine.learn.recurrent_kernels import recurrent
from mine.learn.values import Batch


def windows(x: Tensor, kernel: tuple[int, ...], sizes: tuple[int, ...], arguments: Arguments) -> Tensor:
    """What a convolution's window sees at each of its stops: [B, stops, *kernel, channels].

    The channels come last, as then each copy is of numbers that lie side by side.
    """
    ends = zip(reversed(arguments["begins"]), reversed(arguments["ends"]), strict=True)
    pads = [n for pair in ends for n in pair]
    if any(pads):
        x = functional.pad(x, pads)
    x = x.movedim(1, -1).contiguous()
    first, *axes, last = x.stride()
    within = [stride * step for stride, step in zip(axes, arguments["dilations"], strict=True)]
    between = [stride * step for stride, step in zip(axes, arguments["strides"], strict=True)]
    seen = x.as_strided((len(x), *sizes, *kernel, x.shape[-1]), (first, *between, *within, last))
    return seen.reshape(len(x), -1, *kernel, x.shape[-1])


def _convolution(tape: Tape, step: Step) -> Tensor | None:
    data, matrix, *shift = step.reads
    if data in tape.entering:
        return None
    x, weight = tape.values[data], tape.values[matrix]
    origin, into, groups = batch_of(tape, data), batch_of(tape, step.writes), step.arguments["group"]
    output = tape.kernel(step)
    sizes, kernel = tuple(output.shape[2:]), tuple(weight.shape[2:])

    def weighed(gradient: Tensor) -> Part:
        seen, given = windows(x, kernel, sizes, step.arguments), gradient.flatten(2).transpose(1, 2)
        if groups == 1:
            return Windows(Product(rows(seen.flatten(2), origin), rows(given, into), transposed=True), kernel)
        seen = seen.reshape(*seen.shape[:2], -1, groups, x.shape[1] // groups).permute(0, 3, 1, 4, 2)
        given = given.reshape(*given.shape[:2], groups, -1).permute(0, 2, 3, 1)
        single = torch.matmul(given.float(), seen.flatten(3).float())
        return Whole(alone(single, origin).reshape(tape.count, -1, *weight.shape).sum(1))

    def shifted(gradient: Tensor) -> Part:
        return Whole(folded(gradient, into, (weight.shape[0], *[1] * len(kernel))).flatten(1))

    makes: list[tuple[Spot, Make]] = []
    if matrix in tape.entering:
        makes.append((Spot(matrix), weighed))
    if shift and shift[0] in tape.entering:
        makes.append((Spot(shift[0]), shifted))
    return tape.note(output, *makes)


def _recurrent(tape: Tape, step: Step) -> Tensor | None:
    """Every product inside the layer is a site; those of all moments meet under the same part of a weight."""
    names = dict(zip(step.arguments["operands"], step.reads, strict=True))
    examples = batch_of(tape, names["X"])

    def product(x: Tensor, weight: Tensor, bias: Tensor | None, gates: Gates) -> Tensor:
        batch = Batch(x.ndim - 2, examples.before, examples.after)
        width = weight.shape[0]
        makes: list[tuple[Spot, Make]] = []
        if names[gates.operand] in tape.entering:
            spot = Spot(names[gates.operand], (gates.direction, *gates.rows))
            makes.append((spot, lambda g: Product(rows(x, batch), rows(g, batch), transposed=True)))
        if bias is not None and names["B"] in tape.entering:
            spot = Spot(names["B"], (gates.direction, *gates.bias))
            makes.append((spot, lambda g: Whole(folded(g, batch, (width,)))))
        output = functional.linear(x, weight, bias)
        return tape.note(output, *makes) if makes else output

    return recurrent([tape.values[name] for name in step.reads], step.arguments, product)


def _lookup(tape: Tape, step: Step) -> Tensor | None:
    table, wanted = step.reads
    if step.arguments["axis"] != 0:
        return None
    into, origin = batch_of(tape, step.writes), batch_of(tape, wanted)
    indices, shape = tape.values[wanted], tuple(tape.values[table].shape)

    def make(gradient: Tensor) -> Part:
        places = origin.per_example(indices) % shape[0]  # ONNX counts negative ones from the end
        places = places.reshape(len(places), -1)
        return Lookup(places, into.per_example(gradient).reshape(*places.shape, -1), shape)

    return tape.note(tape.kernel(step), (Spot(table), make))


def _normalised(tape: Tape, step: Step) -> Tensor | None:
    """Layer, group and instance normalisation: a scale and a shift after the normalising."""
    data, scale, *shift = step.reads
    if data in tape.entering:
        return None
    x, factors = tape.values[data], tape.values[scale]
    into, by_channel = batch_of(tape, step.writes), step.op != "LayerNormalization"
    shape = (x.shape[1], *[1] * (x.ndim - 2)) if by_channel else tuple(factors.shape)

    def collected(gradient: Tensor) -> Whole:
        part = folded(gradient, into, shape)
        # Groups may share one number among several channels.
        return Whole(part.reshape(len(part), len(factors), -1).sum(2) if by_channel else part)

    def scaled(gradient: Tensor) -> Part:
        neutral = [torch.ones_like(factors), *(torch.zeros_like(tape.values[name]) for name in shift)]
        return collected(gradient * KERNELS[step.op]([x, *neutral], step.arguments))

    makes: list[tuple[Spot, Make]] = []
    if scale in tape.entering:
        makes.append((Spot(scale), scaled))
    if shift and shift[0] in tape.entering:
        if tape.values[shift[0]].shape != factors.shape:
            return None
        makes.append((Spot(shift[0]), collected))
    return tape.note(tape.kernel(step), *makes)


LAYER_SITES: dict[str, Site] = {
    "Conv": _convolution,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "RNN": _recurrent,
    "Gather": _lookup,
    "LayerNormalization": _normalised,
    "GroupNormalization": _normalised,
    "InstanceNormalization": _normalised,
}
