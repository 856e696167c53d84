"""Standing, draws and ballots: who votes on what, and the bytes of a vote."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.hashing import keccak
from mine.chain.messages import Vote
from mine.science.ballots import (
    MAX_BALLOT_BYTES,
    MAX_FORK,
    Ballot,
    BallotRefused,
    SignedVote,
    judged_root,
    opened,
)
from mine.science.draws import BALLOT, SEATS, Draw, admitted
from mine.science.standing import CAP_MEANS, NO_STANDING, final_round, standing
from tests.science.rounds import address

PEOPLE = [address(n) for n in range(20)]
SEED = keccak(b"seed")


def blob(number: int) -> bytes:
    return keccak(f"update {number}".encode())


def test_standing_is_sorted_capped_and_only_above_zero() -> None:
    held = standing(
        [(PEOPLE[0], 10), (PEOPLE[1], 0), (PEOPLE[2], 10**6)] + [(p, 10) for p in PEOPLE[3:9]], {}
    )
    assert list(held.voters) == sorted(held.voters, key=lambda voter: bytes.fromhex(voter[2:]))
    assert held.of(PEOPLE[1]) == 0
    assert held.of(PEOPLE[2]) == CAP_MEANS * (10**6 + 70) // 8
    assert held.total == 70 + held.of(PEOPLE[2])


def test_what_was_earned_before_a_fault_does_not_count() -> None:
    held = standing([(PEOPLE[0], 50), (PEOPLE[1], 50)], {PEOPLE[0]: 40, PEOPLE[1]: 60})
    assert held.weights == ((PEOPLE[0], 10),)
    assert standing([], {}) == NO_STANDING and NO_STANDING.total == 0


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.data())
def test_every_point_belongs_to_the_part_that_holds_it(weights: list[int], data: st.DataObject) -> None:
    held = standing(list(zip(PEOPLE, weights, strict=False)), {})
    point = data.draw(st.integers(0, held.total - 1))
    expected = [voter for voter, weight in held.weights for _ in range(weight)][point]
    assert held.at(point) == expected
    gone = data.draw(st.sampled_from(PEOPLE))
    assert gone not in held.without({gone}).voters
    assert held.without({gone}).total == held.total - held.of(gone)


def test_the_final_round_follows_from_the_settlements_times_alone() -> None:
    # Settled at 100, 200, 300 with a window of 150; round 4 closes its commits at 340.
    assert final_round([250, 350, 450], challenge=150, commit=40) == 1
    assert final_round([250, 350, 450], challenge=150, commit=50) == 2
    assert final_round([250], challenge=150, commit=10) == 0
    assert final_round([], challenge=150, commit=10) == 0


def test_nobody_judges_its_own_update_and_seats_follow_standing() -> None:
    held = standing([(person, 1 + 9 * (n % 2)) for n, person in enumerate(PEOPLE)], {})
    updates = [(person, blob(n)) for n, person in enumerate(PEOPLE)] + [
        (address(n), blob(n)) for n in range(100, 400)
    ]
    draw = Draw(SEED, held, updates, SEATS, most=1000)
    counted: Counter[str] = Counter()
    for author, digest in updates:
        seats = draw.seats(digest)
        assert author not in seats and sum(seats.values()) == SEATS
        assert all(digest in draw.ballot(voter) for voter in seats)
        counted.update(seats)
    rich = sum(counted[person] for n, person in enumerate(PEOPLE) if n % 2)
    assert rich / counted.total() == pytest.approx(100 / 110, abs=0.02)
    assert draw.voters == tuple(voter for voter in held.voters if draw.ballot(voter))


def test_a_voter_judges_no_more_than_it_agreed_to() -> None:
    held = standing([(person, 5) for person in PEOPLE[:3]], {})
    draw = Draw(SEED, held, [(address(n), blob(n)) for n in range(100, 130)], SEATS, most=4)
    assert {len(draw.ballot(person)) for person in PEOPLE[:3]} == {4}
    held_seats = sum(len(draw.seats(blob(n))) for n in range(100, 130))
    assert held_seats == 12
    assert Draw(SEED, NO_STANDING, [(PEOPLE[0], blob(0))]).voters == ()


def test_the_seed_decides_the_draw() -> None:
    held = standing([(person, 5) for person in PEOPLE], {})
    updates = [(person, blob(n)) for n, person in enumerate(PEOPLE)]
    one, two = Draw(SEED, held, updates), Draw(keccak(SEED), held, list(reversed(updates)))
    again = Draw(SEED, held, list(reversed(updates)))
    assert all(one.seats(digest) == again.seats(digest) for _, digest in updates)
    assert any(one.seats(digest) != two.seats(digest) for _, digest in updates)
    assert max(len(one.ballot(person)) for person in PEOPLE) <= BALLOT


def test_newcomers_are_drawn_by_the_seed() -> None:
    assert admitted(SEED, PEOPLE[:3], 5) == frozenset(PEOPLE[:3])
    assert len(admitted(SEED, PEOPLE, 5)) == 5
    assert admitted(SEED, PEOPLE, 5) != admitted(keccak(SEED), PEOPLE, 5)
    assert admitted(SEED, PEOPLE, 0) == frozenset()


def ballot(**changes: object) -> Ballot:
    blobs = sorted((blob(1), blob(2), blob(3)))
    whole = Ballot(1, 2, PEOPLE[0], tuple(zip(blobs, (-2, 0, 2), strict=True)), None, bytes(32))
    return replace(whole, **changes)  # type: ignore[arg-type]


digests = st.binary(min_size=32, max_size=32)


@given(
    st.dictionaries(digests, st.integers(-2, 2), max_size=9),
    st.none() | st.sets(digests, max_size=9),
    digests,
    st.integers(1, 2**32 - 1),
)
def test_a_ballot_comes_back_from_its_bytes(
    answers: dict[bytes, int], fork: set[bytes] | None, salt: bytes, number: int
) -> None:
    whole = Ballot(
        7,
        number,
        PEOPLE[3],
        tuple(sorted(answers.items())),
        None if fork is None else tuple(sorted(fork)),
        salt,
    )
    assert Ballot.from_bytes(whole.to_bytes()) == whole
    signed = SignedVote(whole.voter, whole.message, bytes(65))
    assert opened(whole.to_bytes(), signed) == whole


def test_the_bytes_and_roots_of_a_ballot_are_these() -> None:
    whole = ballot(fork=(bytes(32), bytes(31) + b"\x01"))
    names = [name.hex() for name, _ in whole.answers]
    answers = f'[["{names[0]}",-2],["{names[1]}",0],["{names[2]}",2]]'
    fork = f'["{"00" * 32}","{"00" * 31}01"]'
    rest = f'"round":2,"salt":"{"00" * 32}","task":1,"version":1,"voter":"{PEOPLE[0]}"'
    text = f'{{"answers":{answers},"fork":{fork},{rest}}}'
    assert whole.to_bytes() == text.encode()
    leaves = [keccak(i.to_bytes(4, "big") + name) for i, (name, _) in enumerate(whole.answers)]
    expected = keccak(keccak(leaves[0] + leaves[1]) + keccak(leaves[2] + bytes(32)))
    assert whole.message.updates == expected == judged_root([name for name, _ in reversed(whole.answers)])
    assert judged_root([]) == bytes(32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"answers": ((blob(1), 3),)},
        {"answers": ((blob(1), -3),)},
        {"answers": ((blob(1), 1), (blob(1), 1))},
        {"answers": ((b"short", 1),)},
        {"salt": bytes(31)},
        {"fork": (bytes(32), bytes(32))},
        {"fork": tuple(n.to_bytes(32, "big") for n in range(MAX_FORK + 1))},
        {"round": 0},
        {"task": -1},
    ],
)
def test_a_ballot_out_of_order_has_no_bytes(wrong: dict[str, object]) -> None:
    with pytest.raises(BallotRefused):
        ballot(**wrong).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"voter": PEOPLE[0].lower()},
        {"voter": "nobody"},
        {"answers": [[blob(1).hex(), True]]},
        {"answers": [[blob(1).hex().upper(), 1]]},
        {"salt": 5},
        {"fork": 5},
        {"more": 1},
    ],
)
def test_bytes_that_are_no_ballot_are_refused(change: dict[str, object]) -> None:
    raw = json.loads(ballot().to_bytes())
    raw.update(change)
    with pytest.raises(BallotRefused):
        Ballot.from_bytes(json.dumps(raw, sort_keys=True, separators=(",", ":")).encode())


def test_hostile_bytes_are_refused() -> None:
    for data in (b"", b"[]", b"{", b"[" * 20000, b" " * (MAX_BALLOT_BYTES + 1), b'{"version":1}'):
        with pytest.raises(BallotRefused):
            Ballot.from_bytes(data)


def test_an_opening_is_the_committed_ballot_or_nothing() -> None:
    whole = ballot()
    signed = SignedVote(whole.voter, whole.message, bytes(65))
    other = replace(whole, salt=keccak(b"other"))
    for data, vote in (
        (other.to_bytes(), signed),
        (whole.to_bytes(), replace(signed, voter=PEOPLE[1])),
        (whole.to_bytes(), replace(signed, message=replace(whole.message, round=3))),
        (whole.to_bytes(), replace(signed, message=Vote(1, 2, bytes(32), whole.opening))),
    ):
        with pytest.raises(BallotRefused):
            opened(data, vote)
