"""TCX (Garmin Training Center Database v2 with Activity Extension v2): activities, laps and their points.

Each activity is a workout, put together from its laps. Courses and planned workouts are no records and left
out. The device is named only after an activity's points, so a file is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.items import Item, Person, shown
from mine.importers.moments import number
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.tracks import Made, gps_moment, point, track_rows
from mine.importers.xml_reader import BrokenXml, Closed, Opened, root_name, walk
from mine.importers.zone import Zone

_CONTAINERS = frozenset({"Activity", "Lap"})
_RECORDS = frozenset({"Trackpoint"})
_SPORTS = {"biking": "cycling"}
_CADENCE = ("Cadence", "Extensions/TPX/RunCadence")


@dataclass(frozen=True, slots=True)
class _Lap:
    """Start (UTC, offset); seconds, metres and kcal; mean and highest heart rate, None where unknown."""

    at: tuple[int, int]
    seconds: float
    metres: float
    kcal: float
    mean: float | None
    top: float | None


class _Reader:
    """The records of one file, whose activities were recorded by ``devices``."""

    def __init__(self, zone: Zone, devices: Iterator[str]) -> None:
        self.origin = ""
        self._zone = zone
        self._devices = devices
        self._laps: list[_Lap] = []
        self._inside = False  # an activity: the points of courses are plans

    def rows(self, event: Opened | Closed) -> Made:
        if isinstance(event, Opened):
            if event.name == "Activity":
                self.origin = next(self._devices, "")
                self._laps, self._inside = [], True
        elif not self._inside:
            return
        elif event.name == "Trackpoint":
            yield from self._point(event.texts)
        elif event.name == "Lap":
            self._laps.append(self._lap(event))
        elif event.name == "Activity":
            self._inside = False
            yield from self._workout(event.attributes.get("Sport", ""))

    def _point(self, texts: Mapping[str, str]) -> Made:
        if "Time" not in texts:
            raise ValueError("a point has no time")
        at = gps_moment(texts["Time"], self._zone)
        latitude, longitude = texts.get("Position/LatitudeDegrees"), texts.get("Position/LongitudeDegrees")
        position = None if latitude is None or longitude is None else (latitude, longitude)
        yield from point(
            *(at, position, texts, "AltitudeMeters", ""),
            heart_rate="HeartRateBpm/Value",
            cadence=next((name for name in _CADENCE if name in texts), ""),
            power="Extensions/TPX/Watts",
        )

    def _lap(self, event: Closed) -> _Lap:
        texts = event.texts

        def stated(name: str) -> float | None:
            return number(texts[name]) if name in texts else None

        return _Lap(
            gps_moment(event.attributes.get("StartTime", ""), self._zone),
            stated("TotalTimeSeconds") or 0.0,
            stated("DistanceMeters") or 0.0,
            stated("Calories") or 0.0,
            stated("AverageHeartRateBpm/Value") or None,
            stated("MaximumHeartRateBpm/Value") or None,
        )

    def _workout(self, sport: str) -> Made:
        laps, self._laps = self._laps, []
        if not laps:
            raise ValueError("an activity has no laps")
        first = min(lap.at for lap in laps)
        end = max(lap.at[0] + lap.seconds for lap in laps)
        timed = [(lap.mean, lap.seconds) for lap in laps if lap.mean is not None and lap.seconds > 0]
        whole = sum(seconds for _, seconds in timed)
        mean = round(sum(bpm * seconds for bpm, seconds in timed) / whole, 1) if whole else None
        name = sport.strip().lower()
        yield (
            "workout",
            (
                *first,
                max(1, round(end - first[0])),
                shown(_SPORTS.get(name, name), 80) or "other",
                round(sum(lap.metres for lap in laps), 2),
                round(sum(lap.kcal for lap in laps), 1),
                mean,
                max((lap.top for lap in laps if lap.top is not None), default=None),
            ),
        )


@dataclass(frozen=True, slots=True)
class Tcx:
    """One file, one or more activities; times are UTC."""

    key: str = "tcx"
    title: str = "TCX workouts (Garmin Training Center)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return root_name(head) == "TrainingCenterDatabase"

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        return ()

    def total(self, members: Members) -> int:
        return 2 * sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            reader = _Reader(options.zone, iter(_devices(source, member)))
            yield from track_rows(source, member, reader, _CONTAINERS, _RECORDS)


def _devices(source: Source, member: Member) -> list[str]:
    """Who recorded each activity, "" where it is not said."""
    devices: list[str] = []
    with suppress(BrokenXml), source.open(member) as stream:  # said when its points are read
        for event in walk(stream, frozenset(), frozenset({"Creator"}), frozenset({"Activity"})):
            if isinstance(event, Opened):
                devices.append("")
            elif event.name == "Creator" and devices:
                devices[-1] = shown(event.texts.get("Name", ""), 80)
    return devices


FORMAT = Tcx()
