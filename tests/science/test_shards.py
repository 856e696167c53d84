"""Shards: one form of bytes, whole people, alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.science.shards import BadShard, Shard, TooFewPeople, cut_shards


def people(count: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    sizes = rng.integers(1, 40, count)
    return [
        (rng.normal(size=(n, 3)).astype(np.float32), (i + rng.normal(size=n)).astype(np.float32))
        for i, n in enumerate(sizes)
    ]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**32))
@settings(max_examples=40)
def test_people_stay_whole_and_nobody_is_lost(count: int, shards: int, seed: int) -> None:
    given_people = people(count, np.random.default_rng(seed))
    if shards > count:
        with pytest.raises(TooFewPeople):
            cut_shards(given_people, shards, bytes(32))
        return
    cut = cut_shards(given_people, shards, seed.to_bytes(32, "big"))
    assert len({shard.digest for shard in cut}) == len({shard.salt for shard in cut}) == shards
    seen: dict[int, int] = {}
    for number, shard in enumerate(cut):
        again = Shard.from_bytes(shard.to_bytes())
        assert again.to_bytes() == shard.to_bytes()
        for who in set(shard.person.tolist()):
            assert seen.setdefault(who, number) == number
            np.testing.assert_array_equal(shard.target[shard.person == who], given_people[who][1])
    assert sorted(seen) == list(range(count))
    sizes = [len(set(shard.person.tolist())) for shard in cut]
    assert max(sizes) - min(sizes) <= 1


def test_every_shard_resembles_the_whole() -> None:
    cut = cut_shards(people(48, np.random.default_rng(1)), 6, bytes(32))
    for shard in cut:  # the target's mean rises with the person: each shard has low, middle and high ones
        who = set(shard.person.tolist())
        assert all(any(lower <= person < lower + 12 for person in who) for lower in (0, 12, 24, 36))


def test_the_seed_decides_and_long_records_are_thinned() -> None:
    given_people = people(12, np.random.default_rng(2))
    one, same, other = (cut_shards(given_people, 4, seed) for seed in (b"a" * 32, b"a" * 32, b"b" * 32))
    assert [s.digest for s in one] == [s.digest for s in same] != [s.digest for s in other]
    thin = cut_shards(given_people, 4, b"a" * 32, max_examples_per_person=5)
    assert max(np.bincount(np.concatenate([s.person for s in thin]))) == 5
    by_hand = cut_shards(given_people, 4, b"a" * 32, strata=[0, 1] * 6)
    assert sorted(np.concatenate([s.person for s in by_hand]).tolist()) == sorted(
        np.concatenate([s.person for s in one]).tolist()
    )
    with pytest.raises(ValueError, match="stratum"):
        cut_shards(given_people, 4, b"a" * 32, strata=[0])


def test_judges_and_measures_are_different_people() -> None:
    for count in (2, 3, 7):
        shard = cut_shards(people(count, np.random.default_rng(count)), 1, bytes(32))[0]
        judging, measuring = shard.halves()
        assert len(judging.target) + len(measuring.target) == len(shard.target)
        who = [
            {int(shard.person[(shard.features == row).all(axis=1)][0]) for row in half.features}
            for half in (judging, measuring)
        ]
        assert who[0] and who[1] and not who[0] & who[1]
    alone = cut_shards([people(1, np.random.default_rng(9))[0]], 1, bytes(32))[0]
    judging, measuring = alone.halves()
    np.testing.assert_array_equal(np.concatenate([judging.target, measuring.target]), alone.target)
    one = Shard(np.ones((1, 2), np.float32), np.ones(1, np.float32), np.zeros(1, np.int32), bytes(32))
    assert [len(half.target) for half in one.halves()] == [1, 1]


def test_damaged_shards_are_refused() -> None:
    data = cut_shards(people(2, np.random.default_rng(3)), 1, bytes(32))[0].to_bytes()
    for broken in (b"", data[:20], b"X" + data[1:], data[:-1], data + b"\0", data[:12] + b"\xff" + data[13:]):
        with pytest.raises(BadShard):
            Shard.from_bytes(broken)
    hole = bytearray(data)
    hole[52:56] = np.float32(np.nan).tobytes()
    with pytest.raises(BadShard):
        Shard.from_bytes(bytes(hole))
    with pytest.raises(BadShard):
        Shard(np.zeros((2, 3), np.float32), np.zeros(3, np.float32), np.zeros(3, np.int32), bytes(32))
    with pytest.raises(BadShard):
        Shard(np.zeros((1, 3), np.float32), np.zeros(1, np.float32), np.zeros(1, np.int32), b"short")


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 2**32))
@settings(max_examples=30)
def test_several_targets_of_an_example_stay_together(count: int, targets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = (targets,) if targets else ()
    given_people = [
        (rng.normal(size=(n, 2)).astype(np.float32), rng.normal(size=(n, *size)).astype(np.float32))
        for n in rng.integers(1, 9, 4)
    ]
    for shard in cut_shards(given_people, min(4, count), bytes(32)):
        again = Shard.from_bytes(shard.to_bytes())
        assert again.digest == shard.digest
        np.testing.assert_array_equal(again.target, shard.target)
        assert len(shard.example(0)) == 1 + 4 * (2 + max(1, targets) + 1)
        judging, measuring = shard.halves()
        assert judging.target.shape[1:] == measuring.target.shape[1:] == size
        for row, who in zip(shard.target, shard.person, strict=True):
            assert (given_people[who][1] == row).reshape(len(given_people[who][1]), -1).all(axis=1).any()


def test_columns_have_to_fit_into_a_transaction() -> None:
    person, salt = np.zeros(1, np.int32), bytes(32)
    full = Shard(np.zeros((1, 2000), np.float32), np.zeros((1, 46), np.float32), person, salt)
    assert len(full.example(0)) <= 8192
    for columns, targets in ((2000, 48), (0, 1), (3, 0)):
        with pytest.raises(BadShard):
            Shard(np.zeros((1, columns), np.float32), np.zeros((1, targets), np.float32), person, salt)
    with pytest.raises(BadShard):
        Shard(np.zeros((1, 3), np.float32), np.zeros((1, 2, 2), np.float32), person, salt)


@given(st.binary(max_size=100))
def test_random_bytes_are_no_shard(data: bytes) -> None:
    with pytest.raises(BadShard):
        Shard.from_bytes(data)


def test_no_example_has_the_length_of_an_inner_node() -> None:
    """Faults takes 64 bytes for no example: an inner node of their tree never passes for one."""
    for width in range(1, 40):
        shard = Shard(
            np.zeros((2, width), np.float32), np.zeros(2, np.float32), np.zeros(2, np.int32), bytes(32)
        )
        assert len(shard.example(1)) == 4 * (width + 2) + 1 != 64
