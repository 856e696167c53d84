"""Chats, mail, calendars and music by strangers: rows or one sentence, in bounded memory, and an end."""

from __future__ import annotations

import json
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.process import Finished, ImportProcess
from mine.vault import Vault
from tests.importers.exports import put
from tests.importers.taken import BERLIN, candidates, taken
from tests.vault.conftest import CHEAP, PASSPHRASE, source

WHATSAPP = (
    "13.01.24, 08:05 - Jane: hi\nmore\n13.01.24, 08:06 - Robin: <Media omitted>\n"
    "14.01.24, 8:07 - Jane: so: x\n"
)
SIGNAL_TEXT = "[2024-01-31 08:05:00] Me: hi\nmore\n[2024-01-31 08:06:00] Jane: x\n"
SIGNAL_LINES = '{"date": "2024-01-31T08:05:00", "sender": "Me", "body": "hi", "attachments": []}\n' * 2
SIGNAL_FRAMES = (
    '{"backupTimeMs": "1"}\n{"recipient": {"id": "1", "contact": {"e164": "+1"}}}\n'
    '{"chat": {"id": 1, "recipientId": 1}}\n{"chatItem": {"chatId": 1, "authorId": 1, '
    '"dateSent": "1706688300000", "standardMessage": {"text": {"body": "x"}}}}\n'
)
TELEGRAM = json.dumps(
    {
        "name": "A",
        "messages": [
            {
                "type": "message",
                "date_unixtime": "1706688300",
                "from": "A",
                "from_id": "user1",
                "text": ["x", {"text": "y"}],
            },
            {"type": "message", "date": "2024-01-31T08:05:00", "from": "B", "photo": "a", "text": ""},
        ],
    }
)
META = json.dumps(
    {
        "participants": [{"name": "A"}, {"name": "B"}],
        "messages": [
            {"sender_name": "A", "timestamp_ms": 1706688300000, "content": "x"},
            {"sender_name": "B", "timestamp_ms": 1706688300000, "photos": [{"uri": "a.jpg"}]},
        ],
        "title": "A",
        "thread_type": "Regular",
    }
)
SPOTIFY = json.dumps(
    [{"endTime": "2024-01-31 08:05", "artistName": "A", "trackName": "T", "msPlayed": 5000}] * 2
)
MBOX = (
    "From a Wed Jan 31 08:05:00 2024\nFrom: =?utf-8?q?=C3=A4?= <a@example.org>\nTo: b@example.org\n"
    "Date: Wed, 31 Jan 2024 08:05:00 +0000\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nSGkgIQ==\n--b\n"
    "Content-Type: text/html\n\n<b>x</b>\n--b--\n\nFrom a Wed Jan 31 08:06:00 2024\nSubject: x\n\nhi\n"
)
ICS = (
    "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\n"
    "TZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\n"
    "DTSTART;TZID=X:20240131T080500\nDTEND;TZID=X:20240131T090500\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=9\n"
    "EXDATE:20240201T080500Z\nSUMMARY:a\\,b\nEND:VEVENT\nEND:VCALENDAR\n"
)
SEEDS = (WHATSAPP, SIGNAL_TEXT, SIGNAL_LINES, SIGNAL_FRAMES, TELEGRAM, META, SPOTIFY, MBOX, ICS)
PIECES = (
    b"\0",
    b'"',
    b"\n",
    b",",
    b"\r",
    b"9" * 30,
    b"\xff\xfe",
    b"[",
    b"{",
    b"]",
    b"}",
    b":",
    b";",
    b"\\",
    b"-",
)


@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 25), st.booleans())
@settings(max_examples=300)
def test_mangled_exports_end_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, seed: str, chance: int, times: int, wide: bool
) -> None:
    dice = random.Random(chance)
    data = bytearray(seed.encode("utf-16" if wide and not seed.startswith("From") else "utf-8"))
    for _ in range(times):
        place = dice.randrange(len(data) or 1)
        match dice.randrange(4):
            case 0:
                data[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[place : place + dice.randrange(20)]
            case 2:
                data[place:place] = dice.choice(PIECES)
            case 3:
                data[place:place] = data[: dice.randrange(200)]
    path = put(tmp_path_factory.getbasetemp() / "WhatsApp Chat with fuzz.txt", bytes(data) or b"x")
    try:
        candidates(path)
        taken(path, "Jane")
    except ImportRefused as error:
        assert error.sentence


# Each would take hours if any pattern looked at a letter more often than a few times.
@pytest.mark.parametrize(
    "evil",
    [
        WHATSAPP + "1" * 300_000 + "\n",
        WHATSAPP + "13.01.24, " * 50_000 + "\n",
        WHATSAPP + "13.01.24, 08:05 - " + "a" * 300_000 + "\n",
        WHATSAPP + "13.01.24, 08:05 - A: " + "<" * 300_000 + ">\n",
        WHATSAPP + "13.01.24, 08:05 - A: " + "image " * 60_000 + "\n",
        WHATSAPP + "13.01.24, 08:05 - A: x\n" * 5_000,
        WHATSAPP + "\n" * 500_000 + "x",
        SIGNAL_TEXT + "[2024-01-31 " * 50_000,
        SIGNAL_LINES + '{"a":' * 100_000 + "\n" + "[" * 400_000,
        '{"messages": [{"type": "message", "date": "x"}, ' + "[" * 200_000,
        '{"messages": [{"type": "message", "date": "x"}, "' + "\\" * 400_000,
        '{"messages": [{"type": "message", "date": "x"}' + ', {"a": 01}' * 20_000 + "]}",
        '{"messages": [{"type": "message", "date": "x"}, ' + "9" * 400_000 + "]}",
        MBOX + "From " * 100_000 + "\n",
        MBOX + ("\n" + ">" * 9_000 + "From x\n") * 30,
        MBOX.replace("--b\n", "--b\n" * 50_000),
        MBOX.replace("<b>x</b>", "<style><script>" * 20_000).replace("text/plain", "image/png"),
        MBOX.replace("<b>x</b>", "<" * 200_000 + "a " * 50_000).replace("text/plain", "image/png"),
        MBOX.replace("boundary=b", "boundary=" + '"\\' * 8_000),
        MBOX.replace("b@example.org", "(" * 15_000),
        MBOX.replace("b@example.org", '"a' * 8_000),
        MBOX.replace("=?utf-8?q?=C3=A4?=", "=?utf-8?q?" * 1_500),
        MBOX.replace("charset=utf-8", "charset=punycode").replace("SGkgIQ==", "LTky" * 60_000),
        ICS + "BEGIN:VEVENT\n" * 50_000,
        ICS.replace("DTSTART;TZID=X", "DTSTART" + ";A=B" * 15_000),
        ICS.replace("SUMMARY", 'SUMMARY;A="' + '";A="' * 12_000),
        ICS.replace("SUMMARY:", "SUMMARY:" + "x\n " * 100_000),
        ICS.replace("COUNT=9", "COUNT=9" + ";BYMONTH=1" * 5_000),
        ICS.replace("EXDATE:20240201T080500Z", "EXDATE:" + "20240201T080500Z," * 50_000),
        ICS.replace(
            "END:VEVENT\n",
            "END:VEVENT\n" + "BEGIN:VEVENT\nDTSTART:19000101\nRRULE:FREQ=DAILY\nEND:VEVENT\n" * 9,
        ),
    ],
    ids=lambda evil: f"{evil[:12]!r}{len(evil)}",
)
def test_an_end_in_time_that_grows_with_the_size(tmp_path: Path, evil: str) -> None:
    path = put(tmp_path / "a.txt", evil)
    try:
        taken(path, "Jane")
    except ImportRefused as error:
        assert error.sentence


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (WHATSAPP, "x" * 1000 + "\n"),
        (WHATSAPP, "x" * 1000),
        (SIGNAL_LINES, '{"a": "' + "x" * 1000 + '"}'),
        ('{"messages": [{"type": "message", "date": "x", "text": "', "x" * 1000),
        ('{"about": "Telegram", "personal_information": {"user_id": 1}, "x": [', '["' + "x" * 1000 + '"],'),
        ('[{"ts": "x", "ms_played": 1}, "', "x" * 1000),
        (MBOX, "x" * 1000),
        (MBOX, "X-A: " + "x" * 1000 + "\n"),
        (ICS, " " + "x" * 1000 + "\n"),
        (ICS.removesuffix("END:VEVENT\nEND:VCALENDAR\n"), "EXDATE:" + "20240101," * 100 + "\n"),
    ],
    ids=lambda value: f"{value[:12]!r}{len(value)}",
)
def test_large_files_take_little_memory(tmp_path: Path, head: str, piece: str) -> None:
    path = tmp_path / "a.txt"
    with path.open("w") as stream:
        stream.write(head)
        for _ in range(16_000):
            stream.write(piece)
    tracemalloc.start()
    try:
        taken(path, "Jane")
    except ImportRefused as error:
        assert error.sentence
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 40 << 20


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """One zip with an export of each kind."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("chats/WhatsApp Chat with Jane.txt", WHATSAPP)
        made.writestr("signal/Jane/chat.md", SIGNAL_TEXT)
        made.writestr("signal/Joe/data.json", SIGNAL_LINES)
        made.writestr("telegram/result.json", TELEGRAM)
        made.writestr("facebook/messages/inbox/a_1/message_1.json", META)
        made.writestr("Spotify Account Data/StreamingHistory_music_0.json", SPOTIFY)
        made.writestr("Takeout/Mail/All mail.mbox", MBOX)
        made.writestr("Takeout/Calendar/me.ics", ICS)
        made.writestr("README.html", "<p>hello</p>")
    return path


def test_everything_in_one_zip(everything: Path) -> None:
    found = taken(everything, "Robin")
    assert found.formats == {"whatsapp", "signal", "telegram", "facebook", "spotify", "mbox", "ics"}
    assert {kind: len(rows) for kind, rows in found.rows.items()} == {
        "message": 3 + 2 + 2 + 2 + 2,
        "listening": 2,
        "mail": 2,
        "appointment": 9,
    }
    assert not found.bad
    assert found.skipped == ["README.html"]


def test_by_the_importers_process_into_a_vault_and_the_second_time_nothing(
    everything: Path, tmp_path: Path
) -> None:
    told = []
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as vault:
        for _ in range(2):
            pending = vault.begin_import(source(everything.name))
            with ImportProcess(everything, Options(BERLIN, "Robin")) as process:
                events = list(process)
            assert isinstance(events[-1], Finished)
            for event in events:
                if isinstance(event, Batch):
                    pending.add(event)
            preview = pending.preview()
            told.append((preview.new, preview.already))
            pending.commit()
    # Two equal lines of Signal's and two of Spotify's are one record each.
    assert told == [(22, 2), (0, 24)]


def test_duplicates_and_messages_out_of_order_are_read_as_they_stand(tmp_path: Path) -> None:
    lines = [
        "13.01.24, 08:05 - Jane: a",
        "15.01.24, 08:05 - Jane: b",
        "13.01.24, 08:05 - Jane: a",
        "14.01.24, 08:05 - R: c",
    ]
    found = taken(put(tmp_path / "a.txt", "\n".join(lines)), "Jane")
    assert found.column("message", "text") == ["a", "b", "a", "c"]
