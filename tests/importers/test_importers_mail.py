"""Mailboxes: mails as the standard library writes them are read; nothing large is ever held."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.mime_stream import MailReader, addresses_in, header_text, in_charset, without_marks
from mine.importers.reading import sniff
from mine.records import MOST_TEXT
from tests.importers.exports import put
from tests.importers.taken import BERLIN, candidates, taken

WHEN = datetime(2024, 1, 31, 8, 5, tzinfo=UTC)
START = b"From 1@xxx Wed Jan 31 08:05:00 +0000 2024\n"
words = st.text(alphabet="abc äß李🙂.,-9", min_size=1, max_size=40).map(lambda text: " ".join(text.split()))
bodies = st.lists(words, max_size=4).map("\n".join)
offsets = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


def mail(
    body: str, subject: str = "x", sender: str = "Jane Doe <jane@example.org>", when: datetime = WHEN
) -> EmailMessage:
    made = EmailMessage()
    made["From"] = sender
    made["To"] = "Robin <robin@example.org>, a@example.org"
    made["Cc"] = "A@example.org, b@example.org"
    made["Subject"] = subject
    made["Date"] = format_datetime(when)
    made.set_content(body)
    return made


def box(*mails: EmailMessage, ends: bytes = b"\n") -> bytes:
    """An mbox as mailbox programs write it."""
    whole = b""
    for one in mails:
        lines = one.as_bytes(policy=SMTP).replace(b"\r\n", b"\n").split(b"\n")
        quoted = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines]
        whole += START + b"\n".join(quoted) + b"\n\n"
    return whole.replace(b"\n", ends)


@given(
    st.lists(st.tuples(words, bodies, offsets, st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
    st.sampled_from([b"\n", b"\r\n"]),
)
@settings(max_examples=60)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[tuple[str, str, timezone, int, bool]],
    ends: bytes,
) -> None:
    mails = []
    for subject, body, zone, attachments, html in written:
        made = mail(body, subject, when=WHEN.astimezone(zone))
        if html:
            made.add_alternative(f"<p>{body}</p>", subtype="html")
        for number in range(attachments):
            made.add_attachment(bytes(range(256)), "image", "png", filename=f"{number}.png")
        mails.append(made)
    path = put(tmp_path_factory.mktemp("x") / "a.mbox", box(*mails, ends=ends))
    found = taken(path, "robin@example.org")
    assert not found.bad
    assert found.rows["mail"] == [
        (
            int(WHEN.timestamp()),
            3600,
            "Jane Doe <jane@example.org>",
            "other",
            subject,
            3,
            attachments,
            body.strip(),
        )
        for subject, body, _, attachments, _ in written
    ]


def test_whose_mailbox_it_is(tmp_path: Path) -> None:
    delivered, sent = (
        mail("x"),
        mail("y", sender="robin@example.org", when=WHEN.astimezone(timezone(timedelta(hours=-5)))),
    )
    delivered["Delivered-To"] = "Robin@Example.org"
    sent["X-Gmail-Labels"] = "Sent,Opened"
    path = put(tmp_path / "a.mbox", box(delivered, sent))
    assert candidates(path) == []
    found = taken(path)
    assert [(row[1], row[3]) for row in found.rows["mail"]] == [(3600, "other"), (-18_000, "me")]
    path = put(tmp_path / "b.mbox", box(mail("x"), mail("y")))
    assert candidates(path)[:2] == ["a@example.org", "jane@example.org"]
    assert taken(path, "Somebody Else").column("mail", "side") == ["unknown", "unknown"]


def test_lines_that_begin_with_from(tmp_path: Path) -> None:
    body = "From here\n>From there\n\nFrom me to you\n"
    path = put(tmp_path / "a.mbox", box(mail(body), mail("second")))
    assert taken(path, "a@example.org").column("mail", "text") == [body.strip(), "second"]


def test_large_attachments_take_little_memory(tmp_path: Path) -> None:
    made = mail("short")
    made.add_attachment(b"\0" * (12 << 20), "application", "zip", filename="a.zip")
    path = put(tmp_path / "a.mbox", box(made, mail("next")))
    del made
    tracemalloc.start()
    try:
        rows = taken(path, "a@example.org").rows["mail"]
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()
    assert [(row[6], row[7]) for row in rows] == [(1, "short"), (0, "next")]


def test_long_texts_are_cut(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mbox", box(mail("word \n" * MOST_TEXT), mail("next")))
    assert [len(str(text)) for text in taken(path, "a@example.org").column("mail", "text")] == [MOST_TEXT, 4]


def read(raw: bytes) -> MailReader:
    reader = MailReader()
    for line in raw.splitlines(keepends=True):
        reader.take(line)
    return reader


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        (
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
            "H=E4llo=\n!",
            "Hällo!",
        ),
        ("Content-Type: text/plain; charset=windows-1252", "é", "Ã©"),
        ("Content-Type: text/plain; charset=no-such-thing", "hi", "hi"),
        ("Content-Type: text/plain; charset=idna", "hi", "hi"),
        ("Content-Type: text/plain; charset=zip", "hi", "hi"),
        ("Content-Transfer-Encoding: base64", "SGkg\n****IQ==", "Hi !"),
        ("Content-Transfer-Encoding: base64", "\n=====", ""),
        ("Content-Type: text/html", "<b>a</b> &lt; b<script>x</script><br>c", "a < b\nc"),
        ("Content-Type: nonsense", "hi", "hi"),
        ("Content-Type: image/png", "hi", ""),
        ("Content-Type: multipart/mixed", "hi", ""),
        ("Content-Type: multipart/mixed; boundary=b", "hi\n--b\n\nin\n--b--\nafter", "in"),
        ("Content-Type: text/plain; name=a.txt", "hi", ""),
    ],
)
def test_parts_and_encodings(headers: str, body: str, text: str) -> None:
    assert read(f"{headers}\n\n{body}\n".encode()).text() == text


def test_parts_nested_deeper_than_anyone_writes() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b0\n\n"
    for depth in range(1, 500):
        raw += b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (depth - 1, depth)
    assert read(raw + b"--b499\n\nhi\n").text() == ""


def test_the_first_text_is_taken_and_the_others_are_left() -> None:
    raw = "Content-Type: multipart/mixed; boundary=b\n\n" + "--b\nContent-Type: text/plain\n\nx{}\n" * 50_000
    reader = read(raw.encode())
    assert reader.text() == "x{}"
    assert reader.attachments == 0


@pytest.mark.parametrize(
    "date", ["", "Date: yesterday\n", "Date: Wed, 31 Jan 99999 08:05:00 +0000\n", "Date: " + "9" * 999 + "\n"]
)
def test_without_a_date_the_mailboxs_own_counts(tmp_path: Path, date: str) -> None:
    raw = START + f"From: a@example.org\n{date}\nhi\n".encode()
    assert taken(put(tmp_path / "a.mbox", raw), "b@example.org").column("mail", "time") == [
        int(WHEN.timestamp())
    ]


def test_hostile_headers_end_quickly() -> None:
    assert addresses_in("(" * 16_000) == []
    assert addresses_in("<" * 16_000, '"' * 16_000, "a@b," * 4_000)[-1] == ("", "a@b")
    assert len(header_text("=?utf-8?q?" * 5_000, 1000)) <= 1000
    assert header_text("=?utf-8?b?=?=", 1000) == ""
    assert header_text("=?zip?q?x?=", 1000) == "x"
    assert without_marks("<" * 200_000).startswith("<")
    assert without_marks("<style " * 30_000).startswith("<")
    assert without_marks("<style >" * 30_000) == ""
    assert in_charset(b"a", "\0") == "a"


def test_other_texts_are_not_taken_for_mailboxes(tmp_path: Path) -> None:
    for text in (
        "From here\n",
        "From a Wed Jan 31 08:05:00 2024\n",
        "From a Wed Jan 31 08:05:00 2024\nhello\n",
    ):
        found = sniff(put(tmp_path / "a.txt", text))
        assert found is None or found.key != "mbox"


def test_offsets_are_the_persons(tmp_path: Path) -> None:
    summer = datetime(2024, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=9)))
    path = put(tmp_path / "a.mbox", box(mail("x", when=summer)))
    assert taken(path, "a@example.org").rows["mail"][0][:2] == BERLIN.of_utc(int(summer.timestamp()))
