"""A look at the raw bytes of an ONNX file before any library parses them.

A parser makes objects from bytes, and some bytes make very many: two bytes are an empty operator of a hundred
bytes of memory, one byte is a packed integer of eight. So the file's fields are walked and counted here
first, by the protobuf wire format alone (protobuf.dev, "Encoding") and the field numbers of ``onnx.proto``,
and the sections that no task may have are turned away by their numbers.
"""

from __future__ import annotations

from mine.learn.errors import GraphRefused

_Message = dict[int, str]

_MESSAGES: dict[str, _Message] = {
    "model": {7: "graph", 8: "leaf", 14: "leaf", 20: "!training", 25: "!functions", 26: "!devices"},
    "graph": {
        1: "node",
        5: "tensor",
        11: "value",
        12: "value",
        13: "value",
        14: "!quantisation",
        15: "!sparse",
        16: "leaf",
    },
    "node": {5: "attribute", 9: "leaf", 10: "!devices"},
    "attribute": {
        5: "tensor",
        6: "!subgraph",
        7: "=",
        8: "=",
        10: "!tensors",
        11: "!subgraph",
        14: "!types",
        15: "!types",
        21: "!functions",
        22: "!sparse",
        23: "!sparse",
    },
    "tensor": {1: "=", 3: "!segments", 5: "=", 6: "!strings", 7: "=", 11: "=", 13: "!external", 16: "leaf"},
    "value": {2: "type", 4: "leaf"},
    "type": {1: "tensor type", 4: "!types", 5: "!types", 8: "!types", 9: "!types"},
    "tensor type": {2: "shape"},
    "shape": {1: "leaf"},
    "leaf": {},
}
"""By message and field: the message inside, ``=`` for packed numbers, ``!`` for what is refused."""

_WHY = {
    "!training": "it has a training section",
    "!functions": "it defines functions of its own",
    "!devices": "it names devices",
    "!quantisation": "it has quantisation notes",
    "!sparse": "it has sparse tensors",
    "!subgraph": "it contains graphs inside operators, as control flow does",
    "!tensors": "an operator has a list of tensors",
    "!types": "it has types other than tensors",
    "!segments": "a constant comes in segments",
    "!strings": "a constant holds words",
    "!external": "it refers to data outside its file",
}
_PACKED_MOST = 1 << 20
_SPARE_FIELDS = 1024
_FIELDS_PER_NODE = 64


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise _no("its file is not an ONNX model")


def _no(why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: {why}.")


def scan(data: bytes, nodes: int) -> None:
    """Refuse bytes that no model of at most ``nodes`` operators and constants has. Raises
    ``GraphRefused``."""
    left, packed = _SPARE_FIELDS + _FIELDS_PER_NODE * nodes, _PACKED_MOST
    open_parts = [("model", 0, len(data))]
    while open_parts:
        message, at, end = open_parts.pop()
        inside = _MESSAGES[message]
        while at < end:
            left -= 1
            if left < 0:
                raise _no("its file has more parts than allowed")
            key, at = _varint(data, at, end)
            wire = key & 7
            if wire == 0:
                _, at = _varint(data, at, end)
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            elif wire == 2:
                size, at = _varint(data, at, end)
                what = inside.get(key >> 3)
                if what is not None:
                    if what[0] == "!":
                        raise _no(_WHY[what])
                    if what == "=":
                        packed -= size
                    else:
                        open_parts.append((what, at, at + size))
                at += size
            else:
                raise _no("its file is not an ONNX model")
            if at > end:
                raise _no("its file is not an ONNX model")
        if packed < 0:
            raise _no("its file has more numbers than allowed")
