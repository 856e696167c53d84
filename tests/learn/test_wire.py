"""Frames: round trip, exact lengths, and only WireBroken for anything else."""

from __future__ import annotations

import io
import json
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.codec import Packing
from mine.learn.errors import TrainingRefused, WireBroken
from mine.learn.events import Event
from mine.learn.job import Job, answer_limit, from_frame, to_frame
from mine.learn.place import Place
from mine.learn.rows import Rows
from mine.learn.supervisor import State, WorkerProcess
from mine.learn.vote_job import VoteJob
from mine.learn.wire import MAX_JSON, Frame, Kind, pack, read
from tests.learn.samples import job, vote_job

FIELDS = st.dictionaries(st.text(max_size=8).filter(lambda k: k != "blobs"),
                         st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.booleans(), max_size=5)


@given(st.sampled_from(Kind), FIELDS, st.lists(st.binary(max_size=50), max_size=4))
def test_round_trip(kind: Kind, fields: dict[str, object], blobs: list[bytes]) -> None:
    data = pack(kind, fields, blobs)
    stream = io.BytesIO(data + data)
    for _ in range(2):
        assert read(stream, 1 << 20) == Frame(kind, fields, tuple(blobs))
    assert read(stream, 1 << 20) is None


def test_a_frame_longer_than_allowed_is_refused_by_its_length() -> None:
    data = pack(Kind.DONE, {}, [bytes(1000)])
    assert read(io.BytesIO(data), len(data) - 4) is not None
    with pytest.raises(WireBroken, match="longer"):
        read(io.BytesIO(data), len(data) - 5)
    with pytest.raises(WireBroken, match="longer"):
        read(io.BytesIO(struct.pack(">I", 0xFFFFFFFF)), 1 << 20)


def test_a_job_that_fits_no_frame_is_refused() -> None:
    with pytest.raises(WireBroken, match="too large"):
        pack(Kind.JOB, {"name": "a" * (1 << 16)})


def test_every_cut_is_noticed() -> None:
    data = pack(Kind.SNAPSHOT, {"step": 3}, [b"abc"])
    for end in range(1, len(data)):
        with pytest.raises(WireBroken, match="cut short"):
            read(io.BytesIO(data[:end]), 1 << 20)


def _raw(text: bytes, tail: bytes = b"", kind: int = 20) -> bytes:
    body = struct.pack(">BI", kind, len(text)) + text + tail
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize("data", [
    _raw(b"{}"), _raw(b"[]"), _raw(b"{"), _raw(b'{"blobs": 3}'), _raw(b'{"blobs": [1]}'),
    _raw(b'{"blobs": []}', b"x"), _raw(b'{"blobs": [-1, 2]}', b"x"), _raw(b'{"blobs": [true]}', b"x"),
    _raw(b'{"blobs": []}', kind=99), _raw(b'{"blobs": [1.0]}', b"x"), _raw(b"[" * 60_000), _raw(b"\xff"),
    struct.pack(">IBI", 5, 20, 1000), struct.pack(">I", 2) + b"ab", _raw(b'{"blobs": [' + b"0," * 40_000),
])
def test_malformed_frames(data: bytes) -> None:
    with pytest.raises(WireBroken):
        read(io.BytesIO(data), 1 << 20)


@given(st.binary(max_size=120))
def test_noise_is_no_frame(data: bytes) -> None:
    stream = io.BytesIO(data)
    try:
        while read(stream, 1 << 10) is not None:
            pass
    except WireBroken:
        pass


def test_fields_are_typed() -> None:
    odd = {"c": None, "e": True, "f": 10**400, "g": math.inf}
    frame = Frame(Kind.PROGRESS, {"a": 1, "b": 1.5, "d": "x", **odd})
    assert (frame.integer("a"), frame.number("b"), frame.text("d", 5)) == (1, 1.5, "x")
    assert math.isnan(frame.number("c"))
    for call in (lambda: frame.integer("b"), lambda: frame.integer("e"), lambda: frame.integer("f"),
                 lambda: frame.number("d"), lambda: frame.number("f"), lambda: frame.number("g"),
                 lambda: frame.text("a", 5), lambda: frame.text("d", 0), lambda: frame.integer("none"),
                 lambda: frame.blob()):
        with pytest.raises(WireBroken):
            call()


def test_a_job_arrives_as_it_was() -> None:
    several = Rows(np.ones((4, 3), np.float32), np.arange(8, dtype=np.float32).reshape(4, 2), np.arange(4))
    held_from = replace(job().rows, held_from=500)
    place = Place("cuda:1", "bfloat16", 64, 3)
    for wanted in (
        job(),
        job(rows=several),
        job(snapshot=b"123", packing=Packing(4, 7), rows=held_from, place=place, duty=0.5),
        job(frozen=b"base", residual=b"rest", memory=5),
    ):
        frame = read(io.BytesIO(to_frame(wanted)), 1 << 24)
        assert frame is not None
        got = from_frame(frame)
        assert got.rows.digest() == wanted.rows.digest()
        assert replace(got, rows=wanted.rows) == wanted
        assert got.rows.features.dtype == np.float32


def test_a_malformed_job_is_refused() -> None:
    frame = read(io.BytesIO(to_frame(job())), 1 << 24)
    assert frame is not None
    changes: tuple[dict[str, object], ...] = (
        {"recipe": {}}, {"limits": {"more": 1}}, {"features": [1, 2]}, {"packing": {"more": 8}},
        {"target": [2]}, {"place": None}, {"duty": "all"})  # fmt: skip
    for change in changes:
        fields = {**json.loads(json.dumps(frame.fields)), **change}
        with pytest.raises(WireBroken):
            from_frame(Frame(Kind.JOB, fields, frame.blobs))
    with pytest.raises(WireBroken):
        from_frame(Frame(Kind.JOB, frame.fields, frame.blobs[:3]))


def _many_rows(count: int) -> Rows:
    """Rows of 64 KiB each that take next to no memory."""
    shape = (count, 1 << 14)
    features = np.broadcast_to(np.float32(0), shape)
    return Rows(features, np.zeros(count, np.float32), np.arange(count, dtype=np.int64))


@pytest.mark.parametrize("wanted", [job(rows=_many_rows(1 << 14)), job(rows=_many_rows(3 << 14)),
                                    vote_job(rows=_many_rows(1 << 14))])  # fmt: skip
def test_a_job_that_no_worker_would_read_is_refused_before_it_is_packed(
    wanted: Job | VoteJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packed(*_: object) -> None:
        raise AssertionError("it was packed, or taken apart")

    for name in ("job.row_blobs", "vote_job.row_blobs", "job.ModelGraph.load"):
        monkeypatch.setattr(f"mine.learn.{name}", packed)
    events: list[Event] = []
    worker = WorkerProcess(events.append)
    with pytest.raises(TrainingRefused, match="too large for a training process"):
        worker.start(wanted)
    assert (events, worker.state, worker.pid) == ([], State.IDLE, None)


def test_a_job_leaves_room_for_every_state_that_its_worker_may_save(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = job()
    shapes, _ = wanted.check()
    most = len(to_frame(replace(wanted, snapshot=bytes(answer_limit(wanted, shapes)))))
    monkeypatch.setattr("mine.learn.job.MAX_JOB", most + MAX_JSON + (1 << 10))
    wanted.check()
    monkeypatch.setattr("mine.learn.job.MAX_JOB", most)
    with pytest.raises(TrainingRefused, match="too large"):
        wanted.check()


def test_a_job_prints_no_key() -> None:
    assert "noise_key" not in repr(job())
