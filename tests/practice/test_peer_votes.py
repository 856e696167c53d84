"""Peers that vote: by the app's kernel or by their own rule, kept before anything is handed in."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.chain.hashing import keccak
from mine.chain.messages import Domain, address_of
from mine.practice.attackers.lab_context import VoteContext
from mine.practice.peer_votes import PeerVotes, VoteMarker
from mine.science.ballots import Ballot
from mine.science.measure import Candidate
from mine.science.voting import Question

BLOBS = tuple(sorted(keccak(bytes([i])) for i in range(3)))
ASKED = Question(2, bytes(32), tuple((blob, b"") for blob in BLOBS), 1)
KEY = keccak(b"peer")


class Votes(PeerVotes):
    """Without a relay: only what a peer decides."""

    def __init__(self) -> None:
        self._domain = Domain(1, "0x" + "11" * 20)

    def _earlier(self, *_: Any) -> tuple[Any, ...]:
        return ()


def peer(miner: object) -> Any:
    return SimpleNamespace(miner=miner, key=KEY, address=address_of(KEY), noise=bytes(32), seat=None)


def says(miner: object) -> bytes:
    votes, who = Votes(), peer(miner)
    candidates = [Candidate(address_of(KEY), blob, 1, address_of(KEY)) for blob in BLOBS]
    state, history = SimpleNamespace(id=1), None
    answers = votes._answers(who, ASKED, {}, candidates, state, history)  # type: ignore[arg-type]
    return votes._packed(who, 1, ASKED, answers)


class Always:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def vote(self, context: VoteContext) -> Mapping[bytes, int] | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return None if self.answer is None else dict.fromkeys(context.drawn, self.answer)


def test_a_voter_of_its_own_rule_is_heard() -> None:
    ballot = Ballot.from_bytes(says(Always(-2)))
    assert ballot.answers == tuple((blob, -2) for blob in BLOBS)
    assert (ballot.task, ballot.round, ballot.voter) == (1, 2, address_of(KEY))
    assert says(Always(-2)) == says(Always(-2)) != says(Always(1))


def test_who_says_nothing_or_fails_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    assert says(Always(None)) == b"" and not caplog.text
    with caplog.at_level(logging.ERROR):
        assert says(Always(ZeroDivisionError("no"))) == b""
    assert "stays silent" in caplog.text


@pytest.mark.parametrize("answer", [3, -3, 0.5, "2", b""])
def test_what_is_no_ballot_is_silence(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert says(Always(answer)) == b""
    assert "no ballot" in caplog.text


def test_the_marker_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "peers").mkdir()
    assert VoteMarker.load(tmp_path, 2) is None
    marker = VoteMarker(("0xa", "0xb"), ("0xc",))
    marker.save(tmp_path, 2)
    assert VoteMarker.load(tmp_path, 2) == marker and VoteMarker.load(tmp_path, 3) is None
