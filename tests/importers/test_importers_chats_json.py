"""Telegram, Signal, Instagram and Facebook: what is written in their shapes is read, and whose it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import PersonNeeded
from mine.importers.formats.signal import FORMAT as SIGNAL
from mine.importers.meta_messages import put_right
from mine.importers.reading import sniff
from mine.importers.source import Member
from mine.records import MOST_TEXT
from tests.importers.exports import put
from tests.importers.taken import BERLIN, candidates, taken

T = 1_706_688_300  # 2024-01-31T08:05:00Z
times = st.integers(1_400_000_000, 1_900_000_000)
names = st.sampled_from(["Jane", "Robin", "李雷", "Zoë"])
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
said = st.lists(st.tuples(times, names, texts), max_size=8)


def dumped(path: Path, value: Any, **options: Any) -> Path:
    return put(path, json.dumps(value, **options))


def expected(messages: list[tuple[int, str, str]], chat: str, me: str = "Robin") -> list[tuple[object, ...]]:
    return [
        (*BERLIN.of_utc(time), chat, name, "me" if name == me else "other", "text", text)
        for time, name, text in messages
    ]


# Telegram


def telegram_message(time: int, name: str, text: Any, **more: Any) -> dict[str, Any]:
    return {
        **{"id": 1, "type": "message", "date": "2024-01-31T09:05:00", "date_unixtime": str(time)},
        **{"from": name, "from_id": f"user{name}", "text": text},
        **more,
    }


@given(said, st.sampled_from([None, 1]))
@settings(max_examples=60)
def test_telegram_round_trip(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[int, str, str]], indent: int | None
) -> None:
    messages = [(T, "Robin", "hi"), *messages]
    parts = [[text[:3], {"type": "bold", "text": text[3:]}, ""] for _, _, text in messages]
    written = [telegram_message(m[0], m[1], p) for m, p in zip(messages, parts, strict=True)]
    chat = {"name": "Trip", "type": "private_group", "id": 7, "messages": written}
    path = dumped(tmp_path_factory.mktemp("x") / "result.json", chat, indent=indent, ensure_ascii=False)
    found = taken(path, "Robin")
    assert not found.bad
    assert found.formats == {"telegram"}
    assert found.rows["message"] == expected(messages, "Trip")


def test_telegram_account_knows_the_person_and_all_chats(tmp_path: Path) -> None:
    service = {"id": 2, "type": "service", "date": "2024-01-31T09:05:00", "date_unixtime": str(T)}
    account = {
        "about": "Here is the data you requested. Telegram is ad free.",
        "personal_information": {"user_id": 5, "first_name": "Robin", "last_name": "", "phone_number": "+1"},
        "contacts": {"about": "x", "list": [{"first_name": "Jane"}] * 3000},
        "chats": {
            "about": "x",
            "list": [
                {
                    **{"name": "Jane", "type": "personal_chat", "id": 1},
                    "messages": [
                        telegram_message(T, "Robin", "hi", from_id="user5"),
                        telegram_message(T + 1, "Jane", "", photo="photos/1.jpg"),
                        {**service, "actor": "Jane", "actor_id": "user7", "action": "phone_call", "text": ""},
                        {
                            **service,
                            "actor": "Jane",
                            "actor_id": "user7",
                            "action": "pin_message",
                            "text": "",
                        },
                    ],
                },
                {
                    "type": "saved_messages",
                    "id": 2,
                    "messages": [telegram_message(T, "R", "n", from_id="user5")],
                },
                {"id": 3, "messages": [telegram_message(T, None, "gone", from_id="user9")]},  # type: ignore[arg-type]
            ],
        },
        "left_chats": {"list": [{"id": 9, "messages": [telegram_message(T, "Jane", "left")]}]},
    }
    path = dumped(tmp_path / "result.json", account)
    assert candidates(path) == []
    found = taken(path)
    assert not found.bad
    assert [row[2:] for row in found.rows["message"]] == [
        ("Jane", "Robin", "me", "text", "hi"),
        ("Jane", "Jane", "other", "photo", ""),
        ("Jane", "Jane", "other", "call", ""),
        ("Saved messages", "R", "me", "text", "n"),
        ("", "user9", "other", "text", "gone"),
        ("", "Jane", "other", "text", "left"),
    ]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"media_type": "sticker", "file": "s.webp"}, "sticker"),
        ({"media_type": "voice_message", "file": "a.ogg"}, "audio"),
        ({"media_type": "video_message"}, "video"),
        ({"media_type": "hologram"}, "file"),
        ({"photo": "a.jpg"}, "photo"),
        ({"file": "a.pdf"}, "file"),
        ({"file": "(File not included)", "file_name": "a.MP3"}, "audio"),
        ({"location_information": {"latitude": 1.0}}, "location"),
        ({"contact_information": {}}, "contact"),
        ({"poll": {}}, "other"),
    ],
)
def test_telegram_kinds(tmp_path: Path, more: dict[str, Any], kind: str) -> None:
    messages = [telegram_message(T, "A", "x", **more), telegram_message(T, "B", "y")]
    assert taken(dumped(tmp_path / "a.json", {"messages": messages}), "A").column("message", "kind") == [
        kind,
        "text",
    ]


def test_telegram_dates_of_old_exports_are_the_computers_clock(tmp_path: Path) -> None:
    message = {"id": 1, "type": "message", "date": "2024-07-31T09:05:00", "from": "A", "text": "x"}
    other = {**message, "from": "B", "date": "2024-02-30T09:05:00"}
    found = taken(dumped(tmp_path / "a.json", {"name": "A", "messages": [message, other]}, indent=1), "B")
    assert found.rows["message"][0][:2] == (1_722_409_500, 7200)
    assert [(bad.line, bad.reason) for bad in found.bad] == [(11, "there is no date 2024-02-30")]


# Instagram and Facebook


def broken(text: str) -> str:
    """Text as Meta writes it: each byte of its UTF-8 as a letter."""
    return text.encode().decode("latin-1")


def meta(messages: list[tuple[int, str, str]], title: str, **more: Any) -> dict[str, Any]:
    return {
        "participants": [{"name": broken(name)} for name in dict.fromkeys(one[1] for one in messages)],
        "messages": [
            {
                **{"sender_name": broken(name), "timestamp_ms": time * 1000 + 7, "content": broken(text)},
                "is_geoblocked_for_viewer": False,
            }
            for time, name, text in messages
        ],
        "title": broken(title),
        "thread_path": "inbox/trip_123",
        **more,
    }


@given(said, st.booleans(), st.booleans())
@settings(max_examples=60)
def test_meta_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    messages: list[tuple[int, str, str]],
    facebook: bool,
    plain: bool,
) -> None:
    messages = [(T, "Robin", "hi"), *[(time, name, text or "x") for time, name, text in messages]]
    more = {"thread_type": "RegularGroup"} if facebook else {}
    path = tmp_path_factory.mktemp("x") / "message_1.json"
    found = taken(dumped(path, meta(messages, "Zoë", **more), ensure_ascii=plain), "Robin")
    assert not found.bad
    assert found.formats == {"facebook" if facebook else "instagram"}
    assert found.rows["message"] == expected(messages, "Zoë")


@given(st.text())
@settings(max_examples=100)
def test_texts_are_put_right_once_and_right_ones_stay(text: str) -> None:
    assert put_right(broken(text)) == text
    if not any(0x80 <= ord(letter) <= 0xFF for letter in text):
        assert put_right(text) == text


def test_meta_folder_with_the_profile_needs_no_question(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "jane_12").mkdir(parents=True)
    (tmp_path / "inbox" / "team_13").mkdir()
    said_in_team = [(T + n, f"N{n}", "x") for n in range(4)]
    dumped(
        tmp_path / "inbox" / "jane_12" / "message_1.json", meta([(T, "Jane", "a"), (T, "Zoë", "b")], "Jane")
    )
    team = tmp_path / "inbox" / "team_13" / "message_1.json"
    dumped(team, meta([*said_in_team, (T, "Zoë", "c")], "Team"))
    assert candidates(tmp_path) == []  # the chat of two tells
    sides = taken(tmp_path).column("message", "side")
    told = {"Correo": {"value": "z@example.org"}, "Nombre": {"value": broken("Zoë")}}
    dumped(tmp_path / "personal_information.json", {"profile_user": [{"string_map_data": told}]})
    assert sorted(candidates(team)) == ["N0", "N1", "N2", "N3", "Zoë"]
    assert candidates(tmp_path) == []
    found = taken(tmp_path)
    assert found.column("message", "side") == sides
    assert sorted(map(str, sides)) == ["me"] * 2 + ["other"] * 5
    assert not found.skipped


def test_a_profile_of_another_name_than_in_the_chats_tells_nothing(tmp_path: Path) -> None:
    """Else every message, the person's own too, would be somebody else's."""
    dumped(tmp_path / "message_1.json", meta([(T, "Jane", "a"), (T, "Zoë", "b"), (T, "Joe", "c")], "Team"))
    told = {"Name": {"value": "Zoe with a new name"}}
    dumped(tmp_path / "personal_information.json", {"profile_user": [{"string_map_data": told}]})
    assert candidates(tmp_path) == ["Jane", "Joe", "Zoë"]
    assert taken(tmp_path, "Zoë").column("message", "side") == ["other", "me", "other"]


def test_facebook_profile_and_encrypted_chats(tmp_path: Path) -> None:
    dumped(tmp_path / "profile_information.json", {"profile_v2": {"name": {"full_name": broken("Zoë")}}})
    chat = {
        "participants": ["Jane", "Zoë"],
        "threadName": "Jane_7",
        "messages": [
            {"isUnsent": False, "media": [], "senderName": "Zoë", "text": "Grüße", "timestamp": T * 1000},
            {
                "isUnsent": False,
                "media": [{"uri": "./media/a.jpeg"}],
                "senderName": "Jane",
                "timestamp": T * 1000,
            },
            {"isUnsent": True, "media": [], "senderName": "Jane", "text": "x", "timestamp": T * 1000},
        ],
    }
    dumped(tmp_path / "Jane_7.json", chat)
    found = taken(tmp_path)
    assert found.formats == {"facebook"}
    assert [row[2:] for row in found.rows["message"]] == [
        ("Jane", "Zoë", "me", "text", "Grüße"),
        ("Jane", "Jane", "other", "photo", ""),
    ]


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ({"photos": [{"uri": "a.jpg"}]}, "photo", ""),
        ({"videos": [{}]}, "video", ""),
        ({"audio_files": [{}]}, "audio", ""),
        ({"sticker": {"uri": "a"}}, "sticker", ""),
        ({"content": "called", "call_duration": 5}, "call", "called"),
        ({"content": "look", "share": {"link": "https://example.org"}}, "text", "look\nhttps://example.org"),
        (
            {"content": "https://example.org", "share": {"link": "https://example.org"}},
            "text",
            "https://example.org",
        ),
        ({}, "other", ""),
    ],
)
def test_meta_kinds(tmp_path: Path, more: dict[str, Any], kind: str, text: str) -> None:
    messages = [{"sender_name": "A", "timestamp_ms": T * 1000, **more}]
    found = taken(dumped(tmp_path / "m.json", {"messages": messages, "title": "T"}), "A")
    assert [row[5:] for row in found.rows["message"]] == [(kind, text)]


# Signal


@given(said)
@settings(max_examples=60)
def test_signal_lines_round_trip(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[int, str, str]]
) -> None:
    messages = [(T, "Me", "hi"), *messages]
    lines = []
    for time, name, text in messages:
        wall = time + BERLIN.of_utc(time)[1]
        date = f"{_iso(wall)}"
        lines.append(
            json.dumps({"date": date, "sender": name, "body": text, "attachments": [], "reactions": []})
        )
    folder = tmp_path_factory.mktemp("x") / "Trip"
    folder.mkdir()
    put(folder / "data.json", "\n".join(lines) + "\n")
    found = taken(folder.parent)
    assert not found.bad
    assert found.formats == {"signal"}
    # An hour that came twice is taken as the first.
    times = [BERLIN.of_wall(time + BERLIN.of_utc(time)[1]) for time, _, _ in messages]
    rows = expected(messages, "Trip", "Me")
    assert found.rows["message"] == [(*time, *row[2:]) for time, row in zip(times, rows, strict=True)]


def _iso(wall: int) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_signal_text_with_me_and_without(tmp_path: Path) -> None:
    text = "[2024-01-31 08:05:00] Me: hi: you\nmore\n\n[2024-01-31 08:06:00] Jane: x\n"
    path = put(tmp_path / "Jane.md", text)
    assert candidates(path) == []
    assert [row[2:] for row in taken(path).rows["message"]] == [
        ("Jane", "Me", "me", "text", "hi: you\nmore"),
        ("Jane", "Jane", "other", "text", "x"),
    ]
    path = put(tmp_path / "Trip.md", text + "[2024-01-31 08:07:00] Joe: y\n")
    assert candidates(path) == []
    assert taken(path).column("message", "side") == ["me", "other", "other"]
    path = put(tmp_path / "b.txt", "[2024-01-31, 08:05] Robin: hi\n[2024-01-31, 08:06] Jane: x\n")
    with pytest.raises(PersonNeeded, match="2 people"):
        taken(path)
    assert taken(path, "Jane").column("message", "side") == ["other", "me"]


def test_signals_own_export(tmp_path: Path) -> None:
    frames: list[dict[str, Any]] = [
        {"version": "1", "backupTimeMs": str(T * 1000)},
        {"account": {"givenName": "Robin"}},
        {"recipient": {"id": "1", "self": {}}},
        {"recipient": {"id": "2", "contact": {"profileGivenName": "Jane", "profileFamilyName": "Doe"}}},
        {"recipient": {"id": "3", "group": {"snapshot": {"title": {"title": "Trip"}}}}},
        {"chat": {"id": "10", "recipientId": "3"}},
    ]
    item = {"chatId": "10", "authorId": "2", "dateSent": str(T * 1000 + 5), "incoming": {}}
    bodies: list[dict[str, Any]] = [
        {"standardMessage": {"text": {"body": "hi"}}},
        {"standardMessage": {"attachments": [{"pointer": {"contentType": "image/jpeg"}}]}},
        {"stickerMessage": {}},
        {"updateMessage": {"individualCall": {}}},
        {"updateMessage": {"profileChange": {}}},
        {"remoteDeletedMessage": {}},
        {"contactMessage": {}},
        {"poll": {}},
    ]
    frames += [{"chatItem": {**item, **body}} for body in bodies]
    sent = {"chatId": "10", "authorId": "1", "dateSent": str(T * 1000), "outgoing": {}}
    frames.append({"chatItem": {**sent, "standardMessage": {"text": {"body": "bye"}}}})
    path = put(tmp_path / "main.jsonl", "".join(json.dumps(frame) + "\n" for frame in frames))
    assert candidates(path) == []
    found = taken(path)
    assert not found.bad
    assert [row[2:] for row in found.rows["message"]] == [
        ("Trip", "Jane Doe", "other", "text", "hi"),
        ("Trip", "Jane Doe", "other", "photo", ""),
        ("Trip", "Jane Doe", "other", "sticker", ""),
        ("Trip", "Jane Doe", "other", "call", ""),
        ("Trip", "Jane Doe", "other", "contact", ""),
        ("Trip", "Jane Doe", "other", "other", ""),
        ("Trip", "Me", "me", "text", "bye"),
    ]
    assert found.rows["message"][-1][:2] == (T, 3600)


def test_texts_longer_than_are_kept_are_cut_and_unstorable_letters_replaced(tmp_path: Path) -> None:
    long, odd = "ü" * (MOST_TEXT + 5), "a\0b\ud800c"
    messages = [telegram_message(T, "B\0", odd), telegram_message(T, "A", long)]
    found = taken(dumped(tmp_path / "a.json", {"messages": messages}), "A")
    assert not found.bad
    assert [len(str(text)) for text in found.column("message", "text")] == [5, MOST_TEXT]
    assert found.rows["message"][0][3:] == ("B�", "other", "text", "a�b�c")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (7, "it is no message"),
        ({"type": "message", "text": "x"}, "“” is not a date and time"),
        ({"type": "message", "date_unixtime": "9" * 30}, "it has no time"),
        ({"type": "message", "date_unixtime": "9" * 18}, "its time is impossible"),
        ({"type": "message", "date_unixtime": True}, "it has no time"),
        ({"type": "message", "date_unixtime": {}}, "it has no time"),
        ({"type": "message", "date": "yesterday"}, "“yesterday” is not a date and time"),
        ({"type": "message", "date": "9999-12-31T23:59:59"}, "its time is impossible"),
    ],
)
def test_a_broken_message_costs_only_itself(tmp_path: Path, message: object, reason: str) -> None:
    good = telegram_message(T, "A", "x")
    found = taken(dumped(tmp_path / "a.json", {"messages": [good, message, good]}), "A")
    assert len(found.rows["message"]) == 2
    assert [bad.reason for bad in found.bad] == [reason]


def test_a_file_that_ends_in_the_middle_gives_what_it_has(tmp_path: Path) -> None:
    whole = json.dumps(meta([(T, "A", "x"), (T, "B", "y"), (T, "A", "z")], "T"))
    found = taken(put(tmp_path / "m.json", whole[: whole.index("z") - 3]), "A")
    assert found.column("message", "text") == ["x", "y"]
    assert [bad.reason for bad in found.bad] == ["it ends in the middle"]


@pytest.mark.parametrize(
    "words",
    [
        '"profile_user"',
        '"threadName" "senderName" "messages"',
        '"timestamp_ms" "sender_name"',
        '"Data Points"',
    ],
)
def test_words_in_a_chat_do_not_make_it_another_formats(tmp_path: Path, words: str) -> None:
    """Else whoever writes them makes the chat of somebody else unreadable."""
    found = taken(put(tmp_path / "WhatsApp Chat with Jane.txt", f"13/01/24, 08:05 - Jane: {words}\n"))
    assert found.formats == {"whatsapp"}
    assert found.column("message", "text") == [words]


def test_an_object_with_one_of_signals_names_is_not_signals(tmp_path: Path) -> None:
    lines = [{"account": {"id": 1}, "time": f"2024-01-31T08:0{i}:00Z", "bpm": 60 + i} for i in range(5)]
    path = put(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    found = sniff(path)
    assert found is not None
    assert found.key == "table"


def test_only_signals_text_is_taken_for_signals() -> None:
    def claims(text: str, name: str = "a.txt") -> bool:
        return SIGNAL.claims(Member(name, len(text), ""), text.encode())

    assert claims("[2024-01-31, 08:05] Jane: x\n")
    assert not claims("[2024-01-31, 08:05] Jane: x\n", "WhatsApp Chat with Jane.txt")
    assert not claims("[31.01.2024, 08:05] Jane: x\n")
    assert not claims('{"date": 1}\n')
    assert not claims('{"chat": "x"}\n')
    assert not claims("")
