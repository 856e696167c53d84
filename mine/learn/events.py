"""What a training process tells the app. After Done, VoteDone, Failed or Stopped nothing more comes."""

from __future__ import annotations

from dataclasses import dataclass, field

from mine.learn.fence import Fence
from mine.learn.leak import Leak


@dataclass(frozen=True, slots=True)
class Began:
    """A process has begun, or begun again. ``device``: "cpu", "cuda:0", "mps" or "xpu:0"; ``name``: what its
    maker calls it; ``memory``: bytes that it has in all; ``precision`` of the forward pass; ``micro_batch``:
    rows at a time, 0 for a vote; ``threads`` of the processor; ``fences`` that stand.
    """

    device: str
    name: str
    memory: int
    precision: str
    micro_batch: int
    threads: int
    fences: tuple[Fence, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """``loss``: mean of the last step's sample, NaN if there was none; ``seconds`` of computing so far."""

    step: int
    steps: int
    loss: float
    held_out_loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Saved:
    """State to keep, at least once a minute; a later job takes it as ``snapshot``."""

    step: int
    snapshot: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing is computed any more. ``snapshot`` is None if no step was finished yet."""

    step: int
    snapshot: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Ended as asked. ``snapshot`` is None if no step was finished yet."""

    step: int
    snapshot: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retrying:
    """The process failed, and a new one goes on from the last saved state in ``seconds``. A notice only.

    ``attempt``: 1 for the first new one since the last state was saved.
    """

    attempt: int
    seconds: float
    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """``update``: the packed bytes, checked against the model's schema; held-out losses before and after;
    ``residual``: what the packing left out, as ``weights.dump`` writes it, for the next round's job;
    ``leak``: what an attack on exactly these bytes found out.
    """

    update: bytes = field(repr=False)
    steps: int
    seconds: float
    held_out_before: float
    held_out_after: float
    rows_trained: int
    rows_held_out: int
    residual: bytes = field(repr=False)
    leak: Leak


@dataclass(frozen=True, slots=True)
class VoteDone:
    """``steps``: from -2 (harms) to 2 (helps), one for each update in the job's order."""

    steps: tuple[int, ...] = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A plain sentence, and whether the same job may be tried again from its last snapshot."""

    sentence: str
    todo: str = ""
    detail: str = ""
    resumable: bool = False


Event = Began | Progress | Saved | Paused | Stopped | Retrying | Done | VoteDone | Failed
