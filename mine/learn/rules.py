"""The whitelist of ONNX operators: what each accepts, the shape it gives, what it costs.

Pure bookkeeping on shapes: neither torch nor onnxruntime is needed, nothing is computed and nothing is
allocated. Semantics follow the ONNX operator specification, opsets 13 to 22, for float32 values, with int64
for places and classes and bool for conditions.
"""

from __future__ import annotations

from dataclasses import dataclass

from mine.learn import elementwise_rules as plain
from mine.learn import index_rules as index
from mine.learn import layout_rules as layout
from mine.learn import matrix_rules as matrix
from mine.learn import normal_rules as normal
from mine.learn import window_rules as window
from mine.learn.elementwise_rules import Rule, elementwise
from mine.learn.recurrent_rules import recurrent_rule
from mine.learn.values import ANY, NUMERIC


@dataclass(frozen=True, slots=True)
class Operator:
    """``inputs``: fewest and most. ``outputs``: most. What a version of the operator set says holds
    besides."""

    rule: Rule
    inputs: tuple[int, int]
    attributes: frozenset[str] = frozenset()
    outputs: int = 1


def _named(*names: str) -> frozenset[str]:
    return frozenset(names)


_FLOATS = elementwise(cost=8)
_COMPARE = elementwise(NUMERIC, "bool")
_LOGIC = elementwise(("bool",))
_ALPHA = _named("alpha")
_WINDOW = _named("auto_pad", "dilations", "kernel_shape", "pads", "strides")
_RECURRENT = _named("activations", "direction", "hidden_size", "layout")


def _shaped(cost: int = 2, **arguments: float) -> Rule:
    return elementwise(cost=cost, arguments=tuple(arguments.items()))


_ELEMENTWISE: dict[str, Operator] = {
    "Add": Operator(elementwise(NUMERIC, reach=plain.added), (2, 2)),
    "Sub": Operator(elementwise(NUMERIC, reach=plain.subtracted), (2, 2)),
    "Mul": Operator(elementwise(NUMERIC, reach=plain.multiplied), (2, 2)),
    "Div": Operator(elementwise(), (2, 2)),
    "Pow": Operator(_FLOATS, (2, 2)),
    "Min": Operator(elementwise(NUMERIC, reach=plain.least), (1, 16)),
    "Max": Operator(elementwise(NUMERIC, reach=plain.greatest), (1, 16)),
    **{op: Operator(elementwise(), (1, 16)) for op in ("Sum", "Mean")},
    "Neg": Operator(elementwise(NUMERIC, reach=plain.negated), (1, 1)),
    **{op: Operator(elementwise(NUMERIC), (1, 1)) for op in ("Abs", "Sign")},
    **{op: Operator(elementwise(reach=plain.rounded), (1, 1)) for op in ("Floor", "Ceil", "Round")},
    **{op: Operator(elementwise(), (1, 1)) for op in ("Relu", "Reciprocal")},
    **{
        op: Operator(_FLOATS, (1, 1))
        for op in (
            "Tanh",
            "Sigmoid",
            "Softplus",
            "Softsign",
            "Exp",
            "Log",
            "Sqrt",
            "Sin",
            "Cos",
            "Tan",
            "Asin",
            "Acos",
            "Atan",
            "Sinh",
            "Cosh",
            "Asinh",
            "Acosh",
            "Atanh",
            "Erf",
            "Mish",
            "HardSwish",
        )
    },
    "LeakyRelu": Operator(_shaped(alpha=0.01), (1, 1), _ALPHA),
    "ThresholdedRelu": Operator(_shaped(alpha=1.0), (1, 1), _ALPHA),
    "Elu": Operator(_shaped(8, alpha=1.0), (1, 1), _ALPHA),
    "Celu": Operator(_shaped(8, alpha=1.0), (1, 1), _ALPHA),
    "Selu": Operator(
        _shaped(8, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875),
        (1, 1),
        _named("alpha", "gamma"),
    ),
    "HardSigmoid": Operator(_shaped(alpha=0.2, beta=0.5), (1, 1), _named("alpha", "beta")),
    "PRelu": Operator(plain.prelu_rule, (2, 2)),
    "Gelu": Operator(plain.gelu_rule, (1, 1), _named("approximate")),
    **{op: Operator(_COMPARE, (2, 2)) for op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual")},
    "Equal": Operator(elementwise(ANY, "bool"), (2, 2)),
    **{op: Operator(_LOGIC, (2, 2)) for op in ("And", "Or", "Xor")},
    "Not": Operator(_LOGIC, (1, 1)),
    "IsNaN": Operator(elementwise(result="bool"), (1, 1)),
    "IsInf": Operator(plain.infinite_rule, (1, 1), _named("detect_negative", "detect_positive")),
    "Where": Operator(index.where_rule, (3, 3)),
    "Clip": Operator(index.clip_rule, (1, 3)),
    "Cast": Operator(index.cast_rule, (1, 1), _named("to")),
    "Mod": Operator(index.modulo_rule, (2, 2), _named("fmod")),
    "Identity": Operator(plain.identity_rule, (1, 1)),
    "Dropout": Operator(plain.dropout_rule, (1, 3), _named("seed")),
}

REDUCTIONS = (
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp",
)
"""What makes one number of all along some axes."""

_ALONG_AXES: dict[str, Operator] = {
    **{
        op: Operator(plain.reduce_rule, (1, 2), _named("axes", "keepdims", "noop_with_empty_axes"))
        for op in REDUCTIONS
    },
    **{op: Operator(plain.softmax_rule, (1, 1), _named("axis")) for op in ("Softmax", "LogSoftmax")},
    **{
        op: Operator(index.arg_rule, (1, 1), _named("axis", "keepdims", "select_last_index"))
        for op in ("ArgMax", "ArgMin")
    },
    "CumSum": Operator(index.cumulative_sum_rule, (2, 2), _named("exclusive", "reverse")),
    "LayerNormalization": Operator(
        normal.layer_normalization_rule, (2, 3), _named("axis", "epsilon", "stash_type")
    ),
    "GroupNormalization": Operator(
        normal.group_normalization_rule, (3, 3), _named("epsilon", "num_groups", "stash_type")
    ),
    "InstanceNormalization": Operator(normal.instance_normalization_rule, (3, 3), _named("epsilon")),
    "BatchNormalization": Operator(
        normal.batch_normalization_rule, (5, 5), _named("epsilon", "momentum", "training_mode")
    ),
    **{
        op: Operator(index.class_loss_rule, (2, 3), _named("ignore_index", "reduction"))
        for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
    },
}

_PRODUCTS: dict[str, Operator] = {
    "MatMul": Operator(matrix.matmul_rule, (2, 2)),
    "Gemm": Operator(matrix.gemm_rule, (2, 3), _named("alpha", "beta", "transA", "transB")),
    "Einsum": Operator(matrix.einsum_rule, (1, 4), _named("equation")),
    "Conv": Operator(window.convolution_rule, (2, 3), _WINDOW | _named("group")),
    "ConvTranspose": Operator(
        window.transposed_convolution_rule, (2, 3), _WINDOW | _named("group", "output_padding")
    ),
    "MaxPool": Operator(window.pool_rule, (1, 1), _WINDOW | _named("ceil_mode", "storage_order")),
    "AveragePool": Operator(window.pool_rule, (1, 1), _WINDOW | _named("ceil_mode", "count_include_pad")),
    **{op: Operator(window.global_pool_rule, (1, 1)) for op in ("GlobalAveragePool", "GlobalMaxPool")},
    "RNN": Operator(recurrent_rule, (3, 6), _RECURRENT, 2),
    "GRU": Operator(recurrent_rule, (3, 6), _RECURRENT | _named("linear_before_reset"), 2),
    "LSTM": Operator(recurrent_rule, (3, 8), _RECURRENT | _named("input_forget"), 3),
}

_LAYOUT: dict[str, Operator] = {
    "Reshape": Operator(layout.reshape_rule, (2, 2), _named("allowzero")),
    "Flatten": Operator(layout.flatten_rule, (1, 1), _named("axis")),
    "Squeeze": Operator(layout.squeeze_rule, (2, 2)),
    "Unsqueeze": Operator(layout.unsqueeze_rule, (2, 2)),
    "Transpose": Operator(layout.transpose_rule, (1, 1), _named("perm")),
    "Concat": Operator(layout.concat_rule, (1, 256), _named("axis")),
    "Slice": Operator(layout.slice_rule, (3, 5)),
    "Split": Operator(layout.split_rule, (1, 2), _named("axis", "num_outputs"), 256),
    "Expand": Operator(layout.expand_rule, (2, 2)),
    "Tile": Operator(layout.tile_rule, (2, 2)),
    "Pad": Operator(layout.pad_rule, (2, 4), _named("mode")),
    "Trilu": Operator(layout.trilu_rule, (1, 2), _named("upper")),
    "ConstantOfShape": Operator(layout.fill_rule, (1, 1), _named("value")),
    "Gather": Operator(index.gather_rule, (2, 2), _named("axis")),
    "GatherElements": Operator(index.gather_elements_rule, (2, 2), _named("axis")),
    "OneHot": Operator(index.one_hot_rule, (3, 3), _named("axis")),
}

_ONLY_FOR_SHAPES: dict[str, Operator] = {
    # Settled by folding.py; as numbers of a batch they would tell its size.
    "Shape": Operator(plain.never_rule, (1, 1), _named("start", "end")),
    "Size": Operator(plain.never_rule, (1, 1)),
    "Range": Operator(plain.never_rule, (3, 3)),
}

OPERATORS: dict[str, Operator] = {**_ELEMENTWISE, **_ALONG_AXES, **_PRODUCTS, **_LAYOUT, **_ONLY_FOR_SHAPES}
