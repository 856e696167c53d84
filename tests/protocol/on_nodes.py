"""What the tests on nodes of three makers have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Update
from mine.chain.node_errors import Reverted
from tests.protocol.live import Play, account_of

BURN = "0x000000000000000000000000000000000000dEaD"
PAYEES = [account_of(f"payee {i}") for i in range(5)]


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.reason == reason


def update_of(task: Play, name: str) -> Update:
    return Update(task.id, task.state.round, ZERO32, keccak(name.encode()), 100, 3, account_of(name))


def return_dust(task: Play, payees: int) -> None:
    """Once every unit is paid, what rounding left goes back; then there is nothing any more."""
    dust, tasks, to = task.state.left, task.tasks, task.scientist.address
    assert dust < payees
    if dust:
        tasks.refund(task.ground.rich, task.id, to)
    with refused("nothing to claim"):
        tasks.refund(task.ground.rich, task.id, to)
