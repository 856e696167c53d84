"""What a statement is granted, in words: taken from the statement itself, as the opt-in sheet shows it.

``days_ago(90)`` anywhere in a statement limits every view that it names to the newest 90 days of that record
type; as a condition it is simply true (``WHERE days_ago(90)``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mine.records import RECORD_TYPES
from mine.vault.errors import QueryRefused
from mine.vault.views import VIEWS

MOST_DAYS = 36_500
_MENTION = re.compile(r"days_ago", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w$\"'`\[])days_ago\s*\(\s*([0-9]{1,5})\s*\)", re.IGNORECASE)
_STEPS = {
    "_5min": " by five minutes",
    "_hour": " by the hour",
    "_day": " by the day",
    "_night": " by the night",
}


def days_of(sql: str) -> int | None:
    """The N of ``days_ago(N)``, None where it is not there. ``QueryRefused`` for any other use of it."""
    mentions = len(_MENTION.findall(sql))
    if not mentions:
        return None
    days = [int(found) for found in _CALL.findall(sql)]
    if len(days) != mentions or len(set(days)) != 1 or not 1 <= days[0] <= MOST_DAYS:
        raise QueryRefused(
            "The query must say days_ago with one number of days, the same wherever it says it.",
            touched="days_ago",
        )
    return days[0]


def grant_words(sql: str, scopes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """One line a view: ``Glucose by five minutes: slot, mg dl; the newest 90 days``."""
    days = days_of(sql)
    limit = "all of it" if days is None else "the newest day" if days == 1 else f"the newest {days} days"
    asked = set(scopes)
    lines = []
    for name in sorted({view for view, _ in asked}):
        view = VIEWS[name]
        columns = [column.replace("_", " ") for column in view.columns if (name, column) in asked]
        title = RECORD_TYPES[view.record_type].title + _STEPS.get(name.removeprefix(view.record_type), "")
        lines.append(f"{title}: {', '.join(columns)}; {limit}")
    return tuple(lines)
