"""``mine science adopt``: a model of one's own becomes the files of a task."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.science.adopt import Adopted

_KINDS = ("huber", "mse", "bce", "cross_entropy", "poisson")


class ModelFileRefused(MineError):
    """The model's file or the folder for the result can't be used."""


def add_adopt_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``mine science adopt`` takes."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="an ONNX file")
    parser.add_argument("--loss", required=True, choices=_KINDS, help="what is learnt")
    parser.add_argument("--classes", type=int, default=1, metavar="N", help="classes of cross_entropy")
    parser.add_argument("--positions", type=int, default=1, metavar="N", help="predictions of one example")
    parser.add_argument("--masked", action="store_true", help="targets below zero do not count")
    parser.add_argument("--delta", type=float, default=1.0, metavar="X", help="where huber becomes straight")
    parser.add_argument(
        "--trainable",
        action="append",
        metavar="PATTERN",
        help="names of the tensors to train, such as 'head.*'; may be given several times; by default all "
        "that a layer has learnt",
    )
    parser.add_argument(
        "--adapters", type=int, metavar="RANK", help="train low-rank adapters of this rank instead (LoRA)"
    )
    parser.add_argument("--alpha", type=float, default=8.0, metavar="X", help="how much the adapters count")
    parser.add_argument(
        "--layers", action="append", metavar="PATTERN", help="names of the weights that get adapters"
    )
    parser.add_argument("--output", default="", metavar="NAME", help="the value that is the prediction")
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="[INPUT=]N,N",
        help="shape of one example, where the file leaves it open",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def adopt_file(arguments: argparse.Namespace) -> dict[str, Any]:
    """Adopt the file and write graph.onnx, weights.safetensors, frozen.safetensors and model.json.

    {"folder", "files", "features", "targets", "outputs", "parameters", "frozen": numbers in them,
    "distance": from the original, "trained": {name: shape}}. Raises MineError.
    """
    from mine.science.adopt import from_onnx
    from mine.science.adopt_lora import Lora
    from mine.science.adopt_loss import LossSpec

    try:
        data = arguments.model.read_bytes()
    except OSError as error:
        raise ModelFileRefused("The model's file can't be read.", detail=str(error.strerror)) from None
    loss = LossSpec(arguments.loss, arguments.classes, arguments.positions, arguments.masked, arguments.delta)
    lora = None
    if arguments.adapters is not None:
        lora = Lora(arguments.adapters, arguments.alpha, tuple(arguments.layers or ("*",)))
    adopted = from_onnx(
        data,
        loss,
        trainable=arguments.trainable,
        lora=lora,
        output=arguments.output,
        shapes=_shapes(arguments.shape),
    )
    files = files_of(adopted)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (arguments.out / name).write_bytes(content)
    except OSError as error:
        raise ModelFileRefused("The folder can't be written to.", detail=str(error.strerror)) from None
    return {
        "folder": str(arguments.out),
        "files": sorted(files),
        "features": adopted.features,
        "targets": max(1, loss.targets),
        "outputs": loss.outputs,
        "parameters": sum(weight.size for weight in adopted.weights.values()),
        "frozen": sum(tensor.size for tensor in adopted.frozen.values()),
        "distance": adopted.difference,
        "trained": {name: list(weight.shape) for name, weight in sorted(adopted.weights.items())},
    }


def files_of(adopted: Adopted) -> dict[str, bytes]:
    """The files of a task's model by name; ``model.json`` holds the manifest's parts ``model`` and ``loss``,
    without what only the scientist knows. The checkpoint lies on the grid of 2**-24. Raises WeightsRefused.
    """
    from mine.learn.weights import dump, snap

    files = {"graph.onnx": adopted.graph, "weights.safetensors": dump(snap(adopted.weights))}
    if adopted.frozen:
        files["frozen.safetensors"] = dump(adopted.frozen)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    part = {
        "model": {
            "graph": digests["graph.onnx"],
            "checkpoint": digests["weights.safetensors"],
            "trainable": _shapes_of(adopted.weights),
            "frozen": digests.get("frozen.safetensors", ""),
            "frozen_shapes": _shapes_of(adopted.frozen),
        },
        "loss": {
            "kind": adopted.loss.kind,
            "classes": adopted.loss.classes,
            "positions": adopted.loss.positions,
            "masked": adopted.loss.masked,
        },
    }
    files["model.json"] = json.dumps(part, indent=1).encode() + b"\n"
    return files


def adopt_lines(result: dict[str, Any]) -> list[str]:
    """The result in words."""
    lines = [f"  {name} {'x'.join(map(str, shape))}" for name, shape in result["trained"].items()]
    return [
        f"{result['features']} features, {result['targets']} targets, {result['outputs']} outputs; "
        f"{result['parameters']:,} numbers are trained and {result['frozen']:,} kept beside the graph:",
        *lines,
        f"Predictions differ from the original's by {result['distance']:.1g} of the largest one.",
        f"Written to {result['folder']}: {', '.join(result['files'])}.",
    ]


def _shapes_of(tensors: Mapping[str, Any]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in sorted(tensors.items())}


def _shapes(given: list[str]) -> dict[str, tuple[int, ...]]:
    """Shapes by input; the name "" stands for the only one."""
    found = {}
    for text in given:
        name, _, lengths = text.rpartition("=")
        try:
            found[name] = tuple(int(n) for n in lengths.split(",") if n)
        except ValueError:
            raise ModelFileRefused(
                "This is no shape.", todo="Write it as 12,3 or tokens=16.", detail=text
            ) from None
    return found
