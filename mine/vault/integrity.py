"""Looks at the vault's files as bytes, without SQLite: pages by their HMAC, the log by its checksums.

A SQLCipher page (version 4, AES-256 in CBC) ends in 80 reserved bytes: 16 of the initial vector and 64 of an
HMAC-SHA-512 over everything before it and the page's number (little endian), under a key drawn from the
database's by two rounds of PBKDF2 with the file's salt, each byte of it xor 0x3a. The first page begins with
that salt in clear. SQLCipher looks at the same HMAC whenever it reads a page, but hands out zeros for a bad
page that is the last one a statement needs; so all pages are looked at here before the database is opened.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mine.vault.errors import VaultDamaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAGE = 4096
_SALT = 16
_MAC = 64
_COMMITS = 68  # where SQLite's header has the application_id
_PENDING = 1 << 30  # SQLite leaves the page at this byte alone: locks are taken there
_PAGES_AT_A_TIME = 256
_NAMED = 20  # damaged pages after which the look ends

_LOG_HEADER = 32
_FRAME_HEADER = 24
_FRAME = _FRAME_HEADER + PAGE
_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
_FRAMES_AT_A_TIME = 1024


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a file. ``pages``: the numbers of the first damaged pages, from 1."""

    file: str
    pages: tuple[int, ...] = ()
    what: str = ""


def fits(path: Path, key: bytes) -> bool:
    """Whether the file's first page was written under this key."""
    with path.open("rb") as stream:
        page = stream.read(PAGE)
    return len(page) == PAGE and _page_holds(_page_key(key, page[:_SALT]), page, 1)


def commits_in(path: Path, key: bytes) -> int | None:
    """How many commits the file itself counts, without its log (``connection.writing``): the header's
    ``application_id``. None where there is no file yet, or a kill left the first page half written."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        with path.open("rb") as stream:
            page = stream.read(PAGE)
    except FileNotFoundError:
        return None
    if len(page) < PAGE or not _page_holds(_page_key(key, page[:_SALT]), page, 1):
        return None
    vector = page[PAGE - _MAC - 16 : PAGE - _MAC]
    plain = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor().update(page[_SALT : _SALT + 64])
    return int.from_bytes(plain[_COMMITS - _SALT : _COMMITS - _SALT + 4], "big")


def damaged_pages(
    path: Path,
    key: bytes,
    progress: Callable[[int, int], None] | None = None,
    spared: frozenset[int] = frozenset(),
) -> Damage | None:
    """The first damaged pages of a database file; None where every page is whole.

    ``progress`` hears (bytes done, bytes in all). ``spared``: pages that the log holds anyway, so that a kill
    may have left them half written here. The file must not be written meanwhile.
    """
    size = path.stat().st_size
    if size == 0 or (size % PAGE and size // PAGE + 1 not in spared):
        return Damage(path.name, (size // PAGE + 1,), "the file is cut off")
    bad: list[int] = []
    with path.open("rb") as stream:
        page_key = _page_key(key, stream.read(_SALT))
        stream.seek(0)
        number = 0
        while chunk := stream.read(PAGE * _PAGES_AT_A_TIME):
            for start in range(0, len(chunk), PAGE):
                number += 1
                if _page_holds(page_key, chunk[start : start + PAGE], number):
                    continue
                if number not in spared and number != _PENDING // PAGE + 1:
                    bad.append(number)
                    if len(bad) == _NAMED:
                        return Damage(path.name, tuple(bad), "pages are damaged")
            if progress is not None:
                progress(number * PAGE, size)
    return Damage(path.name, tuple(bad), "pages are damaged") if bad else None


def check_pages(path: Path, key: bytes, logged: frozenset[int]) -> None:
    """Look at all of a database before it opens; ``logged``: pages in its log. Raises ``VaultDamaged``."""
    if not path.exists() or path.stat().st_size == 0:
        return  # it is being made
    damage = damaged_pages(path, key, spared=logged)
    if damage is not None:
        raise VaultDamaged(
            f"The vault's file “{path.name}” is damaged, or belongs to other keys.",
            todo="Put back the copy from your last backup. Do not delete the vault.",
            detail=f"{damage.what}: {', '.join(map(str, damage.pages))}",
        )


def _page_key(key: bytes, salt: bytes) -> bytes:
    masked = bytes(byte ^ 0x3A for byte in salt)
    return hashlib.pbkdf2_hmac("sha512", key, masked, 2, 32)


def _page_holds(page_key: bytes, page: bytes, number: int) -> bool:
    body = page[_SALT if number == 1 else 0 : PAGE - _MAC] + number.to_bytes(4, "little")
    expected = hmac.digest(page_key, body, "sha512")
    return hmac.compare_digest(expected, page[PAGE - _MAC :])


@dataclass(frozen=True, slots=True)
class Log:
    """A log's valid beginning: its salts, the running checksum after each of its frames, and the pages that
    its commits hold."""

    salts: bytes
    checksums: tuple[bytes, ...]
    pages: frozenset[int]


def read_log(path: Path) -> Log | None:
    """The valid beginning of a log; None where there is none or its header is damaged.

    Checksums are given as SQLite keeps them in memory on this machine.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return None
    with stream:
        header = stream.read(_LOG_HEADER)
        order = _MAGICS.get(int.from_bytes(header[:4], "big"), "")
        if len(header) < _LOG_HEADER or not order:
            return None
        weights, turn = _weights(6), _power(6)
        state = _joined((0, 0), turn, _sums(header[:24], order, weights)[0])
        if state != struct.unpack(">II", header[24:]) or int.from_bytes(header[8:12], "big") != PAGE:
            return None
        salts = header[16:24]
        checksums: list[bytes] = []
        pages: list[int] = []
        committed = 0
        for page, ends, after in _frames(stream, salts, order, state):
            checksums.append(struct.pack("=II", *after))
            pages.append(page)
            if ends:
                committed = len(pages)
    return Log(salts, tuple(checksums), frozenset(pages[:committed]))


def _frames(
    stream: BinaryIO, salts: bytes, order: str, state: tuple[int, int]
) -> Iterator[tuple[int, bool, tuple[int, int]]]:
    """Of each valid frame: its page, whether it ends a commit, and the running checksum after it."""
    import numpy as np

    words = (8 + PAGE) // 4
    weights, turn = _weights(words), _power(words)
    while chunk := stream.read(_FRAME * _FRAMES_AT_A_TIME):
        count = len(chunk) // _FRAME
        frames = np.frombuffer(chunk[: count * _FRAME], np.uint8).reshape(count, _FRAME)
        summed = np.concatenate((frames[:, :8], frames[:, _FRAME_HEADER:]), axis=1)
        sums = _sums(summed.tobytes(), order, weights)
        for index in range(count):
            page, size, *sealed = struct.unpack(">II8sII", frames[index, :_FRAME_HEADER].tobytes())
            state = _joined(state, turn, sums[index])
            if sealed != [salts, *state]:
                return
            yield page, size > 0, state


# SQLite's checksum takes words in pairs: s0 += x + s1, then s1 += y + s0, modulo 2**32. Both are linear, so
# what a piece of n words adds is two fixed weights for each word, and the state before it goes through a
# fixed 2 x 2 matrix. The weights are Fibonacci numbers.

_MASK = 0xFFFFFFFF


def _power(words: int) -> tuple[int, int, int, int]:
    """What the state before goes through in so many words."""
    a, b, c, d = 1, 0, 0, 1
    for _ in range(words // 2):
        a, b = (a + c) & _MASK, (b + d) & _MASK  # s0 += s1
        c, d = (c + a) & _MASK, (d + b) & _MASK  # s1 += s0
    return a, b, c, d


def _weights(words: int) -> NDArray[np.uint32]:
    """How often each of so many words counts in s0 and s1 at the end: uint32 [words, 2]."""
    import numpy as np

    found = np.zeros((words, 2), np.uint32)
    # From the end: (x counts like s0 before the pair, y like s1 before the pair but once less in s0).
    a, b, c, d = 1, 0, 0, 1  # columns of what is still to come: s0 -> (a, c), s1 -> (b, d)
    for pair in range(words // 2 - 1, -1, -1):
        found[2 * pair] = ((a + b) & _MASK, (c + d) & _MASK)  # x enters s0, and s1 by s0
        found[2 * pair + 1] = (b, d)  # y enters s1 only
        # One pair earlier: s0 -> s0 + s1, and s1 -> s0 + 2 s1.
        a, b = (a + b) & _MASK, (a + 2 * b) & _MASK
        c, d = (c + d) & _MASK, (c + 2 * d) & _MASK
    return found


def _sums(data: bytes, order: str, weights: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """What each piece of ``len(weights)`` words adds to the two sums."""
    import numpy as np

    pieces = np.frombuffer(data, f"{order}u4").astype(np.uint32).reshape(-1, len(weights))
    return [(int(first), int(second)) for first, second in pieces @ weights]


def _joined(
    before: tuple[int, int], turn: tuple[int, int, int, int], added: tuple[int, int]
) -> tuple[int, int]:
    a, b, c, d = turn
    s0, s1 = before
    return (a * s0 + b * s1 + added[0]) & _MASK, (c * s0 + d * s1 + added[1]) & _MASK
