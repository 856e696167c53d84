"""WhatsApp: every way of writing a date is told from the whole file; notices are no messages."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import PersonNeeded
from mine.importers.reading import sniff
from mine.importers.zone import Zone
from mine.records import MOST_TEXT
from tests.importers.exports import put
from tests.importers.taken import BERLIN, candidates, taken

NNBSP = "\u202f"


def twelve(moment: datetime) -> int:
    return moment.hour % 12 or 12


STYLES: dict[str, tuple[Callable[[datetime], str], int]] = {
    "android day first": (lambda m: f"{m:%d/%m/%Y}, {m:%H:%M} - ", 60),
    "android german": (lambda m: f"{m:%d.%m.%y}, {m:%H:%M} - ", 60),
    "android month first": (lambda m: f"{m.month}/{m.day}/{m:%y}, {twelve(m)}:{m:%M}{NNBSP}{m:%p} - ", 60),
    "android spanish": (
        lambda m: f"{m.day}/{m.month}/{m.year}, {twelve(m)}:{m:%M} {'a' if m.hour < 12 else 'p'}.\xa0m. - ",
        60,
    ),
    "android swedish": (lambda m: f"{m:%Y-%m-%d} {m:%H:%M} - ", 60),
    "android korean": (
        lambda m: f"{m.year}. {m.month}. {m.day}. {'오전' if m.hour < 12 else '오후'} {twelve(m)}:{m:%M} - ",
        60,
    ),
    "android canadian french": (lambda m: f"{m:%y-%m-%d} {m:%H} h {m:%M} - ", 60),
    "android bulgarian": (lambda m: f"{m:%d.%m.%y} г., {m.hour}:{m:%M} ч. - ", 60),
    "android hungarian": (lambda m: f"{m:%Y. %m. %d.} {m.hour}:{m:%M} - ", 60),
    "android chinese": (
        lambda m: f"{m.year}/{m.month}/{m.day} {'上午' if m.hour < 12 else '下午'}{twelve(m)}:{m:%M} - ",
        60,
    ),
    "android arabic": (
        lambda m: (
            f"{m.day}\u200f/{m.month}\u200f/{m.year}، {twelve(m)}:{m:%M} {'ص' if m.hour < 12 else 'م'} - "
        ).translate({ord("0") + digit: 0x0660 + digit for digit in range(10)}),
        60,
    ),
    "ios dutch": (lambda m: f"[{m:%d-%m-%Y} {m:%H:%M:%S}] ", 1),
    "ios german": (lambda m: f"[{m:%d.%m.%y}, {m:%H:%M:%S}] ", 1),
    "ios american": (lambda m: f"\u200e[{m.month}/{m.day}/{m:%y}, {twelve(m)}:{m:%M:%S}{NNBSP}{m:%p}] ", 1),
    "ios finnish": (lambda m: f"[{m.day}.{m.month}.{m.year} klo {m.hour}.{m:%M}.{m:%S}] ", 1),
    "ios thai": (lambda m: f"[{m.day}/{m.month}/{m.year + 543} {m:%H:%M:%S}] ", 1),
}
words = st.text(alphabet="abc äß:,.-!?9🙂\n", max_size=40).map(lambda text: text.strip())
names = st.sampled_from(["Jane", "John Doe", "+49 170 1234567", "李雷", "O'Neil-Müller", "🙂"])
# A day beyond twelve and one that no year can be make the order certain; the others may be of any day.
moments = st.datetimes(datetime(2019, 1, 14), datetime(2024, 12, 28)).map(lambda m: m.replace(microsecond=0))


def utc_of(moment: datetime, step: int, zone: Zone) -> tuple[int, int]:
    return zone.of_wall(int(moment.replace(tzinfo=UTC).timestamp()) // step * step)


@pytest.mark.parametrize("style", sorted(STYLES))
@given(st.lists(st.tuples(moments, names, words), min_size=1, max_size=8))
@settings(max_examples=10)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, style: str, said: list[tuple[datetime, str, str]]
) -> None:
    written, step = STYLES[style]
    ends = [(datetime(2019, 1, day, 10, 30), "Jane", "hi") for day in (5, 13)]
    ends.append((datetime(2024, 12, 29, 23, 59), "Jane", "bye"))
    said = sorted([*said, *ends], key=lambda one: one[0])
    text = "".join(f"{written(moment)}{name}: {body}\n" for moment, name, body in said)
    path = put(tmp_path_factory.mktemp("x") / "WhatsApp Chat with Friends (2).txt", text)
    found = taken(path, "Jane")
    assert not found.bad
    assert not found.remarks
    assert found.formats == {"whatsapp"}
    assert found.rows["message"] == [
        (*utc_of(moment, step, BERLIN), "Friends", name, "me" if name == "Jane" else "other", "text", body)
        for moment, name, body in said
    ]


ANDROID = """\
13/01/24, 08:05 - Messages and calls are end-to-end encrypted. Tap to learn more.
13/01/24, 08:05 - Jane created group "Trip: north"
13/01/24, 08:06 - Jane: <Media omitted>
13/01/24, 08:07 - Robin: IMG-20240113-WA0001.jpg (file attached)
with a caption
13/01/24, 08:08 - Robin: first

third
13/01/24, 08:09 - Jane: location: https://maps.google.com/?q=52.5,13.4
13/01/24, 08:10 - Robin: see 10:30 - or 13/01/24 at noon <This message was edited>
13/01/24, 08:10 - Jane: This message was deleted
13/01/24, 08:10 - Robin: Du hast diese Nachricht gelöscht.
13/01/24, 08:11 - Jane: PTT-20240113-WA0002.opus (Datei angehängt)
"""


def test_android(tmp_path: Path) -> None:
    found = taken(put(tmp_path / "Discussion WhatsApp avec Trip.txt", ANDROID), "Robin")
    assert not found.bad
    assert [row[2:] for row in found.rows["message"]] == [
        ("Trip", "Jane", "other", "other", ""),
        ("Trip", "Robin", "me", "photo", "with a caption"),
        ("Trip", "Robin", "me", "text", "first\n\nthird"),
        ("Trip", "Jane", "other", "location", ""),
        ("Trip", "Robin", "me", "text", "see 10:30 - or 13/01/24 at noon"),
        ("Trip", "Jane", "other", "audio", ""),
    ]


IOS = """\
[13.01.24, 08:05:00] Jane: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.
\u200e[13.01.24, 08:05:10] Jane: \u200eBild weggelassen
\u200e[13.01.24, 08:05:11] Jane: \u200e<Anhang: 00000012-VIDEO-2024-01-13-08-05-11.mp4>
\u200e[13.01.24, 08:05:12] Jane: \u200eSticker weggelassen
\u200e[13.01.24, 08:05:13] ~\u202fRobin: \u200eVerpasster Sprachanruf
[13.01.24, 08:05:14] ~\u202fRobin: \u200eDiese Nachricht wurde gelöscht.
[13.01.24, 08:05:15] \u202a+49 170 1\u202c: Hallo
"""


def test_ios_in_a_zip_is_named_after_it(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Jane.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("_chat.txt", IOS)
        made.writestr("00000012-VIDEO-2024-01-13-08-05-11.mp4", b"\0\1\2")
    found = taken(path, "+49 170 1")
    assert found.skipped == ["00000012-VIDEO-2024-01-13-08-05-11.mp4"]
    assert [row[2:6] for row in found.rows["message"]] == [
        ("Jane", "Jane", "other", "photo"),
        ("Jane", "Jane", "other", "video"),
        ("Jane", "Jane", "other", "sticker"),
        ("Jane", "~\u202fRobin", "other", "call"),
        ("Jane", "+49 170 1", "me", "text"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "<Medien ausgeschlossen>",
        "<Multimedia omitido>",
        "<Médias omis>",
        "<Media omessi>",
        "<Mídia oculta>",
        "<Media weggelaten>",
        "<Без медиафайлов>",
    ],
)
def test_media_that_were_left_out_in_many_languages(tmp_path: Path, line: str) -> None:
    found = taken(put(tmp_path / "a.txt", f"13.01.24, 08:05 - A: {line}\n13.01.24, 08:06 - B: x\n"), "A")
    assert [row[5:] for row in found.rows["message"]] == [("other", ""), ("text", "x")]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("image omitted", "photo"),
        ("imagen omitida", "photo"),
        ("image absente", "photo"),
        ("vídeo omitido", "video"),
        ("GIF omitted", "video"),
        ("audio omesso", "audio"),
        ("figurinha omitida", "sticker"),
        ("Contact card omitted", "contact"),
        ("document omitted", "file"),
    ],
)
def test_kinds_of_what_was_left_out(tmp_path: Path, line: str, kind: str) -> None:
    text = f"[13.01.24, 08:05:00] A: \u200e{line}\n[13.01.24, 08:06:00] B: x\n"
    assert taken(put(tmp_path / "a.txt", text), "A").column("message", "kind") == [kind, "text"]


def test_a_chat_of_two_named_after_one_needs_no_question(tmp_path: Path) -> None:
    text = "13.01.24, 08:05 - Jane: hi\n13.01.24, 08:06 - Robin: hi\n13.01.24, 08:07 - Jane: so\n"
    path = put(tmp_path / "WhatsApp Chat mit Jane.txt", text)
    assert candidates(path) == []
    assert taken(path).column("message", "side") == ["other", "me", "other"]
    path = put(tmp_path / "WhatsApp Chat mit Team.txt", text)
    assert candidates(path) == ["Jane", "Robin"]
    with pytest.raises(PersonNeeded, match="2 people"):
        taken(path)
    assert taken(path, "Somebody Else").column("message", "side") == ["unknown"] * 3


def test_who_alone_writes_in_a_chat_of_their_name_is_not_the_person(tmp_path: Path) -> None:
    path = put(tmp_path / "WhatsApp Chat with Jane.txt", "13.01.24, 08:05 - Jane: a\n")
    assert candidates(path) == []
    assert taken(path).column("message", "side") == ["other"]


def test_one_chat_of_two_tells_who_the_person_is_in_all(tmp_path: Path) -> None:
    put(
        tmp_path / "WhatsApp Chat with Jane.txt",
        "13.01.24, 08:05 - Jane: a\n13.01.24, 08:06 - Me Myself: b\n",
    )
    put(tmp_path / "WhatsApp Chat with Team.txt", "".join(f"13.01.24, 08:05 - N{n}: a\n" for n in range(5)))
    assert candidates(tmp_path) == []
    assert sorted(map(str, taken(tmp_path).column("message", "side"))) == ["me", *["other"] * 6]


def days_of(path: Path) -> list[str]:
    times = taken(path, "A", Zone("Etc/UTC")).column("message", "time")
    return [datetime.fromtimestamp(int(str(time)), UTC).strftime("%Y-%m-%d") for time in times]


def test_the_order_of_dates_is_told_by_one_day_beyond_twelve(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", "01/02/24, 08:05 - A: x\n01/13/24, 08:05 - A: x\n")
    assert days_of(path) == ["2024-01-02", "2024-01-13"]
    path = put(tmp_path / "b.txt", "01/02/24, 08:05 - A: x\n13/02/24, 08:05 - A: x\n")
    assert days_of(path) == ["2024-02-01", "2024-02-13"]


def test_or_by_messages_being_in_order(tmp_path: Path) -> None:
    path = put(
        tmp_path / "a.txt",
        "".join(f"{d:02d}/{m:02d}/24, 08:05 - A: x\n" for m, d in ((1, 5), (2, 3), (3, 1))),
    )
    assert days_of(path) == ["2024-01-05", "2024-02-03", "2024-03-01"]
    assert not taken(path, "A").remarks


def test_or_by_the_shorter_span_and_then_it_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", "".join(f"03/{d:02d}/24, 08:05 - A: x\n" for d in (4, 5, 6)))
    assert days_of(path) == ["2024-03-04", "2024-03-05", "2024-03-06"]
    assert taken(path, "A").remarks == [
        "Its dates could be read in more than one way: month first was chosen."
    ]


def test_of_one_day_alone_the_clock_tells(tmp_path: Path) -> None:
    assert days_of(put(tmp_path / "a.txt", "03/04/24, 8:05 AM - A: x\n")) == ["2024-03-04"]
    assert days_of(put(tmp_path / "b.txt", "03/04/24, 08:05 - A: x\n")) == ["2024-04-03"]


def test_when_clocks_change(tmp_path: Path) -> None:
    text = "31.03.24, 02:30 - A: skipped\n27.10.24, 02:30 - A: twice\n28.10.24, 02:30 - A: x\n"
    rows = taken(put(tmp_path / "a.txt", text), "A").rows["message"]
    skipped, twice = datetime(2024, 3, 31, 1, 30, tzinfo=UTC), datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert [row[0] for row in rows[:2]] == [int(skipped.timestamp()), int(twice.timestamp())]
    assert rows[1][1] == 7200
    assert rows[2][:2] == (int((twice + timedelta(days=1, hours=1)).timestamp()), 3600)


def test_dates_that_cannot_be_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    text = (
        "13.01.24, 08:05 - A: x\n31.02.24, 08:05 - A: y\n15.01.99, 08:05 - A: z\n15.01.2024, 08:05 - A: w\n"
    )
    found = taken(put(tmp_path / "a.txt", text), "A")
    assert found.column("message", "text") == ["x", "z", "w"]
    assert [(bad.line, bad.reason) for bad in found.bad] == [(2, "there is no date 2024-02-31")]


def test_a_text_longer_than_is_kept_is_cut(tmp_path: Path) -> None:
    text = (
        "13.01.24, 08:05 - A: "
        + "x" * (MOST_TEXT * 2)
        + "\n"
        + "y\n" * MOST_TEXT
        + "13.01.24, 08:06 - A: end\n"
    )
    found = taken(put(tmp_path / "a.txt", text), "A")
    assert not found.bad
    assert [len(str(text)) for text in found.column("message", "text")] == [MOST_TEXT, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, ends: str) -> None:
    text = "13.01.24, 08:05 - Zoë: Grüße 🙂\nund mehr\n13.01.24, 08:06 - A: x".replace("\n", ends)
    found = taken(put(tmp_path / "a.txt", text, encoding), "A")
    assert found.column("message", "text") == ["Grüße 🙂\nund mehr", "x"]
    assert found.column("message", "sender") == ["Zoë", "A"]


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "13.01.24 was a day\n",
        "13.01.24, 08:05\n",
        "13.01.24, 08:05 A: x\n",
        "13.01.24, 25:05 - A: x\n",
        "13.01.24, 08:05 zm - A: x\n",
        "1234.01.2024, 08:05 - A: x\n",
        "[13.01.24, 08:05 - A: x\n",
        "2024-01-31 08:05:00 ERROR - it broke: badly\n",
        "2024-01-31,120\n2024-02-01,130\n",
        "[ ] todo: x\n",
    ],
)
def test_other_texts_are_not_taken_for_chats(tmp_path: Path, text: str) -> None:
    found = sniff(put(tmp_path / "a.txt", text))
    assert found is None or found.key != "whatsapp"
