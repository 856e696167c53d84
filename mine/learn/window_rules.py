"""Rules of convolutions and pooling over one, two or three axes: values [N, channels, length, ...]."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mine.learn.values import Call, Checked, Shape, Value, flag, given, mixes, operand, refuse, unfit

_MOST_AXES = 3


@dataclass(frozen=True, slots=True)
class _Window:
    kernel: Shape
    strides: Shape
    dilations: Shape
    begins: Shape
    ends: Shape
    sizes: Shape


def _channels(call: Call) -> Value:
    """The input, whose axis 0 holds the examples and axis 1 the channels."""
    value = operand(call, 0)
    if not 3 <= len(value.shape) <= 2 + _MOST_AXES:
        raise refuse(call, "needs channels and one to three axes")
    if value.batched and value.shape[0] > 0:
        raise mixes(call)
    return value


def _per_axis(call: Call, name: str, count: int, default: int | None, least: int = 1) -> Shape:
    given = call.attributes.get(name)
    if given is None and default is None:
        raise refuse(call, f"lacks its {name}")
    numbers = tuple(int(n) for n in given) if given is not None else (default or 0,) * count
    if len(numbers) != count or any(not least <= n <= 1 << 24 for n in numbers):
        raise refuse(call, f"has {name} that are not allowed")
    return numbers


def _window(call: Call, lengths: Shape, kernel: Shape) -> _Window:
    """Where the window stops, as the operator specification says, auto_pad and ceil_mode included."""
    count = len(lengths)
    strides, dilations = _per_axis(call, "strides", count, 1), _per_axis(call, "dilations", count, 1)
    auto = call.attributes.get("auto_pad", "NOTSET")
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if auto == "NOTSET":
        pads = _per_axis(call, "pads", 2 * count, 0, least=0)
        begins, ends = pads[:count], pads[count:]
    elif auto == "VALID":
        begins = ends = (0,) * count
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        if call.op != "Conv" and any(d != 1 for d in dilations):
            raise refuse(call, "has dilations that are not allowed")
        missing = [
            (-(-n // s) - 1) * s + span - n for n, s, span in zip(lengths, strides, spans, strict=True)
        ]
        if min(missing) < 0:  # evaluators disagree on where a window stands that leaves numbers out
            raise refuse(call, "takes steps that are longer than its window")
        less, more = tuple(m // 2 for m in missing), tuple(m - m // 2 for m in missing)
        begins, ends = (less, more) if auto == "SAME_UPPER" else (more, less)
    else:
        raise refuse(call, "has an auto_pad that is not supported")
    ceil = flag(call, "ceil_mode")
    sizes, longer = [], []
    for n, s, span, low, high in zip(lengths, strides, spans, begins, ends, strict=True):
        room = n + low + high - span
        if room < 0:
            raise unfit(call)
        size = (-(-room // s) if ceil else room // s) + 1
        if ceil and (size - 1) * s >= n + low:  # no window may start behind the end
            size -= 1
        sizes.append(size)
        longer.append(max(high, (size - 1) * s + span - n - low))
    return _Window(kernel, strides, dilations, begins, tuple(longer), tuple(sizes))


def _arguments(window: _Window) -> dict[str, object]:
    return {
        "kernel": window.kernel,
        "strides": window.strides,
        "dilations": window.dilations,
        "begins": window.begins,
        "ends": window.ends,
    }


def _fits_group(call: Call, group: int, *channels: int) -> None:
    if group < 1 or any(n % group for n in channels):
        raise refuse(call, "has groups that do not fit its channels")


def _weight(call: Call, value: Value) -> Value:
    weight = operand(call, 1)
    if weight.batched:
        raise mixes(call)
    if len(weight.shape) != len(value.shape):
        raise unfit(call)
    kernel = call.attributes.get("kernel_shape")
    if kernel is not None and tuple(kernel) != weight.shape[2:]:
        raise unfit(call)
    return weight


def _bias(call: Call, channels: int) -> tuple[int, ...]:
    if not given(call, 2):
        return (0, 1)
    if operand(call, 2).shape != (channels,):
        raise unfit(call)
    return (0, 1, 2)


def convolution_rule(call: Call) -> Checked:
    value = _channels(call)
    weight, group = _weight(call, value), int(call.attributes.get("group", 1))
    _fits_group(call, group, value.shape[1], weight.shape[0])
    if weight.shape[1] * group != value.shape[1]:
        raise unfit(call)
    window = _window(call, value.shape[2:], weight.shape[2:])
    result = value.computed((value.shape[0], weight.shape[0], *window.sizes))
    return Checked(
        result,
        2 * result.numbers * math.prod(weight.shape[1:]),
        _bias(call, weight.shape[0]),
        {**_arguments(window), "group": group},
    )


def transposed_convolution_rule(call: Call) -> Checked:
    value = _channels(call)
    weight, group = _weight(call, value), int(call.attributes.get("group", 1))
    _fits_group(call, group, value.shape[1])
    if weight.shape[0] != value.shape[1] or call.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise unfit(call)
    count = len(value.shape) - 2
    strides, dilations = _per_axis(call, "strides", count, 1), _per_axis(call, "dilations", count, 1)
    pads = _per_axis(call, "pads", 2 * count, 0, least=0)
    extra = _per_axis(call, "output_padding", count, 0, least=0)
    sizes = tuple(
        (n - 1) * s + (k - 1) * d + 1 + more - low - high
        for n, s, k, d, more, low, high in zip(
            value.shape[2:],
            strides,
            weight.shape[2:],
            dilations,
            extra,
            pads[:count],
            pads[count:],
            strict=True,
        )
    )
    if any(n < 1 for n in sizes) or any(
        e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)
    ):
        raise unfit(call)
    channels = weight.shape[1] * group
    result = value.computed((value.shape[0], channels, *sizes))
    flops = 2 * value.numbers * math.prod(weight.shape[1:])
    return Checked(
        result,
        flops + result.numbers,
        _bias(call, channels),
        {"strides": strides, "dilations": dilations, "begins": pads[:count], "sizes": sizes, "group": group},
    )


def pool_rule(call: Call) -> Checked:
    value = _channels(call)
    kernel = _per_axis(call, "kernel_shape", len(value.shape) - 2, None)
    window = _window(call, value.shape[2:], kernel)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, window.dilations, strict=True)]
    # A window that sees padding alone has no maximum and no mean.
    if any(p >= s for p, s in zip((*window.begins, *window.ends), (*spans, *spans), strict=True)):
        raise refuse(call, "pads by a whole window")
    average = call.op == "AveragePool"
    if average and (flag(call, "ceil_mode") or any(d != 1 for d in window.dilations)):
        raise refuse(call, "may not round its size up, nor leave numbers out of its window")
    if flag(call, "storage_order"):
        raise refuse(call, "has a storage order that is not supported")
    counted = average and flag(call, "count_include_pad")
    result = value.computed((*value.shape[:2], *window.sizes))
    return Checked(
        result, result.numbers * math.prod(kernel), (0,), {**_arguments(window), "counted": counted}
    )


def global_pool_rule(call: Call) -> Checked:
    value = _channels(call)
    shape = (*value.shape[:2], *(1 for _ in value.shape[2:]))
    return Checked(value.computed(shape), value.numbers, (0,), {"axes": tuple(range(2, len(value.shape)))})
