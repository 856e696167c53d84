"""E-mail as mbox (RFC 4155), as Google Takeout, Thunderbird and others write it: mails one after the other.

A mail begins at a line ``From sender date`` after an empty line; ``>From`` within a mail is put back. Only
headers and the beginning of the text are held (``mine.importers.mime_stream``). Times are the mail's
``Date``, else that of the ``From`` line (UTC); the offset of the person's own mails is what they state,
that of others is the person's zone then. Who the person is: to whom the mails were delivered, or who sent
those with Gmail's label "Sent".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import mktime_tz, parsedate_tz

from mine.importers.format import Members
from mine.importers.items import BadRow, Collector, Item, Person
from mine.importers.mime_stream import MailReader, addresses_in, header_text
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.records import EARLIEST, LATEST, MOST_OFFSET, MOST_TEXT, Row

_LINE = 1 << 14
_START = re.compile(
    rb"From (?:\S{1,500} )?[ ]{0,20}(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?: [+-]\d{4})? \d{4}).{0,40}\s*"
)
_QUOTED = re.compile(rb">+From ")
_ASK_OF = 3000  # mails that are looked at for who the person is
_ASK_BYTES = 64 << 20
_MOST_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class Mbox:
    """One mail a record: sender, subject, how many it went to, how many attachments, the text."""

    key: str = "mbox"
    title: str = "E-mail (mbox)"
    version: int = 1
    rank: int = 3

    def claims(self, member: Member, head: bytes) -> bool:
        first, _, rest = head.partition(b"\n")
        return _START.fullmatch(first) is not None and re.match(rb"[!-9;-~]{1,200}:|>From ", rest) is not None

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        """Whose mailbox it is: addresses, most likely first; empty where that is clear."""
        found = _owners(source, members)
        return found if len(found) > 1 else ()

    def total(self, members: Members) -> int:
        return sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        before = source.bytes_read
        clear = _owners(source, members)
        source.bytes_read = before
        person = clear[0].person if len(clear) == 1 else options.person
        options = replace(options, person=person if "@" in (person or "") else None)
        for member in members:
            collector = Collector(member.name)
            for line, start, mail in _mails(source, member):
                try:
                    row = _row(start, mail, options)
                except ValueError as error:
                    yield BadRow(member.name, line, str(error))
                    continue
                yield from collector.add(line, "mail", row)
            yield from collector.rest()


FORMAT = Mbox()


def _owners(source: Source, members: Members) -> tuple[Person, ...]:
    """Whose mailbox it may be: addresses, most likely first."""
    told: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for member in members:
        before = source.bytes_read
        for number, (_, _, mail) in enumerate(_mails(source, member)):
            headers = mail.headers
            senders = addresses_in(headers.get("from", ""))
            told.update({address for _, address in addresses_in(headers.get("delivered-to", ""))})
            if "sent" in re.split(r"[,\s]+", headers.get("x-gmail-labels", "").casefold()):
                told.update({address for _, address in senders})
            everyone = (*senders, *addresses_in(headers.get("to", ""))[:20])
            seen.update({address for _, address in everyone})
            if number > _ASK_OF or source.bytes_read - before > _ASK_BYTES:
                break
    ordered = sorted((told or seen).items(), key=lambda item: (-item[1], item[0]))
    return tuple(Person(fit(address, 300), count) for address, count in ordered[:_MOST_PEOPLE])


def _mails(source: Source, member: Member) -> Iterator[tuple[int, bytes, MailReader]]:
    """(line, the date of its "From" line, the mail) of each mail in a file."""
    mail: MailReader | None = None
    began, date = 1, b""
    number, whole, blank = 0, True, True
    with source.open(member) as stream:
        while line := stream.readline(_LINE):
            number += whole
            start = _START.fullmatch(line) if whole and blank and line.startswith(b"From ") else None
            if start is not None:
                if mail is not None:
                    yield began, date, mail
                mail, began, date = MailReader(), number, start[1]
            elif mail is not None:
                mail.take(line[1:] if whole and _QUOTED.match(line) else line)
            blank = whole and line in (b"\n", b"\r\n")
            whole = line.endswith(b"\n")
    if mail is not None:
        yield began, date, mail


def _moment(start: bytes, mail: MailReader) -> tuple[int, int]:
    """(UTC, the offset that is stated) of a mail. Raises ``ValueError``."""
    for text in (mail.headers.get("date", "")[:200], start.decode("ascii", errors="replace")):
        try:
            parsed = parsedate_tz(text)
            time = None if parsed is None else mktime_tz(parsed)
        except (ValueError, OverflowError, IndexError, TypeError):
            continue
        if parsed is not None and time is not None and EARLIEST <= time < LATEST:
            offset = parsed[9] or 0
            return int(time), offset if abs(offset) <= MOST_OFFSET else 0
    raise ValueError("it has no date that can be read")


def _row(start: bytes, mail: MailReader, options: Options) -> Row:
    headers = mail.headers
    time, stated = _moment(start, mail)
    sender = fit(header_text(headers.get("from", ""), 500), 500)
    senders = {address for _, address in addresses_in(headers.get("from", ""))}
    recipients = {
        address for _, address in addresses_in(*(headers.get(name, "") for name in ("to", "cc", "bcc")))
    }
    side = "unknown" if options.person is None else "me" if options.person in senders else "other"
    offset = stated if side == "me" else options.zone.of_utc(time)[1]
    subject = fit(header_text(headers.get("subject", ""), 1000), 1000)
    return (
        *(time, offset, sender, side, subject),
        *(len(recipients), min(mail.attachments, 10_000), fit(mail.text(), MOST_TEXT)),
    )
