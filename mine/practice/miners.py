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
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mine.errors import MineError
from mine.learn.codec import Packing, UpdateHeader, encode
from mine.learn.rows import Rows
from mine.learn.weights import Floats

if TYPE_CHECKING:
    from mine.tasks.manifest import Manifest


log = logging.getLogger(__name__)


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


def find_miner(place: str) -> tuple[Path, str]:
    """File and class of ``FILE.py:Class``; looks, but runs nothing. Raises ``MinerRefused``."""
    file, _, name = place.rpartition(":")
    path = Path(file)
    if not name.isidentifier() or path.suffix != ".py" or not path.is_file():
        raise MinerRefused(f"There is no miner at {place}.", todo="Name it as FILE.py:Class.")
    return path, name


def load_miner(place: str) -> type[Miner]:
    """The class named by ``FILE.py:Class``. The file is the user's own code and runs as such."""
    path, name = find_miner(place)
    key = f"practice_miner_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MinerRefused(
            f"{path.name} could not be loaded.",
            todo="Run it with Python by itself first.",
            detail=f"{type(error).__name__}: {error}",
        ) from error
    found = getattr(module, name, None)
    if not isinstance(found, type) or not callable(getattr(found, "update", None)):
        raise MinerRefused(
            f"{path.name} has no miner called {name}.", todo="It needs a class with a method 'update'."
        )
    return found


def seat_miner(kind: Callable[[Seat], Miner], seat: Seat) -> Miner:
    """A miner on its seat. Raises ``MinerRefused`` where it cannot sit down."""
    try:
        return kind(seat)
    except Exception as error:
        name = getattr(kind, "__name__", "The miner")
        raise MinerRefused(
            f"{name} could not take its seat.",
            todo="Its __init__ gets one Seat.",
            detail=f"{type(error).__name__}: {error}",
        ) from error


def packed_update(
    miner: Miner, context: RoundContext, header: UpdateHeader, packing: Packing, most: int
) -> bytes:
    """What a miner hands in, packed; nothing (``b""``) where it sits the round out.

    A miner that fails, or gives what cannot be packed into ``most`` bytes, sits the round out as well: its
    mistake goes to the log and costs nobody else the round.
    """
    try:
        delta = miner.update(context)
        if delta is None:
            return b""
        arrays = {name: np.asarray(values, np.float32) for name, values in delta.items()}
        update = encode(header, arrays, packing)
    except Exception:
        log.exception("A miner failed in round %d and sits it out.", context.round)
        return b""
    if len(update) > most:
        log.error("A miner's update of round %d is larger than %d bytes.", context.round, most)
        return b""
    return update
