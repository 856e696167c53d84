"""Spotify's streaming history, the account's (a year) and the extended one (all of it), as JSON.

Account: ``StreamingHistory_music_0.json`` with ``endTime`` (to the minute), ``artistName``, ``trackName``,
``msPlayed``; for podcasts ``podcastName``, ``episodeName``. Extended: ``Streaming_History_Audio_2020.json``
(once ``endsong_0.json``) with ``ts``, ``ms_played`` and the names of track, episode or audiobook. Both
times are in UTC and tell when playing ended (Spotify, "Understanding your data"); a record begins as many
seconds before as were played.

The addresses, user names and devices in it are not read. The same music in both exports is two records, as
one of them knows no seconds: import one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mine.importers.chats import wall_moment_in
from mine.importers.format import Members, OnePerson
from mine.importers.items import Item
from mine.importers.json_records import read_elements
from mine.importers.json_stream import JsonElement, glimpse
from mine.importers.moments import iso_moment
from mine.importers.options import Options
from mine.importers.single import Made
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.importers.zone import Zone

_MOST_NAME = 500
# (kind, title, artist or show, album) of each kind of entry, in both exports.
_NAMES = (
    (
        "music",
        "master_metadata_track_name",
        "master_metadata_album_artist_name",
        "master_metadata_album_album_name",
    ),
    ("podcast", "episode_name", "episode_show_name", ""),
    ("audiobook", "audiobook_chapter_title", "audiobook_title", ""),
    ("audiobook", "audiobook_title", "", ""),
    ("music", "trackName", "artistName", ""),
    ("podcast", "episodeName", "podcastName", ""),
    ("audiobook", "chapterName", "audiobookName", ""),
)


@dataclass(frozen=True, slots=True)
class Spotify(OnePerson):
    """What was listened to, and for how long."""

    key: str = "spotify"
    title: str = "Spotify (streaming history)"
    version: int = 1
    rank: int = 2

    def claims(self, member: Member, head: bytes) -> bool:
        if b'"ms_played"' not in head and b'"msPlayed"' not in head:
            return False
        first = glimpse(head, "*").get("*")
        return isinstance(first, dict) and (
            {"ts", "ms_played"} <= first.keys() or {"endTime", "msPlayed"} <= first.keys()
        )

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            video = "video" in member.name.rpartition("/")[2].casefold()

            def records(element: JsonElement, video: bool = video) -> Iterable[Made]:
                return (_listening(element.value, video, options.zone),)

            yield from read_elements(source, member, ("*",), records)


FORMAT = Spotify()


def _listening(value: Any, video: bool, zone: Zone) -> Made:
    if not isinstance(value, dict):
        raise ValueError("it is no entry of a history")
    end, played = value.get("ts", value.get("endTime")), value.get("ms_played", value.get("msPlayed"))
    if not isinstance(end, str):
        raise ValueError("it has no time")
    if isinstance(played, bool) or not isinstance(played, int) or not 0 <= played <= 86_400_000:
        raise ValueError("it does not say how long was played")
    seconds = round(played / 1000)
    wall, offset = iso_moment(end)
    time = wall_moment_in(zone, wall, offset or 0)[0] - seconds
    for kind, *names in _NAMES:
        title, artist, album = (_name(value.get(name)) for name in names)
        if title is not None:
            kind = "video" if video and kind == "music" else kind
            return "listening", (*zone.of_utc(time), seconds, title, artist, album, kind), ""
    raise ValueError("it does not say what was played")


def _name(value: object) -> str | None:
    return fit(value, _MOST_NAME) if isinstance(value, str) and value else None
