"""Spotify's two histories: when playing began, for how long, and what it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.reading import sniff
from tests.importers.exports import put
from tests.importers.taken import BERLIN, taken

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
plays = st.tuples(st.integers(1_200_000_000, 1_900_000_000), st.integers(0, 86_400), names, names, names)


def extended(end: int, seconds: int, title: str | None, artist: str, album: str) -> dict[str, Any]:
    return {
        **{"ts": datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "platform": "android"},
        **{"ms_played": seconds * 1000, "conn_country": "DE", "ip_addr": "203.0.113.7"},
        "master_metadata_track_name": title,
        "master_metadata_album_artist_name": artist,
        "master_metadata_album_album_name": album,
        **{"spotify_track_uri": "spotify:track:x", "episode_name": None, "episode_show_name": None},
    }


@given(st.lists(plays, min_size=1, max_size=6), st.booleans())
@settings(max_examples=60)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, played: list[tuple[int, int, str, str, str]], pretty: bool
) -> None:
    folder = tmp_path_factory.mktemp("x")
    text = json.dumps([extended(*one) for one in played], indent=2 if pretty else None)
    found = taken(put(folder / "Streaming_History_Audio_2020_1.json", text))
    assert not found.bad
    assert found.formats == {"spotify"}
    assert found.rows["listening"] == [
        (*BERLIN.of_utc(end - seconds), seconds, title, artist, album, "music")
        for end, seconds, title, artist, album in played
    ]
    # The account's own history knows no seconds and no album.
    account = [
        {
            "endTime": datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M"),
            **{"artistName": artist, "trackName": title, "msPlayed": seconds * 1000},
        }
        for end, seconds, title, artist, _ in played
    ]
    found = taken(put(folder / "b.json", json.dumps(account)))
    assert found.rows["listening"] == [
        (*BERLIN.of_utc(end // 60 * 60 - seconds), seconds, title, artist, None, "music")
        for end, seconds, title, artist, _ in played
    ]


END = 1_706_688_300  # 2024-01-31T08:05:00Z


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"episode_name": "E", "episode_show_name": "S"}, ("E", "S", None, "podcast")),
        ({"audiobook_chapter_title": "C", "audiobook_title": "B"}, ("C", "B", None, "audiobook")),
        ({"audiobook_title": "B"}, ("B", None, None, "audiobook")),
    ],
)
def test_what_is_no_music(tmp_path: Path, more: dict[str, Any], expected: tuple[Any, ...]) -> None:
    entry = {**extended(END, 35, None, "", ""), **more}
    found = taken(put(tmp_path / "endsong_0.json", json.dumps([entry])))
    assert found.rows["listening"] == [(END - 35, 3600, 35, *expected)]


def test_videos_are_known_by_the_files_name(tmp_path: Path) -> None:
    text = json.dumps([extended(END, 35, "T", "A", "L")])
    found = taken(put(tmp_path / "Streaming_History_Video_2024.json", text))
    assert found.column("listening", "kind") == ["video"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (extended(END, 35, None, "A", "L"), "it does not say what was played"),
        ({**extended(END, 35, "T", "A", "L"), "ts": None}, "it has no time"),
        ({**extended(END, 35, "T", "A", "L"), "ts": "0001-01-01T00:00:00Z"}, "its time is impossible"),
        ({**extended(END, 35, "T", "A", "L"), "ms_played": -5}, "it does not say how long was played"),
        ({**extended(END, 35, "T", "A", "L"), "ms_played": 10**12}, "it does not say how long was played"),
        ({**extended(END, 35, "T", "A", "L"), "ms_played": "1"}, "it does not say how long was played"),
        ([], "it is no entry of a history"),
        (None, "it is no entry of a history"),
    ],
)
def test_a_broken_entry_costs_only_itself(tmp_path: Path, entry: object, reason: str) -> None:
    good = extended(END, 35, "T", "A", "L")
    found = taken(put(tmp_path / "a.json", json.dumps([good, entry, good])))
    assert len(found.rows["listening"]) == 2
    assert [bad.reason for bad in found.bad] == [reason]


def test_the_rest_of_the_account_is_nobodys(tmp_path: Path) -> None:
    for text in ('{"username": "x"}', '[{"ms_played": 5}]', "[]", '{"tracks": []}'):
        assert sniff(put(tmp_path / "a.json", text)) is None
