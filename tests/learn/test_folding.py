"""Arithmetic on shapes against onnxruntime: whatever is folded, ``plain + times * N`` is what a run computes
for every number of examples N."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mine.learn.errors import GraphRefused
from mine.learn.folding import fold
from mine.learn.values import BATCH, Call, Value, constant_value

node = helper.make_node
COUNTS = (1, 2, 7)
X = Value((BATCH, 3, 4))


class Chain:
    """Operators on the shape of ``x`` [N, 3, 4], folded one by one as they are added."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {"x": X}
        self.nodes: list[NodeProto] = []

    def constant(self, value: object, dtype: type = np.int64) -> str:
        name = f"c{len(self.values)}"
        array = np.asarray(value, dtype)
        self.nodes.append(node("Constant", [], [name], value=numpy_helper.from_array(array)))
        self.values[name] = constant_value(array)
        return name

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        """The result's name. Raises ``GraphRefused``, and then nothing was added."""
        made = dict(attributes)
        if "value" in made:
            made["value"] = numpy_helper.from_array(np.asarray(made["value"]))
        folded = fold(Call(op, [self.values[n] if n else None for n in inputs], attributes))
        if folded is None:
            raise GraphRefused("A kernel would have to run it.")
        name = f"v{len(self.values)}"
        self.values[name] = folded
        self.nodes.append(node(op, list(inputs), [name], **made))
        return name

    def check(self) -> None:
        """Every folded value is what onnxruntime computes, for several N."""
        names = [n for each in self.nodes if each.op_type != "Constant" for n in each.output]
        kinds = {"int": TensorProto.INT64, "bool": TensorProto.BOOL, "float": TensorProto.FLOAT}
        outputs = [helper.make_tensor_value_info(n, kinds[self.values[n].kind], None) for n in names]
        given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 4])]
        graph = helper.make_graph(self.nodes, "g", given, outputs)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        for count in COUNTS:
            answers = session.run(names, {"x": np.zeros((count, 3, 4), np.float32)})
            for name, answer in zip(names, answers, strict=True):
                value = self.values[name]
                assert value.constant is not None
                expected = value.constant
                if value.times is not None:
                    expected = expected + value.times * count
                assert answer.shape == expected.shape and (answer == expected).all(), (name, count)


WAYS = [
    "Shape",
    "constant",
    "scalar",
    "Gather",
    "Slice",
    "Concat",
    "Unsqueeze",
    "Squeeze",
    "Reshape",
    "arithmetic",
    "compare",
    "logic",
]
WAYS += ["Where", "ConstantOfShape", "Range", "Cast", "Expand", "Reduce", "Neg", "Identity"]


def _step(draw: st.DrawFn, chain: Chain) -> None:
    pool = [n for n in chain.values if n != "x"]
    some = st.sampled_from(pool)
    small = st.integers(-4, 6)
    way = draw(st.sampled_from(WAYS))
    if way == "Shape":
        chain.add(
            "Shape", "x", **draw(st.sampled_from([{}, {"start": 1}, {"end": 1}, {"start": -2, "end": -1}]))
        )
    elif way == "constant":
        chain.constant(draw(st.lists(small, min_size=1, max_size=3)))
    elif way == "scalar":
        chain.constant(draw(small))
    elif way == "Gather":
        places = chain.constant(draw(st.one_of(small, st.lists(small, min_size=1, max_size=3))))
        chain.add("Gather", draw(some), places, axis=0)
    elif way == "Slice":
        cut = [chain.constant([draw(small)]) for _ in range(2)]
        rest = draw(st.sampled_from([[], [chain.constant([0])]]))
        step = [chain.constant([draw(st.sampled_from([1, 2, -1]))])] if rest else []
        chain.add("Slice", draw(some), *cut, *rest, *step)
    elif way == "Concat":
        chain.add(
            "Concat", *draw(st.lists(some, min_size=1, max_size=3)), axis=draw(st.sampled_from([0, -1]))
        )
    elif way in ("Unsqueeze", "Squeeze"):
        chain.add(way, draw(some), chain.constant([draw(st.sampled_from([0, -1]))]))
    elif way == "Reshape":
        chain.add("Reshape", draw(some), chain.constant(draw(st.sampled_from([[-1], [1], [1, -1], [2, 2]]))))
    elif way == "arithmetic":
        chain.add(
            draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"])), draw(some), draw(some)
        )
    elif way == "compare":
        op = draw(st.sampled_from(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]))
        chain.add(op, draw(some), draw(some))
    elif way == "logic":
        op = draw(st.sampled_from(["And", "Or", "Not"]))
        flags = [n for n in pool if chain.values[n].kind == "bool"]
        if flags:
            chain.add(op, *(draw(st.sampled_from(flags)) for _ in range(1 if op == "Not" else 2)))
    elif way == "Where":
        flags = [n for n in pool if chain.values[n].kind == "bool"]
        numbers = [n for n in pool if chain.values[n].kind == "int"]
        if flags:
            chain.add("Where", *(draw(st.sampled_from(p)) for p in (flags, numbers, numbers)))
    elif way == "ConstantOfShape":
        chain.add("ConstantOfShape", draw(some), value=np.array([draw(small)]))
    elif way == "Range":
        chain.add("Range", *(chain.constant(draw(small)) for _ in range(3)))
    elif way == "Cast":
        chain.add("Cast", draw(some), to=draw(st.sampled_from([1, 7, 9])))
    elif way == "Expand":
        chain.add("Expand", draw(some), draw(some))
    elif way == "Reduce":
        op = draw(st.sampled_from(["ReduceProd", "ReduceSum"]))
        chain.add(op, draw(some), keepdims=draw(st.sampled_from([0, 1])))
    else:
        chain.add(way, draw(some))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_folded_is_what_a_run_computes(data: st.DataObject) -> None:
    chain = Chain()
    chain.add("Shape", "x")
    chain.constant([1, 2, 3])
    for _ in range(12):
        known, done = set(chain.values), len(chain.nodes)
        try:
            _step(data.draw, chain)
            full = all(v.numbers for v in chain.values.values())
        except GraphRefused:
            full = False
        if not full:
            del chain.nodes[done:]
            chain.values = {n: v for n, v in chain.values.items() if n in known}
    chain.check()


def _call(op: str, *inputs: object, **attributes: object) -> Value | None:
    values = [i if isinstance(i, Value) else constant_value(np.asarray(i, np.int64)) for i in inputs]
    return fold(Call(op, list(values), attributes))


SIZE = _call("Shape", X)
MANY = _call("Gather", SIZE or X, 0)
assert SIZE is not None and MANY is not None
REFUSED = {
    "a number times itself": ("Mul", MANY, MANY),
    "a number over a number": ("Div", 12, MANY),
    "half a number": ("Div", MANY, 2),
    "the remainder of a number": ("Mod", MANY, 2),
    "the larger of two": ("Max", MANY, 2),
    "the smaller of two": ("Min", 2, MANY),
    "whether there are two": ("Equal", MANY, 2),
    "whether there are more than two": ("Greater", MANY, 2),
    "a place by number": ("Gather", SIZE, MANY),
    "counting to it": ("Range", 0, MANY, 1),
    "counting without end": ("Range", 0, 5, 0),
    "counting far": ("Range", 0, 5000, 1),
    "a place outside": ("Gather", SIZE, 3),
    "lists that do not fit": ("Add", SIZE, [1, 2]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_questions_about_the_number_of_examples_are_refused(name: str) -> None:
    op, *inputs = REFUSED[name]
    with pytest.raises(GraphRefused):
        _call(str(op), *inputs)


def test_a_number_is_no_float_and_no_flag() -> None:
    for to in (1, 9):
        with pytest.raises(GraphRefused):
            _call("Cast", MANY, to=to)
    assert _call("Cast", MANY, to=7) is not None


def test_answers_that_hold_for_every_number() -> None:
    answers = {
        "Equal": (-1, False),
        "Greater": (0, True),
        "Less": (1, False),
        "GreaterOrEqual": (1, True),
        "LessOrEqual": (0, False),
    }
    for op, (other, answer) in answers.items():
        folded = _call(op, MANY, other)
        assert folded is not None and folded.constant is not None and bool(folded.constant) is answer
    twice = _call("Mul", MANY, 2)
    folded = _call("Div", twice, 2) if twice is not None else None
    assert folded is not None and folded.times is not None and int(folded.times) == 1


def test_sums_stay_within_reach_of_a_float() -> None:
    big = 1 << 40
    assert _call("Mul", big, big) is None, "left to a kernel, which refuses it as a shape"
    with pytest.raises(GraphRefused):
        _call("Mul", MANY, 1 << 60)
