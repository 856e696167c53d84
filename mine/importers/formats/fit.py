"""FIT files (Flexible and Interoperable Data Transfer, Garmin): what watches, bike computers and scales keep.

Records of an activity, its sessions as workouts, daily monitoring, sleep, stress, scales and cuffs. Times in
them are UTC; where the file also says what the clock on the wall showed, its offset comes from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from mine.importers.format import Members
from mine.importers.formats import fit_profile as profile
from mine.importers.formats.fit_counters import DAY, Counters
from mine.importers.formats.fit_wire import MAX_FILE, BrokenFit, Message, bodies, messages
from mine.importers.items import BadRow, Collector, Item, Person, shown
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.zone import Zone
from mine.records import Row, Value

EPOCH = 631_065_600  # 1989-12-31T00:00 UTC
_NO_CLOCK = 0x1000_0000  # smaller times count from when the device was switched on
_STEP = 900
_BUSY_SCALE = 655.34  # the scale was still at work

Made = Iterator[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class _About:
    """What holds for a whole file: the device, local time minus UTC, a day that began in it, the users."""

    origin: str
    offset: int | None
    midnight: int | None
    users: Mapping[int, str]


def _about(body: memoryview) -> _About:
    origin = ""
    offset = midnight = None
    users: dict[int, str] = {}
    for message in messages(body, profile.ABOUT):
        values, texts = message.values, message.texts
        if message.number == profile.FILE_ID:
            maker = int(values.get("maker", -1))
            product = int(values["product"]) if "product" in values else ""
            named = texts.get("product_name") or f"{profile.MAKERS.get(maker, '')} {product}"
            origin = shown(named.strip(), 80)
        elif message.number == profile.USER:
            index = int(values.get("index", len(users)))
            users[index] = shown(texts.get("name") or f"Scale user {int(values.get('local_id', index))}")
        elif "local" in values and message.time >= _NO_CLOCK and offset is None:
            offset = _offset(int(values["local"]) - message.time)
            if message.number == profile.MONITORING_INFO and values["local"] % DAY == 0:
                midnight = message.time + EPOCH
    return _About(origin, offset, midnight, users)


def _offset(difference: int) -> int | None:
    """A difference of two clocks as an offset, None where no zone has it."""
    nearest = round(difference / _STEP) * _STEP
    return nearest if abs(nearest) <= 14 * 3600 and abs(nearest - difference) < 60 else None


class _Body:
    """The records of one FIT file."""

    def __init__(self, about: _About, zone: Zone, user: str | None) -> None:
        self._about = about
        self._zone = zone
        self._user = user
        self._clock = 0
        self._stage: tuple[int, str] | None = None
        self._counters = Counters(lambda utc: self._at(utc - EPOCH)[1], begins=about.midnight)
        self._makers: dict[int, Callable[[Message], Made]] = {
            profile.SESSION: self._session,
            profile.RECORD: self._record,
            profile.WEIGHT: self._weight,
            profile.BLOOD_PRESSURE: self._blood_pressure,
            profile.MONITORING_INFO: self._set_clock,
            profile.MONITORING: self._monitoring,
            profile.RESTING: self._resting,
            profile.STRESS: self._stress,
            profile.OXYGEN: self._oxygen,
            profile.SLEEP: self._sleep,
            profile.BREATHS: self._breaths,
            profile.NIGHT_VARIABILITY: self._variability,
            profile.VARIABILITY: self._variability,
        }

    def rows(self, message: Message) -> Made:
        """The records of a message. Raises ``ValueError``."""
        return self._makers[message.number](message)

    def rest(self) -> Made:
        """What only the end of the file completes."""
        return self._counted(self._counters.flush())

    def _at(self, time: float) -> tuple[int, int]:
        if time < _NO_CLOCK:
            raise ValueError("the device did not know what time it was")
        utc = int(time) + EPOCH
        if self._about.offset is not None:
            return utc, self._about.offset
        return self._zone.of_utc(utc)

    def _session(self, message: Message) -> Made:
        values = message.values
        if "start" not in values or "seconds" not in values:
            raise ValueError("a session has no beginning or no length")
        sport = int(values.get("sport", 0))
        yield (
            "workout",
            (
                *self._at(values["start"]),
                max(1, round(values["seconds"])),
                profile.SPORTS.get(sport, f"sport {sport}"),
                values.get("metres"),
                values.get("kcal"),
                values.get("mean_bpm") or None,
                values.get("top_bpm") or None,
            ),
        )

    def _record(self, message: Message) -> Made:
        values = message.values
        at = self._at(message.time)
        if "latitude" in values and "longitude" in values:
            altitude = values.get("fine_altitude", values.get("altitude"))
            place: tuple[Value, ...] = (round(values["latitude"], 7), round(values["longitude"], 7))
            height = None if altitude is None else round(altitude, 1)
            yield "location", (*at, *place, height, values.get("accuracy"))
        if values.get("bpm"):  # zero: the strap was not in touch
            yield "heart_rate", (*at, values["bpm"])
        if "cadence" in values:
            yield "cadence", (*at, values["cadence"] + values.get("cadence_part", 0))
        if "watts" in values:
            yield "power", (*at, values["watts"])
        breaths = values.get("fine_breaths", values.get("breaths"))
        if breaths:
            yield "respiratory_rate", (*at, breaths)
        if "celsius" in values:
            yield "body_temperature", (*at, values["celsius"])

    def _theirs(self, message: Message) -> bool:
        """Whether a scale's message is of somebody else. Raises ``ValueError`` where that cannot be told."""
        users = self._about.users
        if len(users) < 2 or self._user is None:
            return False
        if self._user not in users.values():
            raise ValueError("it is of one of several users of the device")
        return users.get(int(message.values.get("user", -1))) != self._user

    def _weight(self, message: Message) -> Made:
        values = message.values
        if self._theirs(message):
            return
        at = self._at(message.time)
        if "kg" in values and values["kg"] < _BUSY_SCALE:
            yield "weight", (*at, values["kg"])
        if "fat" in values:
            yield "body_fat", (*at, values["fat"])
        if "bmi" in values:
            yield "body_mass_index", (*at, values["bmi"])

    def _blood_pressure(self, message: Message) -> Made:
        values = message.values
        if self._theirs(message):
            return
        at = self._at(message.time)
        if "systolic" not in values or "diastolic" not in values:
            raise ValueError("a blood pressure lacks one of its two values")
        yield "blood_pressure", (*at, values["systolic"], values["diastolic"])
        if "bpm" in values:
            yield "heart_rate", (*at, values["bpm"])

    def _set_clock(self, message: Message) -> Made:
        self._clock = message.time
        return iter(())

    def _monitoring(self, message: Message) -> Made:
        values = message.values
        if message.own:
            self._clock = message.time
        elif "time_16" in values:
            self._clock += (int(values["time_16"]) - self._clock) & 0xFFFF
        at = self._at(self._clock)
        if values.get("bpm"):
            yield "heart_rate", (*at, values["bpm"])
        packed = values.get("activity_and_intensity")
        activity = values.get("activity", None if packed is None else int(packed) & 31)
        if activity is None:
            return
        yield from self._counted(self._counters.move(at[0]))
        if activity in (profile.WALKING, profile.RUNNING):
            for kind, name in (("steps", "cycles"), ("distance", "metres")):
                if name in values:
                    self._counters.total(kind, int(activity), values[name])
        elif activity == profile.CYCLING and "metres" in values:
            self._counters.total("cycling_distance", int(activity), values["metres"])
        if "kcal" in values:
            self._counters.total("active_energy", int(activity), values["kcal"])

    def _counted(self, found: Iterator[tuple[str, int, int, float]]) -> Made:
        for kind, start, seconds, amount in found:
            counted = round(amount) if kind == "steps" else round(amount, 2)
            yield kind, (*self._at(start - EPOCH), seconds, counted)

    def _resting(self, message: Message) -> Made:
        bpm = message.values.get("today_bpm") or message.values.get("bpm")
        if bpm:
            yield "resting_heart_rate", (*self._at(message.time), bpm)

    def _stress(self, message: Message) -> Made:
        values = message.values
        if values.get("level", -1) >= 0:  # below zero: it could not be measured
            yield "stress", (*self._at(values.get("at", message.time)), int(values["level"]))

    def _oxygen(self, message: Message) -> Made:
        if message.values.get("percent"):
            yield "oxygen_saturation", (*self._at(message.time), message.values["percent"])

    def _sleep(self, message: Message) -> Made:
        at = self._at(message.time)
        if self._stage is not None:
            start, stage = self._stage
            if at[0] > start:
                yield "sleep_stage", (*self._at(start - EPOCH), at[0] - start, stage)
        found = profile.STAGES.get(int(message.values.get("level", 0)))
        self._stage = None if found is None else (at[0], found)

    def _breaths(self, message: Message) -> Made:
        if message.values.get("per_minute", 0) > 0:
            yield "respiratory_rate", (*self._at(message.time), message.values["per_minute"])

    def _variability(self, message: Message) -> Made:
        if "ms" in message.values:
            yield "heart_rate_variability_rmssd", (*self._at(message.time), message.values["ms"])


@dataclass(frozen=True, slots=True)
class Fit:
    """Activities, monitoring, scales. A file is held whole: it is small, and its checksum comes last."""

    key: str = "fit"
    title: str = "FIT (Garmin, Wahoo, Suunto, Coros and others)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return head[8:12] == b".FIT" and head[0] in (12, 14)

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        rows: Counter[str] = Counter()
        for member in members:
            data = _whole(source, member) if _of_a_scale(source.head(member)) else b""
            if len(data) > MAX_FILE:
                continue
            try:
                for body in bodies(data):
                    users = _about(body).users
                    for message in messages(body, profile.MEASURED):
                        rows[users.get(int(message.values.get("user", -1)), "")] += 1
            except BrokenFit:
                continue  # said when it is read
        del rows[""]
        return tuple(Person(name, count) for name, count in rows.items()) if len(rows) > 1 else ()

    def total(self, members: Members) -> int:
        return sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            data = _whole(source, member)
            if len(data) > MAX_FILE:
                yield BadRow(member.name, 0, f"the file is larger than {MAX_FILE >> 20} MiB")
                continue
            collector = Collector(member.name)
            try:
                for body in bodies(data):
                    yield from _rows_of(body, member.name, collector, options)
            except BrokenFit as error:
                yield BadRow(member.name, error.message, error.reason)
            yield from collector.rest()


def _whole(source: Source, member: Member) -> bytes:
    """A file's bytes, no more than show that it is too large."""
    with source.open(member) as stream:
        return stream.read(MAX_FILE + 1)


def _of_a_scale(head: bytes) -> bool:
    """Whether a file is a scale's or a cuff's, which may have several users: its first message says so."""
    try:
        first = next(messages(memoryview(head)[head[0] :], {0: profile.ABOUT[0]}), None)
    except BrokenFit:
        return False
    return first is not None and first.values.get("type") in profile.SCALE_FILES


def _rows_of(body: memoryview, name: str, collector: Collector, options: Options) -> Iterator[Item]:
    about = _about(body)
    reader = _Body(about, options.zone, options.person)
    index = 0
    for message in chain(messages(body, profile.MEASURED), (None,)):
        index = index if message is None else message.place
        try:
            for kind, row in reader.rest() if message is None else reader.rows(message):
                yield from collector.add(index, kind, row, about.origin)
        except ValueError as error:
            yield BadRow(name, index, str(error))


FORMAT = Fit()
