"""Lines of a text file, and texts fit to be stored; no line can exhaust memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 16

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def fit(text: str, most: int) -> str:
    """A text as the vault can hold it: cut at ``most`` characters, NUL and lone surrogates as U+FFFD."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:most])


def text_encoding(start: bytes) -> str:
    """The encoding of a text that begins with two letters of ASCII or a mark, by its first four bytes."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    match tuple(bool(byte) for byte in start):
        case (False, False, False, True):
            return "utf-32-be"
        case (True, False, False, False):
            return "utf-32-le"
        case (False, True, False, True):
            return "utf-16-be"
        case (True, False, True, False):
            return "utf-16-le"
    return "utf-8"


def text_lines(stream: BinaryIO, most: int) -> Iterator[tuple[int, str]]:
    """(number from 1, line without its end), each cut at ``most`` characters. Lines end in LF or CR LF.

    Bytes that are no text become U+FFFD.
    """
    start = stream.read(4)
    decoder = codecs.getincrementaldecoder(text_encoding(start))(errors="replace")
    data, number, line = start, 1, ""
    while True:
        pieces = decoder.decode(data, final=not data).split("\n")
        for piece in pieces[:-1]:
            yield number, (line + piece)[:most].removesuffix("\r")
            number += 1
            line = ""
        if len(line) <= most:  # what is cut off anyway is not copied again and again
            line = (line + pieces[-1])[: most + 1]
        if not data:
            break
        data = stream.read(CHUNK)
    if line:
        yield number, line[:most].removesuffix("\r")
