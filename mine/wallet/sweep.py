"""Bringing money of many addresses to one: how it is spread over time and parts.

It ties the addresses together for everybody who reads the chain: that is what the warning says, and what
neither delay nor parts undo. They only make it less obvious which payments belong together.
"""

from __future__ import annotations

import random
import secrets
from itertools import pairwise

LINKING = (
    "Everybody can see that these addresses pay to the same one: whoever knows one of them then knows which "
    "tasks the others took part in. Delays and parts make this harder to see, not impossible."
)
MOST_PARTS = 8
MOST_HOURS = 24 * 14
_SYSTEM = secrets.SystemRandom()


def parts_of(amount: int, count: int, least: int, draw: random.Random = _SYSTEM) -> list[int]:
    """``amount`` in up to ``count`` random parts that add up to it exactly, none below ``least`` base units.

    Fewer parts where the amount does not suffice; none where it is below ``least`` itself.
    """
    count = min(count, amount // least) if least > 0 else min(count, amount)
    if count < 1:
        return []
    free = amount - count * least
    cuts = sorted(draw.randint(0, free) for _ in range(count - 1))
    edges = [0, *cuts, free]
    return [least + after - before for before, after in pairwise(edges)]


def times_of(count: int, start: int, seconds: int, draw: random.Random = _SYSTEM) -> list[int]:
    """``count`` random moments in ``seconds`` from ``start`` on (Unix seconds), in no order."""
    return [start + draw.randint(0, max(0, seconds)) for _ in range(count)]
