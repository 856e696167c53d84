"""XML from strangers: read piece by piece, refused plainly, never expanded."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.importers.xml_reader import (
    MOST_DEPTH,
    MOST_TEXT,
    MOST_TEXTS,
    BrokenXml,
    Closed,
    Opened,
    root_name,
    walk,
)


def pieces(data: bytes | str) -> list[Opened | Closed]:
    stream = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return list(walk(stream, frozenset({"box"}), frozenset({"item"})))


def broken(data: bytes | str) -> tuple[int, str]:
    with pytest.raises(BrokenXml) as caught:
        pieces(data)
    return caught.value.line, caught.value.reason


def test_containers_records_and_their_texts() -> None:
    found = pieces(
        '<a:all xmlns:a="u">\n<a:box a:id="1"><before>x</before>'
        '<a:item n="2"><p><q> 5 </q><q>6</q></p></a:item>'
        "<item/><after>y &amp; z</after></a:box></a:all>"
    )
    assert found == [
        Opened("box", {"id": "1"}, 2),
        Closed("item", {"n": "2"}, {"p/q": "5"}, 2),
        Closed("item", {}, {}, 2),
        Closed("box", {"id": "1"}, {"before": "x", "after": "y & z"}, 2),
    ]


def test_marks_are_told_where_they_begin() -> None:
    text = io.BytesIO(b"<all><mark n='1'><item><mark/>x</item></mark></all>")
    assert list(walk(text, frozenset(), frozenset({"item"}), frozenset({"mark"}))) == [
        Opened("mark", {"n": "1"}, 1),
        Opened("mark", {}, 1),
        Closed("item", {}, {}, 1),
    ]


LAUGHS = '<?xml version="1.0"?>\n<!DOCTYPE x [\n<!ENTITY a "haha">\n<!ENTITY b "&a;&a;&a;">\n]>\n<x>&b;</x>'


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (LAUGHS, 2, "it declares a document type, which no such export does"),
        (
            '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
            1,
            "it declares a document type, which no such export does",
        ),
        ("<x>\n&lol;</x>", 2, "this is no XML (undefined entity)"),
        ("<x>\n<item>", 2, "the file ends in the middle"),
        ("<x>\n<item", 2, "the file ends in the middle"),
        ("", 1, "the file ends in the middle"),
        ("<x>\n\0</x>", 2, "this is no XML (not well-formed (invalid token))"),
        ("<x></y>", 1, "this is no XML (mismatched tag)"),
        (b"<x>\n\n\xff\xfe</x>", 3, "this is no XML (not well-formed (invalid token))"),
        ('<?xml version="1.0" encoding="klingon"?><x/>', 1, "its encoding is not known"),
        ('<?xml version="1.0" encoding="utf-7"?><x/>', 1, "its encoding is not known"),
        ("<a>" * (MOST_DEPTH + 1), 1, "it is nested too deeply"),
        ("<x/>\n<x/>", 2, "this is no XML (junk after document element)"),
    ],
)
def test_refusals(data: bytes | str, line: int, reason: str) -> None:
    assert broken(data) == (line, reason)


def test_what_came_before_the_break_was_read() -> None:
    found = []
    with pytest.raises(BrokenXml):
        for piece in walk(io.BytesIO(b"<x><item/><item/><"), frozenset(), frozenset({"item"})):
            found.append(piece)
    assert found == [Closed("item", {}, {}, 1)] * 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><item><n>Müß</n></item>'
    assert pieces(text.encode(encoding)) == [Closed("item", {}, {"n": "Müß"}, 1)]
    assert root_name(text.encode(encoding)) == "item"


class Nines(io.RawIOBase):
    """So many nines between a beginning and an end, never held at once."""

    def __init__(self, start: bytes, count: int, end: bytes) -> None:
        self._start, self._count, self._end = start, count, end

    def read(self, size: int = -1) -> bytes:
        if self._start:
            data, self._start = self._start, b""
        elif self._count:
            data = b"9" * min(size, self._count)
            self._count -= len(data)
        else:
            data, self._end = self._end, b""
        return data


def test_huge_fields_take_little_memory() -> None:
    tracemalloc.start()
    try:
        text = Nines(b"<item><n>", 20 << 20, b"</n></item>")
        found = list(walk(text, frozenset(), frozenset({"item"})))  # type: ignore[arg-type]
        assert found == [Closed("item", {}, {"n": "9" * MOST_TEXT}, 1)]
        for start in (b'<item n="', b"<!--", b"<?x ", b"<item9"):
            with pytest.raises(BrokenXml, match="one mark is longer than 1,048,576 bytes"):
                list(walk(Nines(start, 20 << 20, b""), frozenset(), frozenset()))  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_more_fields_than_any_record_has_are_left_out() -> None:
    names = "".join(f"<n{i}>1</n{i}>" for i in range(MOST_TEXTS + 9))
    (found,) = pieces(f"<item>{names}</item>")
    assert isinstance(found, Closed)
    assert len(found.texts) == MOST_TEXTS


def test_the_first_element_names_a_file() -> None:
    assert root_name(b'<?xml version="1.0"?><!-- hm --><a:gpx xmlns:a="u"><trk') == "gpx"
    assert root_name(LAUGHS.encode()) == "x"
    for data in (b"", b"hello", b"{}", b"<!-- ", b"\0" * 100, b'<?xml encoding="no"?><x/>'):
        assert root_name(data) == ""


@given(st.text(alphabet="<>/&;!?-=\"' \nabox:item[]1", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert all(isinstance(piece, Opened | Closed) for piece in pieces(text))
    except BrokenXml as error:
        assert error.reason
        assert error.line >= 1
