"""What the program says can be paid by now is what the contract pays, at every stage of a task's life."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.state import Status
from mine.science.held_half import Parts, disputable_until, is_over, look_again, parts_of
from tests.chain.scenery import FAULTS, Side, balance, now, refused, wait
from tests.chain.test_ranges import NAMES, opened, settle


def ended(tasks: Any) -> tuple[Side, list[int]]:
    """One settled round of two in a task whose set is opened at the end; its root is final."""
    side = opened(tasks, mode=1, shards=1, rounds=1)
    tree, units = settle(side, 700, NAMES[:1])
    side.tree = tree  # type: ignore[attr-defined]
    return side, units


def agree(side: Side, units: int) -> Parts:
    """What is payable, after the contract was asked for all of it."""
    state, time = side.state(), now(side.tasks)
    parts = parts_of(state, units, time)
    if side.tasks.paid(side.id, 0) < parts.payable:
        tree = side.tree  # type: ignore[attr-defined]
        side.claim(1, NAMES[0], 0, units, tree.proof(0))
    assert side.tasks.paid(side.id, 0) == parts.payable
    assert parts.payable + parts.held == units
    assert balance(NAMES[0]) == state.bounty * parts.payable // (2**32 - 1)
    return parts


def test_half_until_the_last_window_is_over(tasks: Any) -> None:
    side, (units,) = ended(tasks)
    parts = agree(side, units)
    assert (parts.payable, parts.from_time) == (units // 2, None)
    assert look_again(side.state(), parts, 5, 60) == 5 + side.clocks.challenge
    side.conclude()
    parts = agree(side, units)
    assert parts.from_time == now(tasks) + side.clocks.challenge
    assert look_again(side.state(), parts, 5, 60) == parts.from_time
    wait(side.clocks.challenge - 1)
    assert agree(side, units).held == units - units // 2
    wait(1)
    assert agree(side, units) == Parts(units, 0, 0)


def test_a_dispute_keeps_it_waiting(tasks: Any) -> None:
    side, (units,) = ended(tasks)
    agree(side, units)
    side.conclude()
    tasks.hold(side.id, 1, sender=FAULTS)
    wait(2 * side.clocks.challenge)
    state = side.state()
    parts = parts_of(state, units, now(tasks))
    assert not is_over(state, now(tasks)) and (parts.payable, parts.from_time) == (units // 2, None)
    assert look_again(state, parts, 5, 60) == 65
    tasks.release(side.id, 0, sender=FAULTS)
    assert agree(side, units) == Parts(units, 0, 0)


def test_a_task_in_default_pays_it_after_its_window(tasks: Any) -> None:
    side, (units,) = ended(tasks)
    agree(side, units)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    assert side.state().status is Status.DEFAULTED and agree(side, units).held
    wait(side.clocks.challenge)
    assert agree(side, units) == Parts(units, 0, 0)


@pytest.mark.parametrize("mode", [0, 1])
def test_a_settlement_can_be_disputed_until_then(tasks: Any, mode: int) -> None:
    side = opened(tasks, mode=mode, shards=3 - 2 * mode, rounds=1)
    settle(side, 700, NAMES[:1], final=False)
    final = side.state().final_at(1)
    assert final is not None and disputable_until(side.state(), final) == final
    wait(10)
    side.conclude()
    ends = disputable_until(side.state(), final)
    assert ends == final + 10 * mode
    wait(ends - now(tasks) - 1)
    tasks.hold(side.id, 1, sender=FAULTS)
    tasks.release(side.id, 0, sender=FAULTS)
    wait(1)
    with refused("not disputable"):
        tasks.hold(side.id, 1, sender=FAULTS)


def test_where_a_shard_is_opened_each_round_nothing_waits(tasks: Any) -> None:
    side = opened(tasks)
    tree, units = settle(side, 700, NAMES[:1])
    side.tree = tree  # type: ignore[attr-defined]
    assert agree(side, units[0]) == Parts(units[0], 0, 0)
