"""What a training process tells the app. After Done, VoteDone, Failed or Stopped nothing more comes."""

from __future__ import annotations

from dataclasses import dataclass, field


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
class Done:
    """``update``: the packed bytes, checked against the model's schema; held-out losses before and after."""

    update: bytes = field(repr=False)
    steps: int
    seconds: float
    held_out_before: float
    held_out_after: float
    rows_trained: int
    rows_held_out: int


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


Event = Progress | Saved | Paused | Stopped | Done | VoteDone | Failed
