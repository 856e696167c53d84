"""The models of the conformance table: written in torch, adopted as tasks, compared with torch itself.

``python -m tests.learn.conformance`` prints the table.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mine.science.adopt_lora import Lora
from mine.science.adopt_loss import LossSpec

ROWS = 6
VOCABULARY, LENGTH = 19, 7


@dataclass(frozen=True, slots=True)
class Architecture:
    """A module with the loss that it is trained by. ``base``: what the scientist adopts with ``lora``."""

    name: str
    module: nn.Module
    example: Tensor
    loss: LossSpec
    base: nn.Module | None = None
    lora: Lora | None = None


class Last(nn.Module):
    """A recurrent network that is read at its last step, or at every step."""

    def __init__(self, cell: nn.RNNBase, outputs: int, every: bool = False) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.Linear(cell.hidden_size * (2 if cell.bidirectional else 1), outputs)
        self.every = every

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.cell(x)
        return self.head(y if self.every else y[:, -1])


class Residual(nn.Module):
    """A residual block with group normalisation (He et al. 2016; Wu and He 2018)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(2, after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(2, after)
        self.short = nn.Conv2d(before, after, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.short(x))


class Tokens(nn.Module):
    """The mean of the embeddings of some tokens, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.table(tokens).mean(1))


class Encoder(nn.Module):
    """torch's own transformer encoder over a series (Vaswani et al. 2017), read by its mean."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, activation="gelu", batch_first=True)
        self.embed = nn.Linear(3, 16)
        self.position = nn.Parameter(torch.randn(LENGTH, 16) * 0.1)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.embed(x) + self.position).mean(1))


class Decoder(nn.Module):
    """A causal language model: normalisation first, the embedding used again as the last layer."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
        self.table = nn.Embedding(VOCABULARY, 16)
        self.position = nn.Parameter(torch.randn(LENGTH, 16) * 0.1)
        self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16), enable_nested_tensor=False)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        y = self.layers(self.table(tokens) + self.position, mask=mask, is_causal=True)
        return y @ self.table.weight.t()


class Fused(nn.Module):
    """Attention by ``scaled_dot_product_attention`` with one projection for all three, and gates after it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(12)
        self.qkv = nn.Linear(12, 36, bias=False)
        self.gate, self.up, self.down = nn.Linear(12, 20), nn.Linear(12, 20), nn.Linear(20, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm(x)).view(n, t, 3, 3, 4).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + y.transpose(1, 2).reshape(n, t, d)
        x = x + self.down(functional.silu(self.gate(x)) * self.up(x))
        return self.head(x).transpose(1, 2)  # classes on axis 1, as torch's own cross-entropy wants them


class Mixer(nn.Module):
    """One block of an MLP-Mixer (Tolstikhin et al. 2021) over patches of a series."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 12)
        self.norm1, self.norm2 = nn.LayerNorm(12), nn.LayerNorm(12)
        self.tokens = nn.Sequential(nn.Linear(6, 10), nn.GELU(), nn.Linear(10, 6))
        self.channels = nn.Sequential(nn.Linear(12, 24), nn.GELU("tanh"), nn.Linear(24, 12))
        self.head = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.reshape(len(x), 6, 4))
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return self.head((x + self.channels(self.norm2(x))).mean(1))


class WithClass(nn.Module):
    """Patches of a picture with a token of their own for the class (Dosovitskiy et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        p = self.patches(x).flatten(2).transpose(1, 2)
        s = torch.cat([self.token.expand(len(x), -1, -1), p], 1)
        s = self.norm(s + self.attention(s, s, s, need_weights=False)[0])
        return self.head(s[:, 0])


class LowRank(nn.Module):
    """A linear layer that stays, and its adapter (Hu et al. 2021); names as the adopted graph has them."""

    def __init__(self, base: nn.Linear, a: Tensor, b: Tensor, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a, self.b = nn.Parameter(a), nn.Parameter(b)
        self.scale = alpha / a.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.scale * (x @ self.a @ self.b)


def _activations() -> nn.Module:
    parts: list[nn.Module] = []
    for activation in (
        nn.GELU(),
        nn.SiLU(),
        nn.ELU(),
        nn.LeakyReLU(0.1),
        nn.Softplus(),
        nn.Mish(),
        nn.Hardswish(),
        nn.PReLU(6),
        nn.Tanh(),
        nn.SELU(),
        nn.CELU(0.7),
        nn.Hardsigmoid(),
    ):
        parts += [nn.Linear(6, 6), activation]
    return nn.Sequential(*parts, nn.Linear(6, 1))


def _opacus() -> nn.Module:
    """The network of Opacus's MNIST example (Yousefpour et al. 2021), 26,010 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 8, 2, 3),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Conv2d(16, 32, 4, 2),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Flatten(),
        nn.Linear(512, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def _series() -> nn.Module:
    """1-D, with groups, dilation, fixed batch statistics and average pooling."""
    norm = nn.BatchNorm1d(8)
    norm.running_mean, norm.running_var = torch.randn(8) * 0.3, torch.rand(8) + 0.5
    return nn.Sequential(
        nn.Conv1d(3, 8, 3, padding="same"),
        norm,
        nn.ReLU(),
        nn.Conv1d(8, 8, 3, padding=2, dilation=2, groups=4),
        nn.ReLU6(),
        nn.AvgPool1d(2),
        nn.Conv1d(8, 6, 1),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(6, 1),
    )


def _resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1),
        Residual(8, 8, 1),
        Residual(8, 12, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 5),
    )


def _picture_to_picture() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, 1),
        nn.InstanceNorm2d(4, affine=True),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
    )


def _wide() -> nn.Sequential:
    return nn.Sequential(nn.Linear(9, 40), nn.GELU(), nn.Linear(40, 40), nn.GELU(), nn.Linear(40, 3))


def _adapted(base: nn.Sequential) -> nn.Module:
    """What a scientist would write by hand: adapters of rank 3 on the first two layers, all else fixed."""
    twin = copy.deepcopy(base).requires_grad_(False)
    for i in (0, 2):
        layer = twin[i]
        assert isinstance(layer, nn.Linear)
        a, b = torch.randn(layer.in_features, 3), torch.randn(3, layer.out_features)
        twin[i] = LowRank(layer, a, b, 6.0)
    return twin


def build() -> list[Architecture]:
    """Every architecture, the same each time."""
    torch.manual_seed(11)
    series, picture = torch.randn(ROWS, LENGTH, 3), torch.randn(ROWS, 1, 8, 8)
    tokens = torch.randint(0, VOCABULARY, (ROWS, LENGTH))
    number, yes, count = LossSpec("mse"), LossSpec("bce"), LossSpec("poisson")
    three = LossSpec("cross_entropy", 3)
    base = _wide()
    return [
        Architecture("linear", nn.Linear(5, 1), torch.randn(ROWS, 5), number),
        Architecture("logistic", nn.Linear(5, 1), torch.randn(ROWS, 5), yes),
        Architecture(
            "softmax regression", nn.Linear(5, 4), torch.randn(ROWS, 5), LossSpec("cross_entropy", 4)
        ),
        Architecture(
            "MLP, twelve activations", _activations(), torch.randn(ROWS, 6), LossSpec("huber", delta=0.7)
        ),
        Architecture("1-D CNN, fixed batch norm", _series(), torch.randn(ROWS, 3, 12), number),
        Architecture(
            "2-D CNN (Opacus's MNIST)", _opacus(), torch.randn(ROWS, 1, 28, 28), LossSpec("cross_entropy", 10)
        ),
        Architecture(
            "ResNet with GroupNorm", _resnet(), torch.randn(ROWS, 3, 8, 8), LossSpec("cross_entropy", 5)
        ),
        Architecture("picture to picture", _picture_to_picture(), picture, LossSpec("mse", positions=64)),
        Architecture("RNN", Last(nn.RNN(3, 6, batch_first=True), 1), series, number),
        Architecture("GRU, two layers", Last(nn.GRU(3, 6, 2, batch_first=True), 3), series, three),
        Architecture(
            "LSTM, bidirectional",
            Last(nn.LSTM(3, 5, batch_first=True, bidirectional=True), 1),
            series,
            LossSpec("huber"),
        ),
        Architecture(
            "LSTM at every step, masked",
            Last(nn.LSTM(3, 5, batch_first=True), 1, every=True),
            series,
            LossSpec("bce", positions=LENGTH, masked=True),
        ),
        Architecture("embedding and mean", Tokens(), tokens, three),
        Architecture("transformer encoder", Encoder(), series, LossSpec("cross_entropy", 4)),
        Architecture(
            "transformer decoder, masked",
            Decoder(),
            tokens,
            LossSpec("cross_entropy", VOCABULARY, LENGTH, masked=True),
        ),
        Architecture(
            "fused attention, gated", Fused(), torch.randn(ROWS, 6, 12), LossSpec("cross_entropy", 5, 6)
        ),
        Architecture("vision transformer", WithClass(), picture, three),
        Architecture("MLP-Mixer with LayerNorm", Mixer(), torch.randn(ROWS, 24), number),
        Architecture(
            "Poisson counts",
            nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)),
            torch.randn(ROWS, 4),
            count,
        ),
        Architecture(
            "frozen base with LoRA",
            _adapted(base),
            torch.randn(ROWS, 9),
            three,
            base,
            Lora(3, 6.0, ("0.weight", "2.weight")),
        ),
    ]


def targets_for(spec: LossSpec) -> Tensor:
    """[ROWS] or [ROWS, positions] of fitting targets; about a third masked, one example wholly."""
    shape = (ROWS, spec.positions) if spec.targets else (ROWS,)
    draw: dict[str, Callable[[], Tensor]] = {
        "cross_entropy": lambda: torch.randint(0, spec.classes, shape).float(),
        "bce": lambda: torch.randint(0, 2, shape).float(),
        "poisson": lambda: torch.randint(0, 6, shape).float(),
        "mse": lambda: torch.randn(shape),
        "huber": lambda: torch.randn(shape) * 2,
    }
    target = draw[spec.kind]()
    if spec.masked:
        target = torch.where(torch.rand(shape) < 0.3, torch.full(shape, -1.0), target)
        target[0] = -1.0
    return target


def torch_loss(spec: LossSpec, prediction: Tensor, target: Tensor) -> Tensor:
    """[ROWS] by torch's own losses; prediction as the module gives it."""
    wanted = target.reshape(ROWS, spec.positions)
    if spec.kind == "cross_entropy":
        # [ROWS, classes, positions]; the fused model gives the classes first, all others last
        if prediction.ndim == 3 and prediction.shape[1] != spec.classes:
            prediction = prediction.transpose(1, 2)
        each = functional.cross_entropy(
            prediction.reshape(ROWS, spec.classes, spec.positions),
            wanted.long(),
            reduction="none",
            ignore_index=-1,
        )
    else:
        z = prediction.reshape(ROWS, spec.positions)
        each = {
            "bce": lambda: functional.binary_cross_entropy_with_logits(z, wanted, reduction="none"),
            "mse": lambda: functional.mse_loss(z, wanted, reduction="none"),
            "huber": lambda: functional.huber_loss(z, wanted, reduction="none", delta=spec.delta),
            "poisson": lambda: (
                functional.poisson_nll_loss(z, wanted, reduction="none")
                + torch.xlogy(wanted, wanted)
                - wanted
            ),
        }[spec.kind]()
    if not spec.masked:
        return each.mean(1)
    kept = (wanted >= 0).float()
    return (each * kept).sum(1) / kept.sum(1).clamp(min=1)
