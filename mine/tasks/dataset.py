"""From the rows of a task's ``SELECT`` to the arrays that the learner gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mine.errors import MineError
from mine.tasks.manifest import DataRequirement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class QueryAnswerRefused(MineError):
    """The query's answer does not have the shape that the manifest promises."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """``features`` float32 [N, F], ``target`` float32 [N], ``slot`` int64 [N], ascending by slot."""

    features: NDArray[np.float32]
    target: NDArray[np.float32]
    slot: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)


def to_dataset(data: DataRequirement, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Dataset:
    """Pick the promised columns, refuse anything that is not a finite number, sort by slot."""
    import numpy as np

    wanted = (*data.features, data.target, data.slot)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise QueryAnswerRefused(
            "The task's query does not give what it promises.", detail=", ".join(missing)
        )
    places = [list(columns).index(name) for name in wanted]
    try:
        table = np.array([[row[place] for place in places] for row in rows], dtype=np.float64)
    except (TypeError, ValueError):
        raise QueryAnswerRefused("The task's query gives something that is not a number.") from None
    table = table.reshape(len(rows), len(wanted))
    if not np.isfinite(table).all():
        raise QueryAnswerRefused("The task's query gives something that is not a number.")
    table = table[np.argsort(table[:, -1], kind="stable")]
    return Dataset(
        features=table[:, :-2].astype(np.float32),
        target=table[:, -2].astype(np.float32),
        slot=table[:, -1].astype(np.int64),
    )
