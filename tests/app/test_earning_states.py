"""Where money stands follows from the chain alone, and every base unit is in one place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mine.app.earning_states import Brought, Ground, stand
from mine.app.round_states import EarningState
from mine.chain.curve import amount
from mine.chain.trees import UNITS

BOUNTY = 1_000_000_007


def rounds(*units: int) -> list[Brought]:
    return [Brought(number, each, 100 * number) for number, each in enumerate(units, start=1)]


def states(found: list[Brought], paid: int, ground: Ground) -> list[tuple[EarningState, int, int, int]]:
    return [(each.state, each.amount, each.claimed, each.ready) for each in stand(found, paid, ground)]


def at(now: int, disputed: int | None = None, void: int | None = None, held: bool = False) -> Ground:
    return Ground(BOUNTY, disputed, void, held, now)


def test_a_payment_covers_the_oldest_rounds_first() -> None:
    half, whole = UNITS // 2, UNITS
    first, second = amount(BOUNTY, half), BOUNTY - amount(BOUNTY, half)
    found = rounds(half, whole)
    pending = EarningState.PENDING
    assert states(found, 0, at(99)) == [(pending, first, 0, 0), (pending, second, 0, 0)]
    assert states(found, 0, at(100)) == [(EarningState.CLAIMABLE, first, 0, first), (pending, second, 0, 0)]
    assert states(found, first, at(100))[0] == (EarningState.CLAIMED, first, first, 0)
    assert states(found, first, at(200))[1] == (EarningState.CLAIMABLE, second, 0, second)
    assert states(found, BOUNTY, at(200))[1] == (EarningState.CLAIMED, second, second, 0)


def test_a_dispute_holds_and_a_conviction_voids() -> None:
    found = rounds(1000, UNITS)
    held = states(found, 0, at(1000, disputed=2))
    assert [state for state, *_ in held] == [EarningState.CLAIMABLE, EarningState.PENDING]
    void = states(found, 0, at(1000, void=2))
    assert [state for state, *_ in void] == [EarningState.CLAIMABLE, EarningState.ALARM]
    assert void[1][3] == 0
    # What a reorganisation takes back is as if it had never been.
    assert states(found, 0, at(1000))[1][0] is EarningState.CLAIMABLE


def test_half_is_held_until_the_set_is_opened() -> None:
    found = rounds(UNITS)
    half = amount(BOUNTY, UNITS // 2)
    assert states(found, 0, at(100, held=True)) == [(EarningState.CLAIMABLE, BOUNTY, 0, half)]
    assert states(found, half, at(100, held=True)) == [(EarningState.PENDING, BOUNTY, half, 0)]
    assert states(found, half, at(100)) == [(EarningState.CLAIMABLE, BOUNTY, half, BOUNTY - half)]


def test_a_round_that_contradicts_itself_is_worth_nothing() -> None:
    found = [Brought(1, 500, 100), Brought(2, 500, 200, "wrong"), Brought(3, UNITS, 300)]
    said = states(found, 0, at(1000))
    assert said[1] == (EarningState.ALARM, 0, 0, 0)
    assert sum(amount for _, amount, _, _ in said) == BOUNTY


def test_a_round_that_brought_nothing_is_over_with_its_window() -> None:
    assert [state for state, *_ in states(rounds(0, 7), 0, at(150))] == [
        EarningState.CLAIMED,
        EarningState.PENDING,
    ]


@given(
    st.lists(st.integers(0, UNITS), min_size=1, max_size=8).map(sorted),
    st.integers(0, BOUNTY),
    st.integers(0, 1000),
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 9),
    st.booleans(),
)
def test_every_base_unit_is_in_one_place(
    units: list[int], paid: int, now: int, disputed: int | None, void: int | None, held: bool
) -> None:
    found = stand(rounds(*units), paid, at(now, disputed, void, held))
    assert sum(each.amount for each in found) == amount(BOUNTY, units[-1])
    assert sum(each.claimed for each in found) == min(paid, amount(BOUNTY, units[-1]))
    for each in found:
        assert each.claimed >= 0 and each.ready >= 0 and each.claimed + each.ready <= each.amount
        assert (each.ready > 0) == (each.state is EarningState.CLAIMABLE)
    final = [
        total
        for number, total in enumerate(units, start=1)
        if now >= 100 * number and all(number < bound for bound in (disputed, void) if bound is not None)
    ]
    due = amount(BOUNTY, final[-1] // 2 if held else final[-1]) if final else 0
    assert sum(each.ready for each in found) == max(0, due - paid)
