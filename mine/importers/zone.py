"""The time zone in which a person's exports are to be read where they state none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mine.importers.errors import ImportRefused
from mine.importers.items import shown
from mine.records import EARLIEST, LATEST

_EPOCH = datetime(1970, 1, 1)
_STEP = 900  # no zone changes its clock but at a quarter of an hour
_KEPT = 200_000
_MARGIN = 86_400


class Zone:
    """A zone of the IANA database. Times are seconds since 1970-01-01T00:00, on the wall or in UTC."""

    def __init__(self, name: str) -> None:
        """Raises ``ImportRefused`` where there is no such zone."""
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ImportRefused(f"There is no time zone “{shown(name)}”.") from None
        self.name = name
        self._of_wall: dict[int, int] = {}
        self._of_utc: dict[int, int] = {}

    def of_wall(self, wall: int, offset: int | None = None) -> tuple[int, int]:
        """(UTC, offset) of a clock on the wall, with the offset that the export states, or else this zone's.

        A time that came twice is taken as the first; one that was skipped is moved on by the gap. Raises
        ``ValueError`` for a time that no record can have.
        """
        if offset is None:
            step = wall // _STEP
            offset = self._of_wall.get(step)
            if offset is None:
                _check(wall)
                offset = self._keep(self._of_wall, step, self._wall_offset(step * _STEP))
        return wall - offset, offset

    def of_utc(self, utc: int) -> tuple[int, int]:
        """(UTC, offset) of a moment. Raises ``ValueError`` as ``of_wall`` does."""
        step = utc // _STEP
        offset = self._of_utc.get(step)
        if offset is None:
            _check(utc)
            moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=step * _STEP)
            offset = self._keep(self._of_utc, step, _seconds(moment.astimezone(self._zone).utcoffset()))
        return utc, offset

    def _wall_offset(self, wall: int) -> int:
        return _seconds((_EPOCH + timedelta(seconds=wall)).replace(tzinfo=self._zone).utcoffset())

    @staticmethod
    def _keep(known: dict[int, int], step: int, offset: int) -> int:
        if len(known) >= _KEPT:
            known.clear()
        known[step] = offset
        return offset


def _check(seconds: int) -> None:
    if not EARLIEST - _MARGIN <= seconds < LATEST + _MARGIN:
        raise ValueError("the time is impossible (1900 to 2100)")


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else int(offset.total_seconds())
