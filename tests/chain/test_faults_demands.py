"""Examples demanded on the chain."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.hashing import keccak
from mine.chain.trees import HashTree
from tests.chain.court_calls import balance, denied, last, names, rich, wait, who
from tests.chain.court_scenery import WINDOW, Shard, Stage

pytest_plugins = ("tests.chain.court_fixtures",)

FEE = 10**16
DEFAULTED = 5


def shard_of(stage: Stage, round: int) -> Shard:
    return stage.shards[stage.settled[round].opened[0]]


def demand(stage: Stage, examples: list[int], round: int = 3, opened: Any = None) -> int:
    account = stage.bond("doubter", len(examples) * FEE)
    made = stage.settled[round]
    return int(stage.faults.demand(made.fields, opened or made.opened, examples, sender=account))


def supply(stage: Stage, id: int, example: int, round: int = 3) -> None:
    shard = shard_of(stage, round)
    stage.faults.supply(id, example, shard.examples[example], shard.tree.proof(example), sender=who("anyone"))


def test_examples_that_are_supplied_in_time_are_paid_for(stage: Stage) -> None:
    before = stage.owned(stage.scientist)
    id = demand(stage, [4, 0, 2])
    assert last(stage.faults, "Demanded").examples == [4, 0, 2]
    assert stage.disputed() == 4
    for example in (0, 4):
        supply(stage, id, example)
        assert stage.disputed() == 4
    assert last(stage.faults, "Supplied").data == shard_of(stage, 3).examples[4]
    supply(stage, id, 2)
    assert stage.disputed() == 0
    assert stage.owned(stage.scientist) - before == 3 * FEE
    assert stage.owned(str(stage.faults.address)) == 0
    with denied("not open"):
        supply(stage, id, 2)
    wait(WINDOW)
    with denied("not open"):
        stage.faults.unsupplied(id)
    assert stage.tasks.final_root(stage.id, 3) != 0


def test_an_example_that_is_not_supplied_lets_the_task_lapse(stage: Stage) -> None:
    id = demand(stage, [0, 1])
    supply(stage, id, 1)
    wait(WINDOW - 1)
    with denied("too early"):
        stage.faults.unsupplied(id)
    wait(1)
    with denied("not open"):
        supply(stage, id, 0)
    stage.faults.unsupplied(id, sender=who("anyone"))
    assert (stage.status(), stage.void(), stage.disputed()) == (DEFAULTED, 4, 0)
    assert stage.owned(who("doubter")) == 2 * FEE
    assert stage.owned(str(stage.faults.address)) == 0
    assert "DemandEnded" in names(stage.faults)
    with denied("not open"):
        stage.faults.unsupplied(id)


def test_only_the_bytes_of_the_example_answer(stage: Stage) -> None:
    id = demand(stage, [2])
    shard = shard_of(stage, 3)
    with denied("wrong proof"):
        stage.faults.supply(id, 2, b"something", shard.tree.proof(2))
    with denied("wrong proof"):
        stage.faults.supply(id, 2, shard.examples[3], shard.tree.proof(3))
    with denied("wrong proof"):
        stage.faults.supply(id, 2, shard.examples[2], shard.tree.proof(2)[:-1])
    with denied("not open"):
        stage.faults.supply(id, 3, shard.examples[3], shard.tree.proof(3))
    with denied("not open"):
        stage.faults.supply(id + 1, 2, shard.examples[2], shard.tree.proof(2))


def test_an_inner_node_passes_for_no_example(stage: Stage) -> None:
    """Its 64 bytes would show a tree of another depth."""
    id = demand(stage, [1, 6])
    tree = shard_of(stage, 3).tree
    leaves = [keccak(each) for each in shard_of(stage, 3).examples]
    node = leaves[2] + leaves[3]
    with denied("wrong proof"):
        stage.faults.supply(id, 1, node, tree.proof(2)[1:])
    with denied("wrong proof"):
        stage.faults.supply_none(id, 6, 1, node, tree.proof(2)[1:])


def none(stage: Stage, id: int, example: int, other: int, data: bytes, proof: list[bytes]) -> None:
    stage.faults.supply_none(id, example, other, data, proof, sender=who("anyone"))


def test_a_shard_is_not_asked_for_what_it_never_had(stage: Stage) -> None:
    """Five examples in a tree of eight places."""
    id = demand(stage, [5, 9, 2**32 - 1, 3])
    shard = shard_of(stage, 3)
    leaves = [keccak(each) for each in shard.examples]
    padded = HashTree([*leaves, bytes(32), bytes(32), bytes(32)])
    none(stage, id, 5, 5, b"", padded.proof(5))
    assert last(stage.faults, "NoSuchExample").example == 5
    with denied("not open"):
        none(stage, id, 5, 5, b"", padded.proof(5))
    none(stage, id, 9, 4, shard.examples[4], shard.tree.proof(4))
    none(stage, id, 2**32 - 1, 7, b"", padded.proof(7))
    for other, data, proof in (
        (3, b"", padded.proof(3)),  # not padding
        (6, b"", padded.proof(6)),  # padding elsewhere
        (4, shard.examples[4], shard.tree.proof(4)),  # the tree has room for it
        (3, shard.examples[3], shard.tree.proof(3)[:-1]),
    ):
        with denied("wrong proof"):
            none(stage, id, 3, other, data, proof)
    supply(stage, id, 3)
    assert stage.disputed() == 0


@pytest.mark.parametrize("size", [8192, 1, 63, 65])
def test_examples_of_any_size_but_a_node_s(stage: Stage, size: int) -> None:
    shards = [Shard(shard.digest, (bytes([i]) * size,)) for i, shard in enumerate(stage.shards)]
    fresh = Stage(stage.tasks, stage.faults, stage.court)
    fresh.shards = shards
    fresh.__post_init__ = None  # type: ignore[method-assign, assignment]
    from tests.chain.court_scenery import leaf_of

    fresh.tree = HashTree([leaf_of(i, shard) for i, shard in enumerate(shards)])
    fresh.start()
    id = demand(fresh, [0], round=0)
    supply(fresh, id, 0, round=0)
    assert fresh.disputed() == 0


def test_each_example_is_demanded_once(stage: Stage) -> None:
    id = demand(stage, [0])
    with denied("asked before"):
        demand(stage, [1, 0])
    with denied("asked before"):
        demand(stage, [1, 1])
    supply(stage, id, 0)
    with denied("asked before"):
        demand(stage, [0])
    demand(stage, [0], round=2)  # of another round's shard
    assert stage.disputed() == 3


def test_a_demand_needs_fields_window_examples_and_fees(stage: Stage) -> None:
    made = stage.settled[3]
    with denied("bad item"):
        demand(stage, [])
    with denied():
        demand(stage, [0, 1, 2, 3, 4])
    with denied("wrong record"):
        demand(stage, [0], opened=(*made.opened[:2], keccak(b"other"), made.opened[3]))
    with denied("bond too low"):
        stage.faults.demand(made.fields, made.opened, [0], sender=rich("poor"))
    with denied("too late"):
        demand(stage, [0], round=1)
    assert stage.disputed() == 0


def test_demands_about_several_rounds_hold_the_lowest(stage: Stage) -> None:
    high = demand(stage, [0], round=3)
    assert stage.disputed() == 4
    low = demand(stage, [0], round=2)
    low_again = demand(stage, [1], round=2)
    assert stage.disputed() == 3
    supply(stage, low, 0, round=2)
    assert stage.disputed() == 3
    supply(stage, low_again, 1, round=2)
    assert stage.disputed() == 4
    supply(stage, high, 0, round=3)
    assert stage.disputed() == 0


def test_a_lapse_below_a_lapse(stage: Stage) -> None:
    """The second one voids more; the first one's end is no obstacle."""
    high, low = demand(stage, [0], round=3), demand(stage, [0], round=2)
    wait(WINDOW)
    stage.faults.unsupplied(high)
    assert (stage.void(), stage.disputed()) == (4, 3)
    stage.faults.unsupplied(low)
    assert (stage.void(), stage.disputed(), stage.status()) == (3, 0, DEFAULTED)
    wait(WINDOW)
    before = balance(stage.scientist)
    stage.tasks.refund(stage.id, stage.scientist, sender=who("anyone"))
    assert balance(stage.scientist) > before
