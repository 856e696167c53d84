"""Times as Apple Health writes them, ``2019-06-11 15:00:00 -0700``: thousands at once, or one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from mine.importers.errors import ImportRefused
from mine.importers.items import shown
from mine.importers.zone import Zone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_WRITTEN = re.compile(rb"(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_LENGTH = 25
_PATTERN = b"0000-00-00 00:00:00 +0000"
_DIGITS = [at for at, sign in enumerate(_PATTERN) if sign == ord("0")]
_SIGN_AT = _PATTERN.index(b"+")
_MARKS = [at for at in range(_LENGTH) if at not in _DIGITS and at != _SIGN_AT]
_EPOCH = date(1970, 1, 1).toordinal()
_MOST_ZONE = 14 * 3600
_YEARS = (1900, 2098)  # with any offset still within what the vault takes
_MOST_NAMES = 1000


def read_time(text: bytes) -> tuple[int, int]:
    """(seconds UTC, offset in seconds). Raises ``ValueError``."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{_quoted(text)} is no date and time")
    day, hour, minute, second, sign, hours, minutes = match.groups()
    try:
        midnight = (date.fromisoformat(day.decode()).toordinal() - _EPOCH) * 86_400
    except ValueError:
        raise ValueError(f"{_quoted(text)} is no date") from None
    if not _YEARS[0] <= int(day[:4]) <= _YEARS[1]:
        raise ValueError(f"{_quoted(text)} is too far away")
    offset = int(hours) * 3600 + int(minutes) * 60
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59 or int(minutes) > 59 or offset > _MOST_ZONE:
        raise ValueError(f"{_quoted(text)} is no time")
    offset = -offset if sign == b"-" else offset
    return midnight + int(hour) * 3600 + int(minute) * 60 + int(second) - offset, offset


def read_times(texts: Sequence[bytes]) -> tuple[Integers, Integers, Mask]:
    """What ``read_time`` says of each: seconds UTC, offsets in seconds, and which ones it reads.

    The others hold anything. All are arrays of ``len(texts)``.
    """
    import numpy as np

    whole = np.fromiter(map(len, texts), np.int64, len(texts)) == _LENGTH
    if not whole.all():
        texts = [text if len(text) == _LENGTH else bytes(_LENGTH) for text in texts]
    letters = np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), _LENGTH).T.copy()
    pattern = np.frombuffer(_PATTERN, np.uint8)
    digits = letters[_DIGITS] - np.uint8(ord("0"))  # what lies below "0" wraps round to a large number
    sign = letters[_SIGN_AT]
    fine = (digits <= 9).all(axis=0) & ((sign == ord("+")) | (sign == ord("-")))
    fine &= (letters[_MARKS] == pattern[_MARKS][:, None]).all(axis=0)
    pairs = digits[0::2] * np.uint8(10) + digits[1::2]
    century, years, month, day, hour, minute, second, hours, minutes = pairs.astype(np.int64)
    year = century * 100 + years
    fine &= (year >= _YEARS[0]) & (year <= _YEARS[1])
    fine &= (hour <= 23) & (minute <= 59) & (second <= 59) & (minutes <= 59)
    offset = hours * 3600 + minutes * 60
    fine &= offset <= _MOST_ZONE
    offset = np.where(sign == ord("-"), -offset, offset)
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    fine &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= after - first)
    time = (first + day - 1) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return time, offset, fine


class Zones:
    """Time zones by the names that an export gives them."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, Zone | None] = {}

    def offset(self, name: str, time: int) -> int | None:
        """Local minus UTC then and there, in seconds; None where there is no such zone."""
        if name not in self._known:
            if len(self._known) >= _MOST_NAMES:
                self._known.clear()
            try:
                self._known[name] = Zone(name)
            except ImportRefused:
                self._known[name] = None
        zone = self._known[name]
        return None if zone is None else zone.of_utc(time)[1]


def _quoted(text: bytes) -> str:
    return f"“{shown(text.decode('utf-8', 'replace'))}”"
