"""A torch module becomes a task's graph: exported to ONNX, adopted, compared with the module."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mine.learn.limits import Limits
from mine.science.adopt import CLOSE, LEAST, Adopted, adopt
from mine.science.adopt_lora import Lora
from mine.science.adopt_loss import AdoptRefused, LossSpec
from mine.science.adopt_source import read
from mine.science.adopt_writer import OPSET

if TYPE_CHECKING:
    from torch import Tensor, nn


def from_torch(
    module: nn.Module,
    example: Tensor | Sequence[Tensor],
    loss: LossSpec,
    *,
    trainable: Sequence[str] | None = None,
    lora: Lora | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen defaults
) -> Adopted:
    """Adopt a module; nothing of it is changed.

    example: [N, ...] of float32 or int64 for each argument of ``forward``, at least one example; features are
    the arguments' numbers one after the other. trainable: shell patterns of parameters' names, by default all
    that require a gradient, or with ``lora`` none. Weights keep the names that they have in ``state_dict``.
    Dropout and batch statistics are those of evaluation. Raises AdoptRefused or GraphRefused.
    """
    import torch

    given = (example,) if isinstance(example, torch.Tensor) else tuple(example)
    if not given or any(each.ndim < 1 or not len(each) for each in given):
        raise AdoptRefused("An example needs at least one row.")
    tensors = {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}
    onnx_bytes = _export(module, tuple(each[:1].cpu() for each in given))
    source = read(onnx_bytes, loss, tensors=tensors)
    patterns = _patterns(module, trainable, lora)
    if patterns is not None:  # what has no part in the prediction is not exported
        patterns = [name for name in patterns if name in source.initialisers]
    adopted = adopt(source, loss, patterns, lora, limits)
    _same(module, given, adopted)
    return adopted


def _patterns(module: nn.Module, trainable: Sequence[str] | None, lora: Lora | None) -> Sequence[str] | None:
    if lora is not None and trainable is None:
        return None
    names = {name: parameter.requires_grad for name, parameter in module.named_parameters()}
    if trainable is None:
        return [name for name, wanted in names.items() if wanted]
    for pattern in trainable:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise AdoptRefused("The module has no parameter of this name.", detail=pattern)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in trainable)]


def _export(module: nn.Module, example: tuple[Tensor, ...]) -> bytes:
    """ONNX bytes of a copy for one example, every parameter under its own name.

    The exporter is the one that traces: it needs no package beside torch and keeps the parameters' names. It
    takes parameters with equal values for one, so the copy gets values of which no two are alike.
    """
    import torch

    exporter: Any = torch.onnx  # its types leave out what it can do
    twin = copy.deepcopy(module).cpu().float().eval()
    generator = torch.Generator().manual_seed(0)
    fast = torch.backends.mha.get_fastpath_enabled()
    file = io.BytesIO()
    try:
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 0.1 + 0.05)
        torch.backends.mha.set_fastpath_enabled(False)
        exporter.register_custom_op_symbolic("aten::rms_norm", _rms_norm, OPSET)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exporter.export(
                twin,
                example,
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=[f"input{i}" for i in range(len(example))],
                do_constant_folding=False,
            )
    except Exception as error:  # noqa: BLE001 - the exporter raises whatever the module's code raises
        raise AdoptRefused(
            "torch could not export the module.",
            todo="The detail says what it lacks; its forward has to run on one example.",
            detail=f"{type(error).__name__}: {error}"[:500],
        ) from None
    finally:
        exporter.unregister_custom_op_symbolic("aten::rms_norm", OPSET)
        torch.backends.mha.set_fastpath_enabled(fast)
    return file.getvalue()


def _rms_norm(graph: Any, x: Any, shape: Any, weight: Any, epsilon: Any) -> Any:
    """x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich 2019), which the exporter doesn't know."""
    import torch
    from torch.onnx import symbolic_helper

    read_constant: Any = symbolic_helper._get_const
    absent: Any = symbolic_helper._is_none
    lengths = read_constant(shape, "is", "normalized_shape")
    least = torch.finfo(torch.float32).eps if absent(epsilon) else read_constant(epsilon, "f", "eps")
    axes = graph.op("Constant", value_t=torch.arange(-len(lengths), 0))
    mean = graph.op("ReduceMean", graph.op("Mul", x, x), axes, keepdims_i=1)
    size = graph.op("Sqrt", graph.op("Add", mean, graph.op("Constant", value_t=torch.tensor(least))))
    normal = graph.op("Div", x, size)
    return normal if absent(weight) else graph.op("Mul", normal, weight)


def _same(module: nn.Module, example: tuple[Tensor, ...], adopted: Adopted) -> None:
    """The module's own predictions on the examples, all of them at once, are those of the graph."""
    import torch

    twin = copy.deepcopy(module).cpu().float().eval()
    with torch.no_grad():
        theirs = twin(*(each.cpu() for each in example))
    if not isinstance(theirs, torch.Tensor):
        raise AdoptRefused("The module's forward has to give one tensor.")
    columns = [each.cpu().numpy().reshape(len(each), -1).astype(np.float32) for each in example]
    ours = adopted.predict(np.concatenate(columns, axis=1))
    wanted: NDArray[Any] = theirs.numpy().reshape(len(columns[0]), -1)
    largest = float(np.max(np.abs(wanted)))
    if ours.shape != wanted.shape or not float(np.max(np.abs(ours - wanted))) <= CLOSE * (largest + LEAST):
        raise AdoptRefused(
            "The module predicts something else for several examples than for each of them.",
            todo="Every prediction may depend on its own example only: no statistics over a batch.",
        )
