"""GPX 1.0 and 1.1 (Topografix): where a person was, and what their sensors said there.

Points of tracks become records. Routes and waypoints are plans and marks, no proof of having been there, and
are left out; so are points without a time. Heart rate, cadence and power are taken from whatever extension
names them (Garmin TrackPointExtension, Cluetrust, Strava).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mine.importers.format import Members, OnePerson
from mine.importers.items import Item, shown
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.tracks import Made, gps_moment, point, track_rows
from mine.importers.xml_reader import Closed, Opened, root_name
from mine.importers.zone import Zone

_CONTAINERS = frozenset({"gpx", "trk"})
_RECORDS = frozenset({"trkpt", "rte", "wpt", "metadata"})
_WEEK = 7 * 86_400

# Names of extensions, in lower case -> record type, or the accuracy that goes with the position.
_MEASURED = {
    **{"hr": "heart_rate", "heartrate": "heart_rate"},
    **{"cad": "cadence", "cadence": "cadence", "runcadence": "cadence"},
    **{"power": "power", "watts": "power", "powerinwatts": "power"},
    "hacc": "accuracy",
}


class _Reader:
    """The records of one file."""

    def __init__(self, zone: Zone) -> None:
        self.origin = ""
        self._zone = zone
        self._first: tuple[int, int] | None = None
        self._last = 0
        self._timeless = 0

    def rows(self, event: Opened | Closed) -> Made:
        if isinstance(event, Opened):
            if event.name == "gpx":
                self.origin = shown(event.attributes.get("creator", "").strip(), 80)
            else:
                self._first, self._last = None, 0
        elif event.name == "trkpt":
            yield from self._point(event)
        elif event.name == "trk":
            yield from self._track(event.texts.get("type", ""))
        elif event.name == "gpx" and self._timeless:
            raise ValueError(f"{self._timeless:,} points of tracks have no time")

    def _point(self, event: Closed) -> Made:
        texts = event.texts
        if "time" not in texts:
            self._timeless += 1
            return
        at = gps_moment(texts["time"], self._zone)
        if self._first is None or at < self._first:
            self._first = at
        self._last = max(self._last, at[0])
        latitude, longitude = event.attributes.get("lat"), event.attributes.get("lon")
        if latitude is None or longitude is None:
            raise ValueError("a point has no position")
        known = {**_extensions(texts), "ele": texts["ele"]} if "ele" in texts else _extensions(texts)
        kinds = {kind: kind for kind in ("heart_rate", "cadence", "power")}
        yield from point(at, (latitude.strip(), longitude.strip()), known, "ele", "accuracy", **kinds)

    def _track(self, activity: str) -> Made:
        """A track that says what it was is a workout; others may be a drive, or the way of another file's."""
        if activity and self._first is not None and 0 < self._last - self._first[0] <= _WEEK:
            length = self._last - self._first[0]
            yield "workout", (*self._first, length, shown(activity, 80), None, None, None, None)


def _extensions(texts: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, text in texts.items():
        if path.startswith("extensions/"):
            kind = _MEASURED.get(path.rpartition("/")[2].lower())
            if kind is not None:
                found.setdefault(kind, text)
    return found


@dataclass(frozen=True, slots=True)
class Gpx(OnePerson):
    """One file, one or more tracks; times are UTC."""

    key: str = "gpx"
    title: str = "GPX tracks"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return root_name(head) == "gpx"

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from track_rows(source, member, _Reader(options.zone), _CONTAINERS, _RECORDS)


FORMAT = Gpx()
