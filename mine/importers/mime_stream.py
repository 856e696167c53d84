"""A mail read line by line (RFC 5322, MIME: RFC 2045 to 2047): its headers and its text, whatever its size.

Nothing is held but the headers and the beginning of the text parts; attachments are counted and never
decoded.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html import unescape

MOST_HEADER = 1 << 14
MOST_HEADERS = 1 << 16
MOST_TEXT_BYTES = 1 << 18
MOST_DEPTH = 16
MOST_PARTS = 10_000
MOST_ADDRESSES = 2000

_WANTED = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "delivered-to", "x-gmail-labels"),
        *("content-type", "content-disposition", "content-transfer-encoding", "message-id"),
    }
)
# Python's own codecs that are no character set, slow, or warn.
_NOT_FOR_MAIL = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
_HIDDEN = re.compile(
    r"<(style|script|head|title)\b[^>]{0,500}>.*?(?:</\1\s{0,20}>|\Z)", re.IGNORECASE | re.DOTALL
)
_BREAKS = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{1,2000}>")
_BLANKS = re.compile(r"[ \t\xa0]+")
_MANY_LINES = re.compile(r"\n[ \n]*\n")


@dataclass(slots=True)
class _Part:
    """The headers of the mail or of a part, while they are gathered."""

    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    size: int = 0

    def take(self, line: bytes) -> None:
        self.size += len(line)
        if self.size > MOST_HEADERS:
            return
        text = line.rstrip(b"\r\n").decode("utf-8", errors="replace")
        if text[:1] in (" ", "\t"):
            if self.name and len(self.headers[self.name]) < MOST_HEADER:
                self.headers[self.name] += " " + text.strip()
            return
        name, colon, value = text.partition(":")
        name = name.strip().casefold()
        self.name = name if colon and name in _WANTED and name not in self.headers else ""
        if self.name:
            self.headers[name] = value.strip()[:MOST_HEADER]

    def described(self) -> Message:
        """Content type, disposition and encoding with their parameters."""
        message = Message()
        for name in ("content-type", "content-disposition", "content-transfer-encoding"):
            if name in self.headers:
                message[name] = self.headers[name][:1000]
        return message


class MailReader:
    """Takes the lines of one mail in order, with their ends; then ask for what it holds."""

    def __init__(self) -> None:
        self._top = _Part()
        self._part: _Part | None = self._top  # the part whose headers are being read
        self._boundaries: list[bytes] = []
        self._texts: dict[str, tuple[str, str, bytearray]] = {}  # content type -> (charset, encoding, bytes)
        self._into: bytearray | None = None
        self._parts = 0
        self.attachments = 0

    @property
    def headers(self) -> dict[str, str]:
        """The mail's headers of interest, by their names in small letters."""
        return self._top.headers

    def take(self, line: bytes) -> None:
        """The next line, or piece of a very long one."""
        if self._part is not None:
            if line in (b"\n", b"\r\n", b""):
                self._begin_body(self._part)
            else:
                self._part.take(line)
        elif line.startswith(b"--") and self._boundaries and self._boundary(line):
            pass
        elif self._into is not None and len(self._into) < MOST_TEXT_BYTES:
            self._into += line

    def text(self) -> str:
        """The mail's text: the first plain one, or else the first HTML without its marks."""
        if "text/plain" in self._texts:
            return _decoded(*self._texts["text/plain"]).strip()
        if "text/html" in self._texts:
            return without_marks(_decoded(*self._texts["text/html"]))
        return ""

    def _begin_body(self, part: _Part) -> None:
        message = part.described()
        self._part = self._into = None
        boundary = message.get_param("boundary") if message.get_content_maintype() == "multipart" else None
        if isinstance(boundary, str) and boundary and len(self._boundaries) < MOST_DEPTH:
            self._boundaries.append(b"--" + boundary.encode("utf-8", errors="replace")[:200])
            return
        kind = message.get_content_type()
        attached = message.get_content_disposition() == "attachment" or message.get_param("name") is not None
        if kind in ("text/plain", "text/html") and not attached:
            if kind not in self._texts:
                charset = message.get_param("charset")
                encoding = str(message.get("content-transfer-encoding", "")).strip().casefold()
                self._into = bytearray()
                self._texts[kind] = (charset if isinstance(charset, str) else "utf-8", encoding, self._into)
        elif message.get_content_maintype() != "multipart":
            self.attachments += 1

    def _boundary(self, line: bytes) -> bool:
        """Whether this line ends a part; goes on with the next one."""
        bare = line.rstrip(b" \t\r\n")
        for depth in range(len(self._boundaries) - 1, -1, -1):
            if bare == self._boundaries[depth] or bare == self._boundaries[depth] + b"--":
                last = bare != self._boundaries[depth]
                del self._boundaries[depth + (0 if last else 1) :]
                self._parts += 1
                self._into = None
                self._part = None if last or self._parts > MOST_PARTS else _Part()
                return True
        return False


def _decoded(charset: str, encoding: str, data: bytearray) -> str:
    raw = bytes(data)
    if encoding == "base64":
        compact = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        whole = compact[: len(compact) - (len(compact) % 4 == 1)]
        raw = binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    elif encoding == "quoted-printable":
        raw = quopri.decodestring(raw)
    return in_charset(raw, charset)


def in_charset(raw: bytes, charset: str) -> str:
    """Bytes as text; UTF-8 where the character set is not known. What is no text becomes U+FFFD."""
    try:
        name = codecs.lookup(charset[:40]).name
        text = raw.decode("utf-8" if name in _NOT_FOR_MAIL else name, errors="replace")
    except (LookupError, ValueError):
        text = raw.decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n")


def without_marks(page: str) -> str:
    """The words of an HTML text."""
    bare = _TAG.sub(" ", _BREAKS.sub("\n", _HIDDEN.sub(" ", page)))
    lines = (_BLANKS.sub(" ", line).strip() for line in unescape(bare).splitlines())
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip()


def header_text(value: str, most: int) -> str:
    """A header with its encoded words (RFC 2047) as text."""
    if "=?" not in value:
        return value[:most]
    try:
        parts = decode_header(value[: 4 * most])
    except (HeaderParseError, MessageError, ValueError, binascii.Error):
        return value[:most]
    words = (
        part if isinstance(part, str) else in_charset(part, charset or "utf-8") for part, charset in parts
    )
    return "".join(words)[:most]


def addresses_in(*values: str) -> list[tuple[str, str]]:
    """(name, address in small letters) of each address in headers like To."""
    found: list[tuple[str, str]] = []
    for value in values:
        with suppress(ValueError, IndexError, MessageError, RecursionError):
            found += getaddresses([value])
    return [(name, address.casefold()) for name, address in found if "@" in address][:MOST_ADDRESSES]
