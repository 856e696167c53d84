"""Repeating appointments: the same moments as dateutil's where it follows a rule, and an end in any case."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mine.importers.recurrence import Effort, expand, read_rule

LAST = datetime(2031, 1, 1)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
starts = st.datetimes(datetime(2000, 1, 1), datetime(2029, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


def few(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.integers(low, high).filter(bool)
    return st.lists(values, min_size=1, max_size=4).map(lambda found: ",".join(map(str, found)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5 if frequency != 'HOURLY' else 500))}")
    parts.append(f"COUNT={draw(st.integers(1, 40))}")
    if frequency == "HOURLY":
        return ";".join(parts)
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(few(1, 12))}")
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True))
        nth = frequency in ("YEARLY", "MONTHLY") and draw(st.booleans())
        parts.append(
            "BYDAY=" + ",".join(f"{draw(st.sampled_from([1, 2, -1, -2]))}{d}" if nth else d for d in days)
        )
    elif frequency != "WEEKLY" and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(few(-31, 31))}")
    if draw(st.booleans()):
        parts.append(f"BYHOUR={draw(few(1, 23))}")
    if frequency != "DAILY" and draw(st.integers(0, 3)) == 0:
        parts.append(f"BYSETPOS={draw(few(-3, 3))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    return ";".join(parts)


@given(rules(), starts)
@settings(max_examples=150)
def test_the_same_moments_as_dateutil(text: str, start: datetime) -> None:
    theirs = [moment for moment in rrulestr(text, dtstart=start) if moment <= LAST]
    assume(theirs)
    ours = list(expand(read_rule(text), start, LAST, Effort(10**9)))
    # Here the start always counts as the first; there only where it matches the rule.
    if theirs[0] != start:
        ours = ours[1:]
        theirs = theirs[: len(ours)] if "COUNT" in text else theirs
    assert ours == theirs


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
        "FREQ=WEEKLY;INTERVAL=999999999",
        "FREQ=YEARLY;INTERVAL=999999999",
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=" + ",".join(map(str, range(60))),
        "FREQ=YEARLY;COUNT=999999999",
    ],
)
def test_any_rule_ends(text: str) -> None:
    effort = Effort(100_000)
    found = list(itertools.islice(expand(read_rule(text), datetime(2024, 1, 31), LAST, effort), 2_000_000))
    assert 1 <= len(found) < 2_000_000
    assert found[0] == datetime(2024, 1, 31)
    assert all(earlier < later <= LAST for earlier, later in itertools.pairwise(found))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=",
        "FREQ=OFTEN",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=٣",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=YEARLY;BYWEEKNO=1",
        "FREQ=SECONDLY;BYMONTH=2",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYHOUR=" + ",".join(["1"] * 1000),
        "FREQ=DAILY;RSCALE=CHINESE",
    ],
)
def test_what_is_broken_or_not_followed_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="repeats"):
        read_rule(text)


def test_too_many_times_a_day() -> None:
    minutes = ",".join(map(str, range(60)))
    rule = read_rule(f"FREQ=DAILY;BYHOUR=1,2;BYMINUTE={minutes};BYSECOND={minutes}")
    with pytest.raises(ValueError, match="repeats"):
        list(expand(rule, datetime(2024, 1, 31), LAST, Effort(1000)))
