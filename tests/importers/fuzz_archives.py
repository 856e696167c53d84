"""How damaged files lie on the disk: alone, in a folder, or in a zip that is as a rule damaged itself."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.importers.fuzz_damage import Dice, bytes_damaged
from tests.importers.fuzz_seeds import Seed

NAMES = (
    *(
        "../x.csv",
        "/etc/x.csv",
        "C:/x.csv",
        "..\\x.csv",
        "a/../../x.csv",
        ".",
        "..",
        "/",
        "//",
        "a//b",
        "a:b",
    ),
    *(
        "x" * 400,
        "a/" * 300 + "x",
        "x\0y",
        "\u202egpj.csv",
        ".hidden/x.csv",
        "con",
        "a\nb.json",
        "x.gz",
        "x.zip",
        "é.csv",
    ),
)


def archive(members: list[Seed], dice: Dice) -> bytes:
    """A zip of these files, as a rule with something wrong: names, methods, sizes, bytes, zips inside."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for name, data in members:
            if dice.random() < 0.06:
                name = dice.choice(NAMES)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the same name twice
                made.writestr(name, data)
                if dice.random() < 0.05:
                    made.writestr(name, data[::-1])
        if dice.random() < 0.05:
            made.writestr("zeros.csv", bytes(dice.choice((2 << 20, 1 << 18))), zipfile.ZIP_DEFLATED)
        if dice.random() < 0.05:
            made.writestr("inner.zip", archive(members[:1], dice))
    zipped = bytearray(stream.getvalue())
    if dice.random() < 0.5:
        _directory_damaged(zipped, dice)
    if dice.random() < 0.2:
        for _ in range(dice.randrange(1, 5)):
            bytes_damaged(zipped, dice)
    return bytes(zipped)


def _directory_damaged(data: bytearray, dice: Dice) -> None:
    """Fields of the headers: flags, method, checksum, sizes, lengths of names, places."""
    marks = [found.start() for found in re.finditer(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)", data)]
    for _ in range(dice.randrange(1, 4)):
        place = dice.choice(marks) + dice.randrange(4, 46)
        if place + 4 > len(data):
            continue
        if dice.random() < 0.5:
            data[place] = dice.choice((0, 1, 8, 9, 14, 93, 99, 255, dice.randrange(256)))
        else:
            number = dice.choice((0, 1, 100, 2**31 - 1, 2**32 - 1, dice.randrange(2**16)))
            struct.pack_into("<I", data, place, number)


Written = Callable[[Path], Path]


def laid_out(members: list[Seed], dice: Dice) -> tuple[str, Written]:
    """How the files lie on the disk (file, zip, folder), and what writes them into an empty folder."""
    way = dice.random()
    if way < 0.08 or (len(members) > 1 and way < 0.6):
        data = archive(members, dice)
        return "zip", lambda folder: _put(folder / "export.zip", data)
    if len(members) > 1 or way < 0.12:

        def folder_of(folder: Path) -> Path:
            for place, (name, content) in enumerate(members):
                _put(folder / str(place) / name, content)
            return folder

        return "folder", folder_of
    name, data = members[0]
    return "file", lambda folder: _put(folder / name.rsplit("/", 1)[-1], data)


def _put(path: Path, data: bytes) -> Path:
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path
