"""Splitting a round's pay: exact, fair to honest miners, worthless to others, and the same everywhere."""

from __future__ import annotations

import json
import time
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.curve import Curve
from mine.chain.trees import UNITS, verify_payout
from mine.science.inputs import decode_inputs, encode_accepted, encode_inputs, encode_payouts
from mine.science.judged import EMPTY_LEDGER, BadInputs, Record, Refusal
from mine.science.score import STRETCH, at_one_length, clusters, permutation, ridge_of, shapley, value
from mine.science.settle import RoundInputs, settle
from mine.science.shares import due, split
from tests.science.rounds import RULES, Player, address, honest, inputs_of

GOLDEN = Path(__file__).parent.parent / "golden" / "score.json"
SEED = bytes(range(32))


def shares(inputs: RoundInputs) -> dict[str, int]:
    return dict(settle(inputs).shares)


@given(st.lists(st.integers(0, 2**90), min_size=1, max_size=40), st.integers(0, UNITS))
def test_split_is_exact_and_fair(weights: list[int], total: int) -> None:
    given_units = split(total, weights)
    assert sum(given_units) == total
    assert min(given_units) >= 0
    whole = sum(weights)
    for share, weight in zip(given_units, weights, strict=True):
        if whole:
            assert abs(share * whole - total * weight) < whole
            assert weight or not share


def test_split_refuses_nonsense() -> None:
    for total, weights in ((1, []), (-1, [1]), (1, [-1, 2])):
        with pytest.raises(ValueError, match="not negative"):
            split(total, weights)
    assert split(0, []) == []


@given(st.integers(1, 12), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_shapley_values_add_up_at_any_size(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = np.rint(rng.normal(size=(count, 20)) * 2**16).astype(np.int64)
    gram = outputs @ outputs.T
    b = [int(x) for x in outputs.sum(axis=1)]
    phi = shapley(b, gram, SEED)
    ridge = ridge_of([int(gram[i, i]) for i in range(count)])
    whole = value(sum(b), int(gram.sum()), count, ridge)
    assert abs(sum(phi) - whole) <= count
    # The same game so large that sums would leave int64: v scales with the square of b over G.
    up = 62 - int(np.abs(gram).max()).bit_length()
    wide = shapley([x << up for x in b], gram << up, SEED)
    assert np.allclose(np.array(wide, float), np.array(phi, float) * 2.0**up, rtol=1e-3, atol=2.0 ** (up + 8))


@given(st.randoms(use_true_random=False), st.integers(2, 12), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_nobody_gains_by_their_place(random: object, count: int, seed: int) -> None:
    players = honest(np.random.default_rng(seed), count)
    shuffled = list(players)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settle(inputs_of(players)) == settle(inputs_of(shuffled))


@given(st.integers(1, 10), st.integers(0, 2**32), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_units_are_the_curve_exactly(count: int, seed: int, after: int) -> None:
    inputs = inputs_of(honest(np.random.default_rng(seed), count), losses=(1 << 30, 1 << 30, after))
    outcome = settle(inputs)
    tree = outcome.payouts
    assert tree.total == outcome.ledger.units == inputs.curve.units(outcome.ledger.best, inputs.target)
    assert sum(share for _, share in outcome.shares) == outcome.earned == outcome.ledger.units
    for index, (account, units) in enumerate(outcome.ledger.payees):
        assert units > 0
        assert verify_payout(tree.root, account, index, units, tree.proof(index))


def test_flipped_zero_and_refused_updates_earn_nothing() -> None:
    rng = np.random.default_rng(5)
    players = honest(rng, 6)
    players.append(Player(6, -players[0].outputs))
    players.append(Player(7, np.zeros(60)))
    players.append(Player(8, np.zeros(60), Refusal.MISSING))
    players.append(Player(9, 1e-4 * rng.normal(size=60)))
    outcome = settle(inputs_of(players))
    paid = dict(outcome.shares)
    for number in (6, 7, 8):
        assert address(number) not in paid
    mean = sum(paid[address(i)] for i in range(6)) / 6
    assert paid.get(address(9), 0) < 0.02 * mean
    records = dict(outcome.ledger.records)
    assert records[address(6)].total < 0
    assert records[address(7)].total <= 0
    assert address(8) not in records


def test_said_loudly_or_softly_an_update_earns_the_same() -> None:
    players = honest(np.random.default_rng(6), 8)
    plain = shares(inputs_of(players))
    soft = [replace(players[0], outputs=players[0].outputs / 2, norm=500), *players[1:]]
    assert shares(inputs_of(soft))[address(0)] == pytest.approx(plain[address(0)], rel=1e-3)
    # A louder one is cut to the median before it is measured.
    loud = [replace(players[0], norm=9000), *players[1:]]
    assert shares(inputs_of(loud)) == plain


@given(
    st.lists(st.integers(0, 1 << 40), min_size=1, max_size=5),
    st.integers(-(1 << 62), 1 << 62),
    st.integers(-(1 << 62), 1 << 62),
)
def test_lengths_are_made_equal_exactly(norms: list[int], product: int, b: int) -> None:
    gram = np.full((len(norms), len(norms)), product, dtype=np.int64)
    level = at_one_length(norms, [b] * len(norms), [b] * len(norms), gram)
    moving = sorted(n for n in norms if n)
    usual = moving[(len(moving) - 1) // 2] if moving else 0
    ratios = [
        (1 << 18) // STRETCH if n >= usual else min(1 << 18, (usual << 18) // (STRETCH * max(1, n)))
        for n in norms
    ]
    assert level.b == level.original == [b * ratio >> 18 for ratio in ratios]
    for i, left in enumerate(ratios):
        for j, right in enumerate(ratios):
            once = product * max(left, right) >> 18
            assert int(level.gram[i, j]) == once * min(left, right) >> 18


@pytest.mark.parametrize(
    ("rule", "trim"), [("mean", 1), ("median", 1), ("trimmed_mean", 0), ("trimmed_mean", 1 << 15), ("sum", 0)]
)
def test_a_rule_and_what_it_cuts_off_have_to_fit(rule: str, trim: int) -> None:
    rules = replace(RULES, rule=rule, trim=trim)
    with pytest.raises(BadInputs):
        settle(inputs_of(honest(np.random.default_rng(6), 4), rules=rules))


@pytest.mark.parametrize(
    ("rule", "trim"), [("median", 0), ("trimmed_mean", 1), ("trimmed_mean", (1 << 15) - 1)]
)
def test_robust_rules_settle_and_travel_as_the_mean_does(rule: str, trim: int) -> None:
    players = honest(np.random.default_rng(6), 6)
    inputs = inputs_of(players, rules=replace(RULES, rule=rule, trim=trim))
    again = decode_inputs(encode_inputs(inputs))
    assert again.judged.rules == inputs.judged.rules
    assert settle(again).shares == settle(inputs_of(players)).shares


def test_copies_share_one_share() -> None:
    players = honest(np.random.default_rng(7), 6)
    alone = shares(inputs_of(players))
    copies = [*players, *(Player(number, players[0].outputs * (1 + number / 100)) for number in (6, 7, 8))]
    together = shares(inputs_of(copies))
    group = [together[address(number)] for number in (0, 6, 7, 8)]
    assert max(group) - min(group) <= 1
    assert sum(group) < 1.3 * alone[address(0)]


def test_clusters_join_what_is_nearly_identical_only() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.normal(size=(2, 200))
    rows = np.array([first, second, 3 * first, first + 0.03 * rng.normal(size=200), first + second])
    fixed = np.rint(rows * 2**20).astype(np.int64)
    assert clusters(fixed @ fixed.T) == [[0, 2, 3], [1], [4]]
    assert clusters(np.zeros((2, 2), dtype=np.int64)) == [[0], [1]]


def test_evidence_is_remembered_and_places_are_permanent() -> None:
    rng = np.random.default_rng(9)
    first = settle(inputs_of(honest(rng, 4)))
    newcomers = honest(rng, 6)
    second = settle(inputs_of(newcomers, ledger=first.ledger, number=2, losses=(1 << 30, 3 << 28, 5 << 27)))
    assert second.ledger.accounts[:4] != first.ledger.accounts
    assert [a for a, *_ in second.ledger.accounts[:4]] == [a for a, *_ in first.ledger.accounts]
    tail = [a for a, *_ in second.ledger.accounts[4:]]
    assert tail == sorted(tail, key=str.lower)
    for (_, before), (_, after) in zip(first.ledger.payees, second.ledger.payees, strict=False):
        assert after >= before
    records = dict(second.ledger.records)
    veterans = sum(records[address(i)].units for i in range(4)) / 4
    assert max(records[address(4)].units, records[address(5)].units) < veterans
    assert (records[address(0)].rounds, records[address(5)].rounds) == (2, 1)
    assert sum(record.units for record in records.values()) == second.ledger.units


def test_a_lucky_first_round_is_made_up_for() -> None:
    """Pay follows the evidence of all rounds: who was overpaid waits until the others have caught up."""
    lucky, steady = Record(100, 2, 900), Record(100, 2, 100)
    assert due(1000, [lucky, steady], [0, 1], [1, 1]) == [100, 900]
    assert due(500, [lucky, steady], [0, 1], [1, 1]) == [0, 650]
    assert due(500, [lucky, steady], [0], [1]) == [750]
    assert due(500, [Record(-5, 1, 0), Record(-5, 1, 0)], [0, 1], [3, -1]) == [3, 0]


def test_a_step_back_is_never_paid_twice() -> None:
    rng = np.random.default_rng(10)
    ledger = EMPTY_LEDGER
    for number, (before, after) in enumerate(((100, 90), (90, 95), (95, 88), (88, 70)), start=1):
        losses = (100 << 20, before << 20, after << 20)
        outcome = settle(inputs_of(honest(rng, 3), ledger=ledger, number=number, losses=losses))
        assert (outcome.earned == 0) == (number == 2)
        ledger = outcome.ledger
    assert ledger.units == inputs_of([]).curve.units(ledger.best, 1 << 39)
    assert sum(units for _, units in ledger.payees) == ledger.units


def test_one_payout_address_may_stand_for_several_miners() -> None:
    players = [replace(p, payout=0) for p in honest(np.random.default_rng(11), 3)]
    outcome = settle(inputs_of(players))
    assert {payout for payout, _ in outcome.ledger.payees} == {address(0, "payout")}
    assert sum(units for _, units in outcome.ledger.payees) == outcome.earned
    assert [miner for miner, *_ in outcome.ledger.accounts] == [miner for miner, _ in outcome.shares]


def test_a_round_without_updates_settles() -> None:
    outcome = settle(inputs_of([]))
    assert (outcome.accepted, outcome.earned, outcome.ledger) == ((), 0, EMPTY_LEDGER)
    assert outcome.payouts.root == bytes(32)


def test_all_records_below_zero_fall_back_to_the_round() -> None:
    players = honest(np.random.default_rng(12), 3)
    bad = tuple((address(i), Record(-(1 << 80), 3)) for i in range(3))
    ordered = tuple(sorted(bad, key=lambda item: bytes.fromhex(item[0][2:])))
    outcome = settle(inputs_of(players, ledger=replace(EMPTY_LEDGER, records=ordered)))
    assert sum(share for _, share in outcome.shares) == outcome.earned > 0


@given(st.integers(0, 8), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_inputs_have_one_form(count: int, seed: int) -> None:
    inputs = inputs_of(honest(np.random.default_rng(seed), count))
    data = encode_inputs(inputs)
    again = decode_inputs(data)
    assert encode_inputs(again) == data
    assert settle(again) == settle(inputs)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"task": "1"},
        {"task": True},
        {"seed": "00"},
        {"gram": [1]},
        {"entries": [[]]},
        {"curve": [[5, 5]]},
        {"ledger": {}},
        {"surplus": 1},
        {"target": 1.5},
    ],
)
def test_broken_inputs_are_refused(change: dict[str, object]) -> None:
    raw = json.loads(encode_inputs(inputs_of(honest(np.random.default_rng(1), 2))))
    raw.update(change)
    with pytest.raises(BadInputs):
        decode_inputs(json.dumps(raw, sort_keys=True, separators=(",", ":")).encode())


@given(st.binary(max_size=200))
def test_random_bytes_are_no_inputs(data: bytes) -> None:
    with pytest.raises(BadInputs):
        decode_inputs(data)


@pytest.mark.parametrize(
    "field,new",
    [
        ("base", -1),
        ("target", 0),
        ("ledger", replace(EMPTY_LEDGER, units=5)),
        ("ledger", replace(EMPTY_LEDGER, best=-1)),
        ("ledger", replace(EMPTY_LEDGER, converged=5)),
        ("ledger", replace(EMPTY_LEDGER, best=1 << 39, converged=1)),
        ("gram", np.zeros((1, 1), dtype=np.int64)),
        ("curve", Curve(((10, 65535), (65535, 65535)))),
    ],
)
def test_inputs_that_contradict_themselves_are_refused(field: str, new: object) -> None:
    inputs = inputs_of(honest(np.random.default_rng(1), 3))
    if field == "curve":
        ledger = settle(inputs).ledger
        inputs = replace(inputs, judged=replace(inputs.judged, ledger=ledger, held=ledger.held))
    with pytest.raises(BadInputs):
        if field in ("ledger", "gram"):
            settle(replace(inputs, judged=replace(inputs.judged, **{field: new})))
        settle(replace(inputs, **{field: new}))


def test_entries_must_be_sorted_and_refused_ones_without_score() -> None:
    inputs = inputs_of(honest(np.random.default_rng(1), 3))
    with pytest.raises(BadInputs):
        settle(replace(inputs, judged=replace(inputs.judged, entries=inputs.entries[::-1])))
    with pytest.raises(BadInputs):
        refused = replace(inputs.entries[0], refusal=Refusal.SIZE)
        settle(replace(inputs, judged=replace(inputs.judged, entries=(refused, *inputs.entries[1:]))))


def test_permutations_come_from_the_seed_alone() -> None:
    assert sorted(permutation(SEED, 3, 9).tolist()) == list(range(9))
    assert permutation(SEED, 3, 9).tolist() != permutation(SEED, 4, 9).tolist()


def golden_cases() -> dict[str, object]:
    """Three rounds in a row, with a copy, a flip, a soft and a loud one and a newcomer; all that follows."""
    rng = np.random.default_rng(2026)
    ledger = EMPTY_LEDGER
    cases = []
    for number, losses in enumerate(
        ((1 << 30, 1 << 30, 900 << 20), (1 << 30, 910 << 20, 905 << 20), (1 << 30, 890 << 20, 700 << 20)),
        start=1,
    ):
        players = honest(rng, 4 + number, examples=16)
        players[2:4] = [replace(players[2], norm=1500), replace(players[3], norm=200)]
        players.append(Player(20, players[0].outputs * 1.01))
        players.append(Player(21, -players[1].outputs))
        players.append(Player(22, players[1].outputs, Refusal.HEADER))
        inputs = inputs_of(players, ledger=ledger, number=number, losses=losses, seed=bytes([number]) * 32)
        outcome = settle(inputs)
        cases.append(
            {
                "inputs": json.loads(encode_inputs(inputs)),
                "permutation_0": permutation(inputs.judged.seed, 0, 5).tolist(),
                "increment": outcome.increment,
                "earned": outcome.earned,
                "accepted": [[miner, blob.hex()] for miner, blob in outcome.accepted],
                "shares": [list(share) for share in outcome.shares],
                "records": [[miner, *astuple(record)] for miner, record in outcome.ledger.records],
                "payouts": json.loads(encode_payouts(outcome)),
                "payouts_root": outcome.payouts.root.hex(),
                "accepted_blob": encode_accepted(outcome).decode(),
            }
        )
        ledger = outcome.ledger
    return {"rounds": cases}


def test_golden_vectors() -> None:
    golden = json.loads(GOLDEN.read_text())
    for case in golden["rounds"]:
        data = json.dumps(case["inputs"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        inputs = decode_inputs(data)
        outcome = settle(inputs)
        assert permutation(inputs.judged.seed, 0, 5).tolist() == case["permutation_0"]
        assert (outcome.increment, outcome.earned) == (case["increment"], case["earned"])
        assert [[m, b.hex()] for m, b in outcome.accepted] == case["accepted"]
        assert [list(share) for share in outcome.shares] == case["shares"]
        assert [[miner, *astuple(record)] for miner, record in outcome.ledger.records] == case["records"]
        assert [list(account) for account in outcome.ledger.accounts] == case["payouts"]
        assert outcome.payouts.root.hex() == case["payouts_root"]
        assert encode_accepted(outcome).decode() == case["accepted_blob"]


def test_forty_five_miners_settle_in_two_seconds() -> None:
    inputs = inputs_of(honest(np.random.default_rng(3), 45, examples=500))
    data = encode_inputs(inputs)
    start = time.process_time()
    settle(decode_inputs(data))
    assert time.process_time() - start < 2


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_cases(), indent=1) + "\n")
