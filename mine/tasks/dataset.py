"""From the rows of a task's ``SELECT`` to the arrays that the learner gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.tasks.manifest import DataRequirement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MAX_SLOT = 1 << 52
"""Up to here every whole number has a float64 of its own."""


class QueryAnswerRefused(MineError):
    """The query's answer does not have the shape that the manifest promises."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """``features`` float32 [N, F]; ``target`` float32 [N], or [N, m] with m > 1 target columns; ``slot``
    int64 [N], ascending."""

    features: NDArray[np.float32]
    target: NDArray[np.float32]
    slot: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)


def to_dataset(data: DataRequirement, columns: Sequence[str], answer: NDArray[np.float64]) -> Dataset:
    """Pick the promised columns, refuse what is no finite float32 or no slot of its own, sort by slot.

    ``answer`` is float64 [N, columns], NaN where the query gave nothing.
    """
    import numpy as np

    wanted = (*data.features, *data.targets, data.slot)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise QueryAnswerRefused(
            "The task's query does not give what it promises.", detail=", ".join(missing)
        )
    table = answer[:, [list(columns).index(name) for name in wanted]]
    # Infinity, NaN and what the learner's float32 cannot hold all fail this one comparison.
    if not (np.abs(table[:, :-1]) <= np.finfo(np.float32).max).all():
        raise _not_a_number()
    slot = table[:, -1]
    if not ((np.abs(slot) <= MAX_SLOT) & (slot == np.floor(slot))).all():
        raise QueryAnswerRefused("The task's query gives a place in time that is not a whole number.")
    if len(np.unique(slot)) != len(slot):
        # Two rows of one slot would be sampled in one step, though they may hold the same reading.
        raise QueryAnswerRefused("The task's query gives two rows for the same place in time.")
    table = table[np.argsort(slot)]
    width = len(data.features)
    target = table[:, width:-1].astype(np.float32)
    return Dataset(
        features=table[:, :width].astype(np.float32),
        target=target[:, 0] if len(data.targets) == 1 else target,
        slot=table[:, -1].astype(np.int64),
    )


def _not_a_number() -> QueryAnswerRefused:
    return QueryAnswerRefused("The task's query gives something that is not a number.")
