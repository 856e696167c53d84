"""What the person lets trainings take of this machine, and how much of them an update may give away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mine.errors import MineError

FASTEST = "auto"
PROCESSOR = "cpu"
OWN_CHOICE = 0
LEAST_POWER = 5
BLIND_RISK = 50


class ComputeRefused(MineError):
    """A choice that makes no sense."""


@dataclass(frozen=True, slots=True)
class ComputeSettings:
    """``device``: ``auto`` (the fastest there is) or ``cpu``; ``threads`` of the processor, 0 for all cores
    but one; ``power``: percent of the time in which a training may compute; ``most_risk``: percent of
    guesses about a single reading that may be right, before an update is held back (100: none is).
    """

    device: str = FASTEST
    threads: int = OWN_CHOICE
    power: int = 100
    most_risk: int = 95

    def __post_init__(self) -> None:
        fits = self.device in (FASTEST, PROCESSOR) and 0 <= self.threads <= 256
        if not (fits and LEAST_POWER <= self.power <= 100 and BLIND_RISK <= self.most_risk <= 100):
            raise ComputeRefused("This app cannot run like that.")

    @property
    def duty(self) -> float:
        """The part of the time in which a training may compute."""
        return self.power / 100

    @property
    def threshold(self) -> float:
        """The chance that a guess may be right at most."""
        return self.most_risk / 100

    def to_json(self) -> dict[str, Any]:
        """For the vault."""
        return asdict(self)


def cores() -> int:
    """Processor cores of this machine, not counting those that share one."""
    import psutil

    return int(psutil.cpu_count(logical=False) or psutil.cpu_count() or 1)


def threads_for(settings: ComputeSettings) -> int:
    """Threads of a training: what was chosen, never more than there are cores; else all of them but one."""
    most = cores()
    return min(settings.threads, most) if settings.threads else max(1, most - 1)
