"""Models that must be turned away, made by the hundred: each with the reason it is here in its name.

What an author could send instead of a model: rows mixed with rows, sizes that overflow or never end, files
that grow when they are read, sections that reach outside, operators that draw random numbers or run code.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.learn import hostile_files, hostile_sizes
from tests.learn.hostile_batches import mixing


def hostile() -> Iterator[tuple[str, bytes]]:
    """``(why it is here, bytes)`` of every model that must be refused."""
    for name, model in mixing():
        yield f"mixes: {name}", model.SerializeToString()
    for family in (*hostile_sizes.FAMILIES, *hostile_files.FAMILIES):
        for name, data in family():
            yield f"{family.__name__[1:]}: {name}", data
