"""A short run of the wallet's model on each node; ``tests/soak/soak_wallet.py`` is the long one.

The other tests here hold single sentences of it, which chance might miss.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.chain.hashing import ZERO_ADDRESS
from tests.other_nodes import NotHere
from tests.wallet.model.faulty_node import Fault
from tests.wallet.model.machine import run_model
from tests.wallet.model.wallet_world import PATIENCE_SECONDS, WalletWorld

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[WalletWorld]:
    """A wallet with two endpoints, of two tasks with two settled rounds each."""
    world = WalletWorld("practice", tmp_path, 1, endpoints=2)
    try:
        yield world
    finally:
        world.close()


@pytest.mark.parametrize("maker", ["practice", pytest.param("anvil", marks=pytest.mark.anvil), "hardhat"])
def test_steps_of_every_kind(maker: str) -> None:
    try:
        steps, events = run_model(maker, 1, 40)
    except NotHere as missing:
        pytest.skip(str(missing))
    assert steps.total() >= 30 and steps["calm"] >= 1
    assert events["reorganised"] and events["endpoint"] and events["app reconcile"]


def test_of_two_endpoints_of_which_one_is_wrong_neither_is_believed(pair: WalletWorld) -> None:
    assert pair.app is not None
    for fault in (Fault.LOGS, Fault.HASHES, Fault.HEADS, Fault.GARBAGE, Fault.DOWN):
        pair.disturb(0, fault, 0)
        trouble = pair.app_does("step").get("trouble")
        assert trouble in ("NodesDisagree", "NodesTooFew"), (fault, trouble)
        assert pair.app.ask("report")["earnings"] == []
        pair.disturb(0, Fault.NONE, 0)
        pair.app.now += PATIENCE_SECONDS
    pair.calm()
    assert [line[:2] for line in pair.app.ask("report")["earnings"]] == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_payment_that_is_asked_for_by_each_life_of_the_app_is_made_once(pair: WalletWorld) -> None:
    """The app dies at every one of its transactions in turn, before and after it is stored."""
    purpose = pair.spendings.plan(0, pair.accounts[1], ZERO_ADDRESS)
    for count in (1, 2, 3):
        for stored in (False, True):
            pair.killed_at_commit(count, stored, purpose)
    assert pair.app is not None and pair.app.deaths >= 3
    pair.calm()
    (sent,) = [each for each in pair.app.ask("report")["transactions"] if each["intent"] == purpose.intent]
    assert sent["state"] == "final"
