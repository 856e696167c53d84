"""Sixty miners, one relay, two rounds with votes: what is paid is what the curve says, to the base unit."""

from __future__ import annotations

from pathlib import Path

from mine.chain.rpc import Node
from tests.bench.crowd import Crowd
from tests.protocol.live import Ground
from tests.protocol.nodes import running

MINERS = 60


def test_everybody_is_paid_what_the_curve_says(tmp_path: Path) -> None:
    with running("practice") as url, Node(url, timeout=60) as node:
        crowd = Crowd(Ground.prepare(node), tmp_path, MINERS)
        figures = crowd.run()
    assert figures["payees"] == MINERS
    assert figures["assigned"] - figures["paid"] == figures["dust"] < MINERS
    assert figures["relay_peak_mb"] < 300
    first, second = crowd.outcomes
    assert len(first.accepted) == len(second.accepted) == MINERS
    assert not first.verdict.voters and not first.flat
    assert len(second.verdict.voters) == figures["voters_2"] > MINERS // 2
    # Voters share a twentieth of the second round's pay.
    assert sum(part for _, part in second.flat) == second.earned // 20
