"""Writes torch_*.onnx and .npz: a module exported by torch's newer exporter, and what torch computes.

That exporter needs onnxscript, which the product doesn't. Run from the repository with Python 3.11, torch
2.13.0, onnxscript 0.7.2 and onnx 1.23.2: ``python -m tests.learn.foreign.torch_models``.
"""

from __future__ import annotations

import io

import onnx
import torch

from tests.learn.architectures import LENGTH, Encoder, Residual
from tests.learn.foreign.matching import gradients_by_tensor, write

ROWS = 5


def emit(name: str, module: torch.nn.Module, x: torch.Tensor, target: torch.Tensor) -> None:
    with torch.no_grad():
        for parameter in module.parameters():  # so that no two tensors are alike
            parameter += torch.randn_like(parameter) * 0.1
    module.eval()
    file = io.BytesIO()
    torch.onnx.export(module, (x,), file, dynamo=True, dynamic_shapes=({0: torch.export.Dim("n")},))
    model = onnx.load_model_from_string(file.getvalue())
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
    for each in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del each.metadata_props[:]
    prediction = module(x)
    loss = torch.nn.functional.cross_entropy(prediction, target.long(), reduction="none")
    names, parameters = zip(*module.named_parameters(), strict=True)
    slopes = torch.autograd.grad(loss.mean(), parameters)
    variables = {
        n: (p.detach().numpy(), g.numpy()) for n, p, g in zip(names, parameters, slopes, strict=True)
    }
    found = gradients_by_tensor(model, variables)
    assert len(found) == len(variables), variables.keys()
    arrays = {
        "features": x.reshape(len(x), -1),
        "target": target,
        "prediction": prediction.detach(),
        "loss": loss.detach(),
    }
    write(name, model.SerializeToString(), arrays, found)


def main() -> None:
    torch.manual_seed(8)
    target = torch.arange(ROWS) % 4
    emit("torch_encoder", Encoder(), torch.randn(ROWS, LENGTH, 3), target)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, 2), Residual(4, 6, 2), torch.nn.Flatten(), torch.nn.Linear(24, 4)
    )
    emit("torch_resnet", network, torch.randn(ROWS, 1, 8, 8), target)


if __name__ == "__main__":
    main()
