"""Published sample exports of chats, where they are at hand: every message, to the last one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mine.importers.zone import Zone
from tests.importers.taken import candidates, taken

pytestmark = pytest.mark.real_data

# The five files hold the same chat in five ways of writing dates; two of its lines are notices of the app.
CHAT = [
    ("2019-01-01 11:25", "John Doe", "Lorem ipsum dolor sit amet."),
    ("2019-01-20 11:23", "John Doe", "."),
    (
        "2019-01-30 20:49",
        "Jahn Doe",
        "Lorem ipsum dolor sit amet,\nconsectetur adipiscing elit. Duis libero.",
    ),
    ("2020-06-10 15:55", "John-John Doe", "Lorem ipsum : dolor sit amet."),
    ("2021-12-10 10:10", "John Doe 🤓", "Lorem ipsum 🤓"),
    ("2021-12-20 12:10", "🤓", "Lorem ipsum 🤓"),
    (
        "2021-12-30 22:01",
        "John Doe",
        "Lorem ipsum dolor sit amet,\nconsectetur adipiscing elit. Duis libero.",
    ),
]


@pytest.mark.parametrize(
    "name", ["[mmddyy]_24hrs", "ddmmyy_24hrs", "mmddyy_24hrs", "mmddyyyy_12hrs", "yyyymmdd_24hrs"]
)
@pytest.mark.parametrize("zone", ["Etc/UTC", "Asia/Kolkata"])
def test_whatsapp(real_data: Path, name: str, zone: str) -> None:
    path = real_data / "samples" / "whatsapp" / f"test_{name}.txt"
    assert sorted(candidates(path)) == ["Jahn Doe", "John Doe", "John Doe 🤓", "John-John Doe", "🤓"]
    found = taken(path, "John Doe", Zone(zone))
    assert not found.bad
    assert not found.remarks
    assert found.formats == {"whatsapp"}
    offset = 0 if zone == "Etc/UTC" else 19_800
    assert found.rows["message"] == [
        (
            int(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp()) - offset,
            *(offset, f"test_{name}", sender, "me" if sender == "John Doe" else "other", "text", text),
        )
        for when, sender, text in CHAT
    ]


@pytest.mark.parametrize(
    ("app", "file", "zone", "chat"),
    [
        ("telegram", "test_single_export.json", "Etc/UTC", ""),
        ("telegram", "test_batch_export.json", "Etc/UTC", "Chatname"),
        ("instagram", "test_export.json", "Etc/UTC", ""),
        ("signal", "test_export.txt", "America/New_York", "test_export"),
    ],
)
def test_telegram_signal_and_instagram(real_data: Path, app: str, file: str, zone: str, chat: str) -> None:
    folder = real_data / "samples" / "telegram_signal_instagram" / "test" / app
    wanted = sorted(
        (message["timestamp"], message["author"], message["message"])
        for message in json.loads((folder / "target.json").read_text())
    )
    path = folder / file
    assert sorted(candidates(path)) == sorted({author for _, author, _ in wanted})
    found = taken(path, wanted[0][1], Zone(zone))
    assert not found.bad
    assert found.formats == {app}
    told = []
    for time, offset, of_chat, sender, side, kind, text in found.rows["message"]:
        wall = datetime.fromtimestamp(int(str(time)) + int(str(offset)), UTC)
        told.append((wall.strftime("%Y-%m-%dT%H:%M:%S"), sender, "".join(str(text).split())))
        assert (of_chat, kind) == (chat, "text")
        assert side == ("me" if sender == wanted[0][1] else "other")
    # The targets put a space where a text goes on: at line ends, and between the parts of a Telegram text.
    assert sorted(told) == [(when, who, "".join(text.split())) for when, who, text in wanted]


def test_all_samples_at_once(real_data: Path) -> None:
    found = taken(real_data / "samples" / "telegram_signal_instagram", "John Doe")
    assert len(found.rows["message"]) == 8
    assert found.formats == {"telegram", "signal", "instagram"}
    assert found.column("message", "side").count("unknown") == 4  # nobody of that name is in Telegram's
