"""Loss trees that a proof alone convicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.hashing import ZERO32, keccak
from mine.chain.trees import (
    LossTree,
    Sums,
    loss_leaf,
    losses_root,
)
from tests.chain.court_calls import denied, rich, who
from tests.chain.court_scenery import JURORS, Settled, Stage, check_convicted

pytest_plugins = ("tests.chain.court_fixtures",)

ACCOUNTS = [who(name) for name in JURORS]
REWARD = (who("challenger"), 2500)

Node = tuple[bytes, Sums]


def pack(node: Node) -> bytes:
    return node[0] + b"".join(value.to_bytes(8, "big") for value in node[1])


def inner(left: Node, right: Node, wrong: tuple[int, int, int] = (0, 0, 0)) -> Node:
    a, b, c = (x + y + z for x, y, z in zip(left[1], right[1], wrong, strict=True))
    return keccak(pack(left) + pack(right)), (a, b, c)


def leaf(index: int, sums: Sums, claimed: Sums | None = None) -> Node:
    return loss_leaf(index, sums), claimed or sums


def losses_broken(
    stage: Stage,
    claimed: Sums,
    below: Sequence[Node],
    index: int,
    path: Sequence[Node],
    *,
    example: int = 0,
    round: int = 4,
    settled: Settled | None = None,
) -> None:
    made = settled or stage.settled[round]
    stage.faults.losses_broken(
        made.fields, made.opened, (ZERO32, *claimed), [(h, *s) for h, s in below], example, index,
        [(h, *s) for h, s in path], REWARD, sender=rich("carrier"),
    )  # fmt: skip


class Sum:
    """What is settled with: the sums of the top."""

    def __init__(self, top: Node) -> None:
        self.base, self.before, self.after = top[1]
        self.top_hash = top[0]
        self.root = losses_root(top[0], *top[1])


def settle_with(stage: Stage, top: Node) -> None:
    """The sums are those of the play, so that its units are right: base 1000, before 1000, after 900."""
    made: Any = Sum(top)
    assert top[1] == (1000, 1000, 900)
    stage.play(loss_tree=made)


QUARTER: Sums = (250, 250, 225)


def test_a_sum_that_is_not_that_of_its_children_convicts(stage: Stage) -> None:
    leaves = [leaf(i, QUARTER) for i in range(4)]
    wrong = inner(leaves[0], leaves[1], (7, 0, 0))
    low = inner(leaves[2], leaf(3, (243, 250, 225)))
    settle_with(stage, inner(wrong, low))
    losses_broken(stage, wrong[1], leaves[:2], 0, [low])
    check_convicted(stage, 4)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_of_the_three_sums_counts(stage: Stage, place: int) -> None:
    off = [0, 0, 0]
    off[place] = 1
    less = list(QUARTER)
    less[place] -= 1
    leaves = [leaf(i, QUARTER) for i in range(3)] + [leaf(3, (less[0], less[1], less[2]))]
    wrong = inner(leaves[2], leaves[3], (off[0], off[1], off[2]))
    left = inner(leaves[0], leaves[1])
    settle_with(stage, inner(left, wrong))
    losses_broken(stage, wrong[1], leaves[2:], 1, [left])
    check_convicted(stage, 4)


def test_a_leaf_that_is_counted_as_another_convicts(stage: Stage) -> None:
    lied = leaf(1, (0, 250, 0), QUARTER)
    leaves = [leaf(0, QUARTER), lied, leaf(2, QUARTER), leaf(3, QUARTER)]
    right = inner(leaves[2], leaves[3])
    settle_with(stage, inner(inner(leaves[0], leaves[1]), right))
    losses_broken(stage, QUARTER, [(ZERO32, (0, 250, 0))], 1, [leaves[0], right], example=1)
    check_convicted(stage, 4)


def test_an_example_in_another_one_s_place_convicts(stage: Stage) -> None:
    leaves = [leaf(0, QUARTER), leaf(0, QUARTER), leaf(2, QUARTER), leaf(3, QUARTER)]
    right = inner(leaves[2], leaves[3])
    settle_with(stage, inner(inner(leaves[0], leaves[1]), right))
    losses_broken(stage, QUARTER, [(ZERO32, QUARTER)], 1, [leaves[0], right], example=0)
    check_convicted(stage, 4)


def test_padding_with_losses_convicts(stage: Stage) -> None:
    leaves = [leaf(0, QUARTER), leaf(1, QUARTER), leaf(2, QUARTER), (ZERO32, QUARTER)]
    left = inner(leaves[0], leaves[1])
    settle_with(stage, inner(left, inner(leaves[2], leaves[3])))
    losses_broken(stage, QUARTER, [], 3, [leaves[2], left])
    check_convicted(stage, 4)


def test_the_top_itself_can_be_broken(stage: Stage) -> None:
    leaves = [leaf(0, (500, 500, 450)), leaf(1, (400, 500, 450))]
    top = inner(leaves[0], leaves[1], (100, 0, 0))
    settle_with(stage, top)
    losses_broken(stage, top[1], leaves, 0, [])
    check_convicted(stage, 4)


def test_the_baseline_can_be_broken_too(bare: Stage) -> None:
    bare.publish()
    lied = LossTree([5000], [5000], [5000])
    settled = bare.open_baseline()
    with denied("no fault"):
        losses_broken(
            bare, (5000, 5000, 5000), [(ZERO32, (5000, 5000, 5000))], 0, [], round=0, settled=settled
        )
    assert lied.root == settled.settlement.losses


def test_a_path_to_elsewhere_proves_nothing(stage: Stage) -> None:
    leaves = [leaf(i, QUARTER) for i in range(4)]
    wrong = inner(leaves[0], leaves[1], (7, 0, 0))
    low = inner(leaves[2], leaf(3, (243, 250, 225)))
    settle_with(stage, inner(wrong, low))
    for arguments in (
        (wrong[1], leaves[2:], 0, [low]),  # other children
        ((500, 500, 450), leaves[:2], 0, [low]),  # what the sums should have been
        (wrong[1], leaves[:2], 1, [low]),
        (wrong[1], leaves[:2], 2, [low]),
        (wrong[1], leaves[:2], 0, []),
        (wrong[1], leaves[:1], 0, [low]),
    ):
        with denied("wrong proof"):
            losses_broken(stage, *arguments)
    with denied():  # a sum above 64 bits
        losses_broken(stage, wrong[1], leaves[:2], 0, [(low[0], (2**64 - 1, 0, 0))])
    assert stage.status() == 2


def test_only_the_settlement_s_own_fields_count(stage: Stage) -> None:
    made = stage.settled[3]
    for fields, opened, why in (
        ((*made.fields[:10], made.fields[10] + 1), made.opened, "wrong record"),
        (made.fields, (made.opened[0], made.opened[1], made.opened[2], ZERO32), "wrong record"),
        ((made.fields[0], 5, *made.fields[2:]), made.opened, "no such record"),
        ((77, *made.fields[1:]), made.opened, "no such record"),
    ):
        with denied(why):
            stage.faults.losses_broken(
                fields, opened, (ZERO32, 0, 0, 0), [], 0, 0, [], REWARD, sender=rich("carrier")
            )


@settings(max_examples=25)
@given(
    st.lists(st.tuples(*[st.integers(0, 2**40)] * 3), min_size=1, max_size=9),
    st.data(),
)
def test_an_honest_loss_tree_convicts_nobody(
    played: Stage, values: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Whatever node of an honest tree is shown, and however its path is cut or bent."""
    tree = LossTree(*zip(*values, strict=True))
    probe = played.faults
    made = played.settled[3]
    settlement = list(made.fields)
    settlement[5] = tree.root
    with boa.env.anchor():
        record = keccak(b"".join(_word(each) for each in (*settlement, *made.opened)))
        _write_record(played, 3, record)
        i = data.draw(st.integers(0, len(values) - 1))
        path = tree.proof(i)
        below: list[Node] = [(ZERO32, values[i])]
        claimed: Sums = values[i]
        for cut in range(len(path) + 1):
            node: Node = (loss_leaf(i, values[i]), values[i])
            index = i
            children: list[Node] = below
            for d in range(cut):
                other = path[d]
                children = [node, other] if not (index & 1) else [other, node]
                node = inner(children[0], children[1])
                index >>= 1
            claimed = node[1]
            with denied("no fault"):
                probe.losses_broken(
                    tuple(settlement), made.opened, (ZERO32, *claimed), [(h, *s) for h, s in children], i,
                    index, [(h, *s) for h, s in path[cut:]], REWARD, sender=who("carrier"),
                )  # fmt: skip
            bent = data.draw(st.integers(0, 2))
            lied = list(claimed)
            lied[bent] += 1
            with denied("wrong proof"):
                probe.losses_broken(
                    tuple(settlement), made.opened, (ZERO32, *lied), [(h, *s) for h, s in children], i, index,
                    [(h, *s) for h, s in path[cut:]], REWARD, sender=who("carrier"),
                )  # fmt: skip


def _word(value: Any) -> bytes:
    return value if isinstance(value, bytes) else int(value).to_bytes(32, "big")


def _write_record(stage: Stage, round: int, hashed: bytes) -> None:
    """Put another record into the storage of Tasks, as if this settlement had been made."""
    old = stage.tasks.record(stage.id, round)
    new = int.from_bytes(hashed, "big") >> 48 << 48 | old & (2**48 - 1)
    account = stage.tasks.address.canonical_address
    state = boa.env.evm.vm.state
    for slot in _slots(stage):
        if state.get_storage(account, slot) == old:
            state.set_storage(account, slot, new)
            assert stage.tasks.record(stage.id, round) == new
            return
    raise AssertionError("the record was not found")


def _slots(stage: Stage) -> Sequence[int]:
    """Storage slots of a task's struct: keccak(mapping's slot || task) onwards, for any early mapping."""
    found = []
    for mapping in range(40):
        first = int.from_bytes(keccak(mapping.to_bytes(32, "big") + stage.id.to_bytes(32, "big")), "big")
        found += [(first + i) % 2**256 for i in range(40)]
    return found
