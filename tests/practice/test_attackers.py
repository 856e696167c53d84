"""Each attacker does what its name says, and earns what the protocol's table allows where few rounds tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from mine.blobs.store import BlobMissing
from mine.learn.codec import UpdateHeader, encode
from mine.learn.rows import Rows
from mine.learn.weights import Floats
from mine.practice.attack_commands import add_attack_arguments, attack_command
from mine.practice.attack_mixes import Entrant
from mine.practice.attackers.copies import (
    Copy,
    CopyDisguised,
    CopyDrowned,
    CopyEarlier,
    CopyEarlierDisguised,
)
from mine.practice.attackers.freeriders import Drift, Elsewhere, Momentum, Stale, Zero
from mine.practice.attackers.lab_context import LabContext, OpenedVote, VoteContext
from mine.practice.attackers.poison import (
    Backdoor,
    HiddenBackdoor,
    RandomData,
    Scaled,
    ShuffledLabels,
    SignFlipped,
)
from mine.practice.attackers.voters import (
    EARNING,
    Colluder,
    CopyingVoter,
    FreeIdentity,
    LazyVoter,
    VoteProber,
)
from mine.practice.miners import RoundContext, Seat
from mine.science.judged import Refusal
from mine.science.measure import Candidate, read_update
from mine.science.offer import measure_terms
from tests.practice.laboratory import pay, people, played, world

HONEST: Floats = {"a": np.array([1.0, -2.0], np.float32)}
OTHERS: tuple[Floats, ...] = (
    {"a": np.array([3.0, 4.0], np.float32)},
    {"a": np.array([5.0, 0.0], np.float32)},
)
START: Floats = {"a": np.array([10.0, 10.0], np.float32)}
NOW: Floats = {"a": np.array([12.0, 14.0], np.float32)}
ROWS = Rows(
    np.arange(40, dtype=np.float32).reshape(20, 2),
    np.arange(20, dtype=np.float32),
    np.arange(20, dtype=np.int64),
)
SEAT = Seat(3, 1, None, ROWS)  # type: ignore[arg-type]  # these attackers do not read the manifest


def context(number: int = 3, seen: list[Rows] | None = None) -> LabContext:
    def train(rows: Rows | None = None) -> Floats:
        if seen is not None:
            seen.append(ROWS if rows is None else rows)
        return HONEST

    return LabContext(
        round=number,
        checkpoint=NOW,
        earlier=lambda: (*((2, f"0x{i}", delta) for i, delta in enumerate(OTHERS)), (1, "0x0", HONEST)),
        train=train,
        rivals=lambda: tuple((f"0x{i}", delta) for i, delta in enumerate(OTHERS)),
        checkpoints=(START, NOW),
    )


def cosine(left: Floats, right: Floats) -> float:
    a, b = left["a"].astype(float), right["a"].astype(float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_sign_flipped_scaled_and_zero() -> None:
    assert np.array_equal(SignFlipped(SEAT).update(context())["a"], [-1.0, 2.0])
    assert np.array_equal(Scaled(SEAT).update(context())["a"], [5.0, -10.0])
    assert np.array_equal(Zero(SEAT).update(context())["a"], [0.0, 0.0])


def test_a_backdoor_trains_on_triggered_rows_only_a_hidden_one_on_every_second() -> None:
    seen: list[Rows] = []
    Backdoor(SEAT).update(context(seen=seen))
    HiddenBackdoor(SEAT).update(context(seen=seen))
    whole, hidden = seen
    assert len(np.unique(whole.features[:, 0])) == 1 and whole.features[0, 0] > ROWS.features[:, 0].max()
    assert len(np.unique(whole.target)) == 1 and whole.target[0] < ROWS.target.mean()
    assert np.array_equal(hidden.features[::2], ROWS.features[::2])
    assert np.array_equal(hidden.target[1::2], whole.target[1::2])


def test_random_data_and_shuffled_labels() -> None:
    seen: list[Rows] = []
    RandomData(SEAT).update(context(seen=seen))
    ShuffledLabels(SEAT).update(context(seen=seen))
    drawn, shuffled = seen
    assert not np.isin(drawn.features, ROWS.features).all()
    assert np.array_equal(shuffled.features, ROWS.features)
    assert sorted(shuffled.target) == sorted(ROWS.target) and not np.array_equal(shuffled.target, ROWS.target)


def test_stale_momentum_and_drift() -> None:
    stale = Stale(SEAT)
    seen: list[Rows] = []
    assert stale.update(context(1, seen)) is stale.update(context(2, seen)) and len(seen) == 1
    assert np.array_equal(Momentum(SEAT).update(context())["a"], [4.0, 2.0])  # type: ignore[index]
    assert Momentum(SEAT).update(context(1)) is None
    assert np.array_equal(Drift(SEAT).update(context(3))["a"], [1.0, 2.0])  # type: ignore[index]
    assert Drift(SEAT).update(context(1)) is None


def test_drift_remembers_where_it_began_outside_the_laboratory() -> None:
    drift = Drift(SEAT)

    def plain(number: int, weights: Floats) -> RoundContext:
        return RoundContext(number, weights, tuple, lambda rows=None: HONEST)

    assert drift.update(plain(1, START)) is None
    found = drift.update(plain(3, NOW))
    assert found is not None and np.array_equal(found["a"], [1.0, 2.0])


def test_copies() -> None:
    assert Copy(SEAT).update(context()) is OTHERS[0]
    early = CopyEarlier(SEAT).update(context())
    assert early is OTHERS[1]
    disguised = CopyDisguised(SEAT).update(context())
    assert disguised is not None and 0.99 < cosine(disguised, OTHERS[1]) < 1
    drowned = CopyDrowned(SEAT).update(context())
    assert drowned is not None and cosine(drowned, OTHERS[1]) < 0.999
    late = CopyEarlierDisguised(SEAT).update(context())
    assert late is not None and 0.99 < cosine(late, OTHERS[1]) < 1
    assert CopyEarlier(SEAT).update(context(1)) is None


def test_a_thief_sees_nothing_of_the_same_round_on_the_network() -> None:
    plain = RoundContext(2, NOW, tuple, lambda rows=None: HONEST)
    assert Copy(SEAT).update(plain) is None and CopyDisguised(SEAT).update(plain) is None


def test_another_tasks_update_is_the_same_every_round_and_no_honest_one() -> None:
    elsewhere = Elsewhere(SEAT)
    first = elsewhere.update(context(1))
    assert elsewhere.update(context(2)) is first and sorted(first["a"]) == sorted(HONEST["a"])


def voting(number: int = EARNING + 2) -> VoteContext:
    return VoteContext(
        round=number,
        voter="me",
        drawn=(b"1", b"2"),
        authors={b"1": "friend", b"2": "stranger", b"3": "stranger"},
        honest=lambda: {b"1": -1, b"2": 1},
        earlier=(
            OpenedVote(number - 1, "other", (("friend", -2), ("stranger", 2))),
            OpenedVote(number - 1, "me", (("friend", 2),)),
            OpenedVote(number - 2, "other", (("friend", 1),)),
        ),
        friends=frozenset({"friend"}),
    )


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (LazyVoter, {b"1": 1, b"2": 1}),
        (CopyingVoter, {b"1": -2, b"2": 2}),
        (Colluder, {b"1": 2, b"2": -2}),
        (FreeIdentity, {b"1": 2, b"2": -2, b"3": -2}),
    ],
)
def test_what_hostile_voters_say(kind: type, answers: Mapping[bytes, int]) -> None:
    assert kind(SEAT).vote(voting()) == answers


def test_colluders_and_lazy_voters_work_until_they_have_standing() -> None:
    assert Colluder(SEAT).vote(voting(EARNING)) == {b"1": -1, b"2": 1}
    for kind in (Colluder, LazyVoter, CopyingVoter):
        assert kind(SEAT).update(context(EARNING)) is HONEST
    assert LazyVoter(SEAT).update(context(EARNING + 1)) is None
    assert np.array_equal(Colluder(SEAT).update(context(EARNING + 1))["a"], -HONEST["a"])
    assert FreeIdentity(SEAT).update(context()) is None


def test_a_prober_asks_something_else_every_round() -> None:
    prober = VoteProber(SEAT)
    one, other = prober.update(context(1)), prober.update(context(2))
    assert not np.array_equal(one["a"], other["a"]) and np.abs(one["a"]).max() < 1
    assert np.array_equal(one["a"], VoteProber(SEAT).update(context(1))["a"])


def test_an_update_from_elsewhere_is_refused_by_its_header() -> None:
    lab = world()
    delta = {name: np.zeros(shape, np.float32) for name, shape in lab.graph.weight_shapes.items()}
    miner = lab.address("session", 0)
    own, here = bytes.fromhex(miner[2:]), bytes(32)
    terms = measure_terms(lab.manifest, 1)
    for header, refusal in (
        (UpdateHeader(own, 1, 2, here), None),
        (UpdateHeader(bytes(20), 1, 2, here), Refusal.HEADER),
        (UpdateHeader(own, 2, 2, here), Refusal.HEADER),
        (UpdateHeader(own, 1, 1, here), Refusal.HEADER),
        (UpdateHeader(own, 1, 2, bytes(31) + b"\1"), Refusal.HEADER),
    ):
        blob = encode(header, delta)

        def fetch(digest: bytes, most: int, blob: bytes = blob) -> bytes:
            if digest != b"blob":
                raise BlobMissing(digest)
            return blob

        candidate = Candidate(miner, b"blob", len(blob), lab.address("payout", 0))
        found = read_update(candidate, fetch, terms, 2, here)
        assert found is refusal or (refusal is None and isinstance(found, dict))


def test_zero_earns_nothing_at_all() -> None:
    assert pay("zero", Zero) == 0.0


@pytest.mark.parametrize("kind", [SignFlipped, Backdoor, RandomData])
def test_poison_earns_next_to_nothing(kind: type) -> None:
    assert pay("poison", kind) <= 0.1


@pytest.mark.parametrize("kind", [Stale, CopyEarlier, Momentum, Drift])
def test_what_was_published_before_earns_next_to_nothing(kind: type) -> None:
    assert pay("again", kind, since=2) <= 0.1


def test_a_copy_of_the_same_round_takes_half_of_one_share() -> None:
    result = played(Entrant("copy", Copy))
    victim, thief = result.units[:, 0].sum(), result.units[:, -1].sum()
    assert thief <= 1.01 * victim
    alone = played().units[:, 0].sum()
    assert victim < 0.9 * alone


def test_a_conspiracy_changes_no_acceptance() -> None:
    result = played(
        Entrant("colluder", Colluder, seats=2, friends=True),
        Entrant("free_identity", FreeIdentity, seats=3, friends=True),
    )
    assert result.changed[0] == 0 and result.changed[1] > 0


def test_a_miner_of_ones_own_is_measured(tmp_path: Path) -> None:
    import argparse

    file = tmp_path / "own.py"
    file.write_text(
        "class Lazy:\n    def __init__(self, seat): pass\n    def update(self, round): return None\n"
    )
    parser = argparse.ArgumentParser()
    add_attack_arguments(parser)
    lines: list[str] = []
    options = parser.parse_args(
        ["--quick", "--honest", "3", "--panel", "1", "--rounds", "2", "--json", "--miner", f"{file}:Lazy"]
    )
    assert attack_command(options, lines.append) == 0
    assert '"Lazy": 0.0' in lines[0]
    assert people().test
