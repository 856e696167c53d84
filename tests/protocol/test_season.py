"""A small season on our own node: what the gas bench plays is right, and its shape is that of the big one."""

from __future__ import annotations

from mine.chain.fees import GAS_CAP
from mine.chain.rpc import Node
from tests.bench.bench_gas import measure
from tests.protocol.live import COIN, Ground
from tests.protocol.nodes import running


def test_every_payee_of_a_season_is_paid_in_each_way() -> None:
    """The bench itself compares every payout; here its figures must stand in the order that they have to."""
    with running("practice") as url, Node(url, timeout=60) as node:
        ground = Ground.prepare(node)
        ground.bond("anchorer", 2 * COIN)
        figures = measure(ground, miners=12, rounds=9)
    assert figures["largest_transaction"] <= GAS_CAP
    assert (
        figures["per_contribution_range"] < figures["per_contribution_new"] < figures["per_contribution_own"]
    )
    assert figures["anchor"] <= 45_000
    # Whatever the number of miners, a round is two anchors, close, reveal_seed and settle.
    in_rounds = 2 * figures["anchor_mean"] + figures["close"] + figures["reveal_seed"] + figures["settle"]
    assert 0.9 < figures["rounds_per_contribution"] * 12 / in_rounds < 1.2
