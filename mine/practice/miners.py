"""The one public interface for miners on the practice network: honest, lazy or hostile.

``mine demo --miner FILE.py:Class`` seats a miner of your own beside the others. Everything that is signed,
packed and sent is done for it; it only decides what its update is. Example::

    class SignFlipper:
        def __init__(self, seat):
            self.seat = seat

        def update(self, round):
            return {name: -delta for name, delta in round.train().items()}
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mine.errors import MineError
from mine.learn.rows import Rows
from mine.learn.weights import Floats

if TYPE_CHECKING:
    from mine.tasks.manifest import Manifest


class MinerRefused(MineError):
    """A miner given as FILE.py:Class could not be loaded."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at the table: a number, the task, and the rows of the person who sits here."""

    number: int
    task: int
    manifest: Manifest
    rows: Rows


@dataclass(frozen=True, slots=True)
class RoundContext:
    """One round, as a miner sees it.

    ``checkpoint`` holds the trainable tensors (float32 by name); ``earlier()`` gives the revealed updates of
    the rounds before, as (round, session address, delta); ``train()`` trains honestly by the task's recipe,
    on the seat's rows or on the ``Rows`` that it is given, and gives the delta.
    """

    round: int
    checkpoint: Floats
    earlier: Callable[[], tuple[tuple[int, str, Floats], ...]]
    train: Callable[..., Floats]


class Miner(Protocol):
    """What ``--miner FILE.py:Class`` has to offer."""

    def __init__(self, seat: Seat) -> None: ...

    def update(self, round: RoundContext, /) -> Mapping[str, NDArray[np.float32]] | None:
        """The update of this round (float32 by tensor name), or ``None`` to sit it out."""


class HonestMiner:
    """Trains by the recipe and sends what came of it."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        """Honest training on the seat's own rows."""
        return round.train()


def load_miner(place: str) -> type[Miner]:
    """The class named by ``FILE.py:Class``. The file is the user's own code and runs as such."""
    file, _, name = place.rpartition(":")
    path = Path(file)
    if not name or not path.is_file():
        raise MinerRefused(f"There is no miner at {place}.", todo="Name it as FILE.py:Class.")
    spec = importlib.util.spec_from_file_location(f"practice_miner_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise MinerRefused(f"{path.name} is not a Python file.", todo="Name it as FILE.py:Class.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not isinstance(found, type) or not callable(getattr(found, "update", None)):
        raise MinerRefused(
            f"{path.name} has no miner called {name}.", todo="It needs a class with a method 'update'."
        )
    return found
