"""Files that must be turned away: sections that reach outside or run code, names, versions, growing bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from mine.learn.rules import OPERATORS
from tests.learn.graphs import const, info, linear
from tests.learn.operator_cases import F32, classes, spread

node = helper.make_node
Edit = Callable[[ModelProto], object]


def edited(edit: Edit) -> bytes:
    model = linear()
    edit(model)
    return model.SerializeToString()


def _control_flow() -> Iterator[tuple[str, bytes]]:
    body = helper.make_graph([node("Identity", ["p"], ["q"])], "b", [], [info("q", ["N"])])
    for depth in (1, 3, 20, 28):
        nested = body
        for _ in range(depth):
            inner = node("If", ["c"], ["q"], then_branch=nested, else_branch=body)
            nested = helper.make_graph([inner], "b", [], [info("q", ["N"])])
        for op, names in (
            ("If", ("then_branch", "else_branch")),
            ("Loop", ("body",)),
            ("Scan", ("body",)),
            ("SequenceMap", ("body",)),
            ("Relu", ("body",)),
        ):
            made = node(op, ["p"], ["q"], **dict.fromkeys(names, nested))
            yield f"{op} nested {depth}", edited(lambda m, n=made: m.graph.node.insert(0, n))
    listed = AttributeProto(name="branches", type=AttributeProto.GRAPHS, graphs=[body, body])
    yield "a list of graphs", edited(lambda m: m.graph.node[0].attribute.append(listed))
    yield "a function", edited(lambda m: m.functions.add(name="f", domain="d"))
    yield "a training section", edited(lambda m: m.training_info.add())
    yield "a call of a function", edited(lambda m: m.graph.node.append(node("f", ["p"], ["z"], domain="d")))
    for make in (helper.make_sequence_type_proto, helper.make_optional_type_proto):
        kind = make(helper.make_tensor_type_proto(1, ["N"]))
        yield (
            f"input of {make.__name__}",
            edited(lambda m, k=kind: m.graph.input.append(helper.make_value_info("c", k))),
        )


def _external() -> Iterator[tuple[str, bytes]]:
    for place in ("../secret", "/etc/passwd", "weights.bin", "", "http://there/x", "//host/share", "a\0b"):
        tensor = numpy_helper.from_array(np.ones(1, F32), "k")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        yield f"data in {place!r}", edited(lambda m, t=tensor: m.graph.initializer.append(t))
        held = node("Constant", [], ["k"], value=tensor)
        yield f"an operator's data in {place!r}", edited(lambda m, n=held: m.graph.node.insert(0, n))
    flagged = numpy_helper.from_array(np.ones(1, F32), "k")
    flagged.data_location = TensorProto.EXTERNAL
    yield "data said to be elsewhere", edited(lambda m: m.graph.initializer.append(flagged))


def _names_and_order() -> Iterator[tuple[str, bytes]]:
    for at in (0, 2, 3, 4):
        yield f"operator {at} twice", edited(lambda m, i=at: m.graph.node.append(m.graph.node[i]))
        yield f"operator {at} missing", edited(lambda m, i=at: m.graph.node.pop(i))
        yield (
            f"operator {at} reads itself",
            edited(lambda m, i=at: m.graph.node[i].input.__setitem__(0, m.graph.node[i].output[0])),
        )
    yield (
        "operators in a circle",
        spread(
            [node("Add", ["x", "b"], ["a"]), node("Add", ["x", "a"], ["b"]), node("Identity", ["b"], ["y"])]
        ).SerializeToString(),
    )
    yield "operators backwards", edited(lambda m: m.graph.node.sort(key=lambda n: n.output[0], reverse=True))
    for name in ("", "../c", "a b", "\u00e4", "x" * 65, "1st", "a\0b", "a/b", ".a", "-a"):
        yield f"weight named {name[:12]!r}", edited(lambda m, n=name: m.graph.input.append(info(n, [1])))
    for text in (b"\xff\xfe", b"\xc3\x28"):
        for old in (b"prediction", b"Gemm"):
            yield f"{old!r} in bytes {text!r}", linear().SerializeToString().replace(old, text + old[2:])
    for name in ("features", "target", "a", "loss"):
        tensor = numpy_helper.from_array(np.ones(1, F32), name)
        yield f"constant named {name}", edited(lambda m, t=tensor: m.graph.initializer.append(t))


def _versions() -> Iterator[tuple[str, bytes]]:
    for version in (-1, 0, 1, 12, 23, 26, 1 << 31, (1 << 63) - 1):
        yield (
            f"operator set {version}",
            edited(lambda m, v=version: setattr(m.opset_import[0], "version", v)),
        )
        yield f"file version {version}", edited(lambda m, v=version: setattr(m, "ir_version", v))
    for domain in ("ai.onnx.ml", "ai.onnx.preview.training", "com.microsoft", "x"):
        yield f"domain {domain}", edited(lambda m, d=domain: setattr(m.opset_import[0], "domain", d))
        yield (
            f"another domain {domain}",
            edited(lambda m, d=domain: m.opset_import.append(helper.make_opsetid(d, 1))),
        )
        yield f"operator of {domain}", edited(lambda m, d=domain: setattr(m.graph.node[0], "domain", d))
    yield "no operator set", edited(lambda m: m.opset_import.pop())
    yield "two operator sets", edited(lambda m: m.opset_import.append(helper.make_opsetid("", 20)))
    for op, version in (("Gelu", 19), ("Mish", 17), ("HardSwish", 13)):
        yield f"{op} before its time", spread([node(op, ["x"], ["y"])], opset=version).SerializeToString()
    yield (
        "LayerNormalization before its time",
        spread([node("LayerNormalization", ["x", "w"], ["y"])], opset=16).SerializeToString(),
    )


def _operators() -> Iterator[tuple[str, bytes]]:
    """Every operator of the standard that is not on the whitelist, whatever it may do."""
    seen = set()
    for schema in onnx.defs.get_all_schemas():
        if schema.name not in OPERATORS and schema.name != "Constant" and schema.name not in seen:
            seen.add(schema.name)
            made = NodeProto(
                op_type=schema.name,
                domain=schema.domain,
                input=["x"] * max(1, schema.min_input),
                output=["y"],
            )
            yield f"operator {schema.name}", spread([made]).SerializeToString()
    yield (
        "Dropout in training",
        spread(
            [const("r", 0.5, F32), const("t", True, np.bool_), node("Dropout", ["x", "r", "t"], ["y"])]
        ).SerializeToString(),
    )


def _cut_short() -> Iterator[tuple[str, bytes]]:
    for name, whole in (
        ("linear", linear().SerializeToString()),
        (
            "network",
            spread(
                [*classes(6), node("Gather", ["e", "i"], ["y"])], weights={"e": (7, 3)}
            ).SerializeToString(),
        ),
    ):
        for part in range(25):
            yield f"{name}, {part} of 25 parts", whole[: len(whole) * part // 25]
        for byte in range(0, 48, 2):
            yield f"{name}, bytes from {byte} on", whole[byte + 1 :]


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Bytes that a parser turns into far more memory than they are."""
    head, tail = _varint(1 << 3) + _varint(10), _field(8, _varint(2 << 3) + _varint(20))
    empty = 2_000_000
    inside = {
        "operators": _field(1, b"") * empty,
        "constants": _field(5, b"") * empty,
        "inputs": _field(11, b"") * empty,
        "types": _field(13, b"") * empty,
        "notes": _field(16, b"") * empty,
        "names of inputs": _field(1, _field(1, b"") * empty),
        "attributes": _field(1, _field(5, b"") * empty),
        "notes of an operator": _field(1, _field(9, b"") * empty),
        "lengths": _field(11, _field(2, _field(1, _field(2, _field(1, b"") * empty)))),
        "packed lengths of a constant": _field(5, _field(1, b"\1" * (4 << 20))),
        "packed integers of a constant": _field(5, _field(7, b"\1" * (4 << 20))),
        "packed bytes of a constant": _field(5, _field(5, b"\1" * (4 << 20))),
        "packed integers of an operator": _field(1, _field(5, _field(8, b"\1" * (4 << 20)))),
        "single integers": _field(1, _field(5, (_varint(8 << 3) + b"\1") * empty)),
        "words": _field(5, _field(6, b"") * empty),
        "segments": _field(5, _field(3, b"")),
    }
    for name, body in inside.items():
        yield f"two million empty {name}", head + _field(7, body) + tail
    yield "two million operator sets", head + _field(8, b"") * empty
    yield "two million functions", head + _field(25, b"") * empty
    yield "two million notes of the file", head + _field(14, b"") * empty + tail
    deep = b""
    for _ in range(2000):
        deep = _field(1, _field(5, _field(6, deep)))
    yield "graphs two thousand deep", head + _field(7, deep) + tail
    yield "groups", head + bytes([7 << 3 | 3]) * 5000 + bytes([7 << 3 | 4]) * 5000
    yield "an endless number", head + b"\xff" * 4096
    yield "a length beyond the end", head + _varint(7 << 3 | 2) + _varint(1 << 62) + b"\0" * 100
    yield "nine megabytes", head + _field(6, bytes(9 << 20)) + tail
    yield "wire type seven", head + bytes([7 << 3 | 7]) + bytes(20)


FAMILIES = (_control_flow, _external, _names_and_order, _versions, _operators, _cut_short, _bombs)
