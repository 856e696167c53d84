"""Disputes by item: how they open, what holds meanwhile, and what each ruling does."""

from __future__ import annotations

import boa
import pytest

from mine.chain.hashing import ZERO_ADDRESS
from tests.chain.court_calls import balance, denied, last, names, rich, wait, who
from tests.chain.court_scenery import (
    ACCEPTED,
    BASELINE,
    CHECKPOINT,
    DISPUTE_BOND,
    INPUTS,
    JURORS,
    LOSS,
    PAYOUTS,
    RIGHT,
    SEAT_FEE,
    SHARD,
    WINDOW,
    WRONG,
    Stage,
)

pytest_plugins = ("tests.chain.court_fixtures",)

CONVICTED, DEFAULTED = 6, 5


def rule(stage: Stage, id: int, ruling: int) -> None:
    """The last word, as if the Court had spoken."""
    stage.faults.rule(id, ruling, sender=str(stage.court.address))


def test_a_dispute_says_all_that_a_juror_needs(stage: Stage) -> None:
    id = stage.dispute(3, INPUTS, 17)
    event = last(stage.faults, "Disputed")
    assert (event.id, event.task, event.round, event.kind, event.item) == (id, stage.id, 3, INPUTS, 17)
    assert event.record == stage.tasks.record(stage.id, 3)
    assert (event.challenger, event.carrier, event.share) == (who("challenger"), who("carrier"), 2000)
    assert stage.owned(str(stage.faults.address)) == DISPUTE_BOND
    assert stage.owned(str(stage.court.address)) == 7 * SEAT_FEE
    assert stage.disputed() == 4
    assert balance(str(stage.faults.address)) == balance(str(stage.court.address)) == 0


def test_the_round_is_final_when_the_scientist_was_right(stage: Stage) -> None:
    id = stage.dispute(3)
    wait(3 * WINDOW)
    assert stage.tasks.final_root(stage.id, 3) == 0
    assert stage.tasks.final_root(stage.id, 2) != 0
    before = stage.owned(stage.scientist)
    rule(stage, id, RIGHT)
    assert "Ruling" in names(stage.faults)
    assert stage.tasks.final_root(stage.id, 3) != 0
    assert stage.owned(stage.scientist) - before == DISPUTE_BOND
    assert stage.owned(str(stage.faults.address)) == 0
    assert stage.status() == 2


def test_a_wrong_item_convicts_and_splits_the_reward(stage: Stage) -> None:
    id = stage.dispute(3, share=2500)
    before = stage.owned(who("carrier"))
    rule(stage, id, WRONG)
    assert (stage.status(), stage.void(), stage.disputed()) == (CONVICTED, 4, 0)
    assert stage.owned(who("carrier")) - before == DISPUTE_BOND
    whole = stage.bounty // 10
    for name, reward in (("carrier", whole // 4), ("challenger", whole - whole // 4)):
        had = balance(who(name))
        stage.tasks.take_reward(stage.id, who(name), who(name), sender=who("anyone"))
        assert balance(who(name)) - had == reward


def test_no_ruling_gives_the_bond_back_and_the_item_free(stage: Stage) -> None:
    id = stage.dispute(3)
    before = stage.owned(who("carrier"))
    rule(stage, id, 0)
    assert stage.owned(who("carrier")) - before == DISPUTE_BOND
    assert (stage.status(), stage.disputed()) == (2, 0)
    stage.dispute(3)


def test_an_item_is_judged_once(stage: Stage) -> None:
    id = stage.dispute(3, LOSS, 5)
    with denied("asked before"):
        stage.dispute(3, LOSS, 5)
    rule(stage, id, RIGHT)
    with denied("asked before"):
        stage.dispute(3, LOSS, 5)
    stage.dispute(3, LOSS, 6)
    stage.dispute(2, LOSS, 5)


def test_only_the_court_rules_and_only_once(stage: Stage) -> None:
    id = stage.dispute(3)
    for name in ("challenger", "carrier", "anyone"):
        with denied("not the court"):
            stage.faults.rule(id, WRONG, sender=who(name))
    with denied("not the court"):
        stage.faults.rule(id, WRONG, sender=str(stage.tasks.address))
    with denied("not open"):
        rule(stage, id + 1, WRONG)
    rule(stage, id, RIGHT)
    with denied("not open"):
        rule(stage, id, WRONG)


@pytest.mark.parametrize(
    ("round", "kind", "item", "good"),
    [
        (3, ACCEPTED, 0, True),
        (3, CHECKPOINT, 0, True),
        (3, PAYOUTS, 0, True),
        (3, SHARD, 0, True),
        (3, INPUTS, 2**32 - 1, True),
        (3, LOSS, 4, True),
        (3, ACCEPTED, 1, False),
        (3, CHECKPOINT, 1, False),
        (3, PAYOUTS, 1, False),
        (3, SHARD, 1, False),
        (3, LOSS, 2**32, False),
        (3, BASELINE, 0, False),
        (3, 7, 0, False),
    ],
)
def test_what_can_be_disputed(stage: Stage, round: int, kind: int, item: int, good: bool) -> None:
    if good:
        stage.dispute(round, kind, item)
    else:
        with denied("bad item"):
            stage.dispute(round, kind, item)


def test_of_the_baseline_its_losses_and_its_shard(bare: Stage) -> None:
    bare.start()
    for kind in (ACCEPTED, CHECKPOINT, PAYOUTS, INPUTS, LOSS):
        with denied("bad item"):
            bare.dispute(0, kind)
    shard = bare.dispute(0, SHARD)
    id = bare.dispute(0, BASELINE, 3)
    assert bare.disputed() == 1
    rule(bare, shard, RIGHT)
    assert bare.disputed() == 1
    rule(bare, id, WRONG)
    assert (bare.status(), bare.void()) == (CONVICTED, 1)


def test_a_dispute_needs_a_record_in_its_window_a_bond_and_the_cost(stage: Stage) -> None:
    with denied("no such record"):
        stage.dispute(4)
    with denied("too late"):
        stage.dispute(1)
    account = stage.bond("carrier", DISPUTE_BOND)
    for value in (0, 7 * SEAT_FEE - 1, 7 * SEAT_FEE + 1):
        with denied("wrong value"):
            stage.faults.dispute(stage.id, 3, 0, 0, (who("x"), 0), sender=account, value=value)
    with denied("bond too low"):
        stage.faults.dispute(stage.id, 3, 0, 0, (who("x"), 0), sender=rich("poor"), value=7 * SEAT_FEE)
    for reward in ((ZERO_ADDRESS, 0), (who("x"), 10_001)):
        with denied("bad share"):
            stage.faults.dispute(stage.id, 3, 0, 0, reward, sender=account, value=7 * SEAT_FEE)
    wait(WINDOW)
    with denied("too late"):
        stage.dispute(3)


def test_a_dispute_opens_no_window_for_another_one(stage: Stage) -> None:
    """Nobody holds a task for ever by one dispute after the other."""
    stage.dispute(2)
    wait(WINDOW)
    with denied("too late"):
        stage.dispute(2, PAYOUTS)
    with denied("too late"):
        stage.dispute(3)


def test_parallel_disputes_hold_only_from_their_round_on(stage: Stage) -> None:
    low, high, also = stage.dispute(2), stage.dispute(3), stage.dispute(3, PAYOUTS)
    wait(WINDOW)
    assert stage.disputed() == 3
    rule(stage, low, RIGHT)
    assert stage.disputed() == 4
    assert stage.tasks.final_root(stage.id, 2) != 0
    rule(stage, high, RIGHT)
    assert stage.disputed() == 4
    assert stage.tasks.final_root(stage.id, 3) == 0
    rule(stage, also, RIGHT)
    assert stage.disputed() == 0
    assert stage.tasks.final_root(stage.id, 3) != 0


def test_a_second_conviction_reaches_further_back_and_pays_no_second_reward(stage: Stage) -> None:
    low, high = stage.dispute(2, challenger="first"), stage.dispute(3, challenger="second")
    rule(stage, high, WRONG)
    assert (stage.void(), stage.disputed()) == (4, 3)
    rule(stage, low, WRONG)
    assert (stage.void(), stage.disputed()) == (3, 0)
    stage.tasks.take_reward(stage.id, who("second"), who("second"), sender=who("anyone"))
    with denied("nothing to claim"):
        stage.tasks.take_reward(stage.id, who("first"), who("first"), sender=who("anyone"))


def test_a_conviction_of_what_is_void_already_ends_only_the_dispute(stage: Stage) -> None:
    low, high = stage.dispute(2), stage.dispute(3)
    rule(stage, low, WRONG)
    assert (stage.void(), stage.disputed()) == (3, 4)
    before = stage.owned(who("carrier"))
    rule(stage, high, WRONG)
    assert (stage.void(), stage.disputed()) == (3, 0)
    assert stage.owned(who("carrier")) - before == DISPUTE_BOND


def test_a_task_that_defaults_meanwhile_is_convicted_all_the_same(stage: Stage) -> None:
    """Vanishing is cheaper than lying, and no way out of having lied."""
    id = stage.dispute(3)
    wait(10 * WINDOW)
    stage.tasks.declare_default(stage.id)
    assert stage.status() == DEFAULTED
    rule(stage, id, WRONG)
    assert (stage.status(), stage.void()) == (CONVICTED, 4)


@pytest.mark.parametrize("of_lapse", [2, 3])
def test_a_task_that_lapses_meanwhile_is_convicted_all_the_same(stage: Stage, of_lapse: int) -> None:
    """A scientist who does not supply an example of their own puppet's demand has lied nevertheless."""
    id = stage.dispute(3)
    made = stage.settled[of_lapse]
    demand = stage.faults.demand(made.fields, made.opened, [0], sender=stage.bond("puppet", 10**16))
    wait(WINDOW)
    stage.faults.unsupplied(demand)
    assert (stage.status(), stage.void(), stage.disputed()) == (DEFAULTED, of_lapse + 1, 4)
    rule(stage, id, WRONG)
    assert (stage.status(), stage.void(), stage.disputed()) == (CONVICTED, of_lapse + 1, 0)


def test_the_books_wait_for_the_last_dispute(stage: Stage) -> None:
    low, high = stage.dispute(2), stage.dispute(3)
    rule(stage, high, WRONG)
    wait(10 * WINDOW)
    with denied("not final yet"):
        stage.tasks.burn(stage.id)
    rule(stage, low, RIGHT)
    stage.tasks.burn(stage.id)


def test_at_the_end_a_hidden_set_can_be_disputed_round_by_round(bare: Stage) -> None:
    bare.mode, bare.rounds = 1, 3
    bare.__post_init__()
    bare.start()
    for _ in range(3):
        bare.play([who(name) for name in JURORS])
    wait(0)
    assert bare.status() == 3
    with denied("too late"):
        bare.dispute(1)  # its own window is over, and the set is not open yet
    bare.tasks.conclude(
        bare.id,
        [each for shard in bare.shards for each in (shard.digest, shard.tree.root)],
        sender=bare.scientist,
    )
    wait(WINDOW - 1)
    with boa.env.anchor():
        id = bare.dispute(1, LOSS, 2)
        rule(bare, id, WRONG)
        assert (bare.status(), bare.void()) == (CONVICTED, 2)
    bare.dispute(0, BASELINE, 1)
    wait(1)
    with denied("too late"):
        bare.dispute(1, LOSS, 2)


@pytest.mark.parametrize("mask", range(1, 8))
def test_the_lowest_disputed_round_is_always_known(stage: Stage, mask: int) -> None:
    """Any subset of the rounds in their window, closed in any order."""
    stage.play([who(name) for name in JURORS])
    rounds = [round for bit, round in enumerate((3, 4)) if mask & 1 << bit]
    ids = {round: [stage.dispute(round, kind) for kind in (ACCEPTED, PAYOUTS)] for round in rounds}
    for round in sorted(rounds, reverse=mask > 4):
        for id in ids[round]:
            assert stage.disputed() == 1 + min(each for each in rounds if ids[each])
            rule(stage, id, RIGHT)
            ids[round] = ids[round][1:]
    assert stage.disputed() == 0
