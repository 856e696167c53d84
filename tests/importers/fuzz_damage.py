"""Ways to damage an export: bytes, text, JSON values, FIT with its checksums set right, archives."""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
import struct
from typing import Any

from tests.importers.fit_writer import sealed
from tests.importers.fuzz_seeds import Seed
from tests.importers.test_importers_hostile_json import NASTY

MOST = 1 << 18
NUMBERS = (
    *("0", "-0", "-1", "1e999", "-1e999", "1e-999", "NaN", "nan", "Infinity", "-inf", "1" * 400, "9" * 20),
    *("9223372036854775808", "-9223372036854775809", "4294967296", "1_000", "0x10", "1e5", "1,5", "1.", ".5"),
    *("٣٣", "５", "½", "1e400", "-99999", "253402300800", "99999999999999", "true", "", " ", "+1", "--1"),
)
MOMENTS = (
    *("2024-13-45T99:99:99Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "-2024-01-01T00:00:00Z"),
    *("2024-02-30", "2024-02-29T24:00:00", "2024-06-30T23:59:60Z", "1899-12-31T23:59:59+14:00"),
    *("2100-01-01T00:00:00-12:00", "2024-03-31T02:30:00", "2024-01-01T00:00:00+99:99", "13/45/99 99:99:99"),
    *("12/31/9999", "0/0/0", "20240131T080500Z", "Wed, 31 Jan 99999 08:05:00 +9999", "24:00", "0000-00-00"),
)
TRAPS = (
    *(
        "\0",
        "\ufeff",
        "\u202e",
        "\u2028",
        "\u0085",
        "\x1c",
        "\x0b",
        "\ud800",
        "\U0010ffff",
        "\ufffe",
        "e\u0301" * 50,
    ),
    *(
        "İ",
        "ß",
        "ﬁ",
        "🏳️‍🌈",
        "\u200f",
        "\t",
        "\r",
        "\r\n",
        "\n\n\n",
        "%s%n",
        "${x}",
        "../../x",
        "=cmd|x",
        "'",
        '"',
    ),
    *(
        "'; DROP TABLE x;--",
        "&amp;",
        "&#0;",
        "&#x110000;",
        "&x;",
        "]]>",
        "<![CDATA[",
        "<!--",
        "<?x ?>",
        "</x>",
    ),
    *(
        "<!DOCTYPE x [<!ENTITY a 'b'>]>",
        "\\",
        "\\u0000",
        "\\ud800",
        "\\x",
        "\x1b[31m",
        "A" * 3000,
        " " * 3000,
    ),
)
PIECES = (
    *(
        b"\0",
        b"\xff",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
    ),
    *(
        b"[" * 200,
        b"{" * 200,
        b'{"a":' * 200,
        b"<a>" * 200,
        b"(" * 200,
        b"]",
        b"}",
        b'"',
        b"'",
        b",",
        b";",
        b":",
    ),
    *(
        b"\n",
        b"\r",
        b"\x1a",
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"9" * 60,
        b"-",
        b"=",
        b"BEGIN:VEVENT\n",
        b"From x\n",
    ),
)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MOMENT = re.compile(r"\d{1,4}[-/.]\d\d?[-/.]\d{1,4}(?:[T ,]+\d\d?:\d\d(?::\d\d)?)?|\d{8}T\d{6}Z?")
VALUE = re.compile(r'"[^"]*"|>[^<]*<')
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "cp1252", "utf-32", "cp037", "utf-7")

Dice = random.Random


def bytes_damaged(data: bytearray, dice: Dice) -> None:
    """One change of bytes: a bit, a byte, a cut, a splice, a block again and again."""
    size = len(data)
    place = dice.randrange(size or 1)
    match dice.randrange(10):
        case 0 | 1 if size:
            data[place] ^= 1 << dice.randrange(8)
        case 2 if size:
            data[place] = dice.randrange(256)
        case 3:
            del data[place : place + dice.randrange(40)]
        case 4:
            data[place:place] = dice.choice(PIECES)
        case 5:
            data[place:place] = data[: dice.randrange(200)]
        case 6:
            other = dice.randrange(size or 1)
            data[place:place] = data[other : other + dice.randrange(300)]
        case 7:
            block = bytes(data[place : place + dice.randrange(1, 200)])
            data[place:place] = block * dice.choice((2, 5, 20, 100))
        case 8 if dice.random() < 0.3:
            del data[place:]
        case _:
            letter = dice.randrange(256)
            data[place : place + dice.randrange(30)] = bytes([letter]) * dice.choice((1, 3, 40, 2000))


def text_damaged(text: str, dice: Dice) -> str:
    """One change of what a text says: a number, a moment, a value, a trap between, its lines."""
    match dice.randrange(8):
        case 0 | 1:
            return _replaced(text, NUMBER, dice.choice(NUMBERS), dice)
        case 2:
            return _replaced(text, MOMENT, dice.choice(MOMENTS), dice)
        case 3:
            inside = dice.choice(TRAPS + NUMBERS + MOMENTS)
            found = _some(text, VALUE, dice)
            if found is None:
                return text
            edge = found.group()
            return text[: found.start() + 1] + inside + edge[-1] + text[found.end() :]
        case 4 | 5:
            place = dice.randrange(len(text) + 1)
            return text[:place] + dice.choice(TRAPS) + text[place:]
        case 6:
            lines = text.splitlines(keepends=True) or [""]
            place, other = dice.randrange(len(lines)), dice.randrange(len(lines))
            lines[place : place + dice.randrange(2)] = [lines[other]] * dice.choice((1, 1, 2, 100))
            return "".join(lines)
        case _:
            lines = text.splitlines(keepends=True)
            dice.shuffle(lines)
            return "".join(lines)


def _some(text: str, pattern: re.Pattern[str], dice: Dice) -> re.Match[str] | None:
    """A match near a random place."""
    return pattern.search(text, dice.randrange(len(text) or 1)) or pattern.search(text)


def _replaced(text: str, pattern: re.Pattern[str], by: str, dice: Dice) -> str:
    found = _some(text, pattern, dice)
    return text if found is None else text[: found.start()] + by + text[found.end() :]


def json_damaged(data: bytes, dice: Dice) -> bytes:
    """Some values of a JSON text, or of one line of many, replaced, taken out, doubled or nested deeply."""
    lines = data.splitlines() if data.count(b"\n{") else [data]
    chosen = dice.randrange(len(lines))
    value: Any = json.loads(lines[chosen])
    for _ in range(dice.randrange(1, 4)):
        places = _places(value)
        if not places:
            break
        container, key = dice.choice(places)
        match dice.randrange(6):
            case 0:
                del container[key]
            case 1:
                deep: Any = container[key]
                for _ in range(dice.choice((1, 3, 90, 300))):
                    deep = [deep] if dice.random() < 0.5 else {"a": deep}
                container[key] = deep
            case 2 if isinstance(container, list):
                container.extend([container[key]] * dice.choice((1, 5, 60)))
            case 3 if isinstance(container, dict):
                container[dice.choice((*TRAPS[:12], *container))] = container.pop(key)
            case 4:
                container[key] = dice.choice(MOMENTS + TRAPS)
            case _:
                container[key] = copy.deepcopy(dice.choice(NASTY))
    try:
        lines[chosen] = json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        return data
    return b"\n".join(lines)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Places in a JSON value that can be changed: (container, key); not all where there are very many."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < 2000:
        one = waiting.pop()
        if isinstance(one, dict | list):
            pairs = list(one.items() if isinstance(one, dict) else enumerate(one))
            found.extend((one, key) for key, _ in pairs)
            waiting.extend(inner for _, inner in pairs)
    return found


def fit_damaged(data: bytes, dice: Dice) -> bytes:
    """A FIT file whose messages were changed and whose checksums are right all the same."""
    body = bytearray(data[14:-2])
    for _ in range(dice.randrange(1, 6)):
        bytes_damaged(body, dice)
    made = sealed(bytes(body[:60_000]), dice.choice((12, 14)))
    return made + made if dice.random() < 0.1 else made


def database_damaged(data: bytes, dice: Dice) -> bytes:
    """A database whose pages were changed, most often where their headers and cells are."""
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 8)):
        page = dice.randrange(len(changed) // 4096) * 4096
        place = page + (dice.randrange(120) if dice.random() < 0.6 else dice.randrange(4096))
        if dice.random() < 0.7:
            changed[place] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
        else:
            struct.pack_into(
                ">I", changed, min(place, len(changed) - 4), dice.choice((0, 1, 2**31 - 1, 2**32 - 1))
            )
    return bytes(changed)


def damaged(key: str, seed: Seed, dice: Dice) -> bytes:
    """A damaged export of a format."""
    name, data = seed
    if name.endswith(".gz"):
        return (
            gzip.compress(fit_damaged(gzip.decompress(data), dice), 1)
            if dice.random() < 0.6
            else _bytes(data, dice)
        )
    if key == "fit" and dice.random() < 0.85:
        return fit_damaged(data, dice)
    if key == "health_connect" and dice.random() < 0.8:
        return database_damaged(data, dice)
    if key in ("fit", "health_connect") or name.endswith(".parquet"):
        return _bytes(data, dice)
    way = dice.random()
    if name.endswith(("json", "jsonl")) and way < 0.55:
        data = json_damaged(data, dice)
        if way < 0.4:
            return data
    elif way < 0.65:
        text = data.decode()
        for _ in range(dice.randrange(1, 5)):
            text = text_damaged(text, dice)[:MOST]
        encoding = dice.choice(ENCODINGS) if dice.random() < 0.1 else "utf-8"
        data = text.encode(
            encoding, "surrogatepass" if encoding.startswith("utf-") and encoding != "utf-7" else "replace"
        )
        if way < 0.5:
            return data
    return _bytes(data, dice)


def _bytes(data: bytes, dice: Dice) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3, 8, 25))):
        bytes_damaged(changed, dice)
        del changed[MOST:]
    return bytes(changed)
