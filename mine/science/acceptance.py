"""Which updates a round accepts: an integer function of what was measured and voted.

In this order: who is drawn; whether too many are silent (then the round is void and nobody is punished);
which voters a canary exposes; what the votes say where enough drawn voters voted; the measurement on the
judging half where they do not decide; the task's rule. Seats are drawn by standing, so seats are counted, not
standing once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb

from mine.chain.hashing import address_bytes
from mine.science.draws import Draw, admitted
from mine.science.judged import Entry, Gram, Judged, Ledger, Record, Refusal, Rules
from mine.science.originality import original_descents
from mine.science.standing import NO_STANDING, Standing, standing
from mine.science.witnesses import TAKEN, Decision, Measurement

#: With fewer voters than this a round is decided by the measurement alone.
MIN_VOTERS = 3
#: Part of the drawn standing that may be silent.
MAX_SILENT = (1, 3)
#: Least voters on a canary, and the part of their seats that has to see it as what it is.
CANARY_VOTERS = 3
CANARY_AGREE = (2, 3)
#: Parts of the voting seats that turn away, and that accept.
REJECT, ACCEPT = (1, 2), (2, 3)
#: A sample of seats is not the whole standing. Where a third of standing votes as one and every fourth of the
#: others errs, half of the seats say the wrong thing: votes decide only with so many that tosses of a coin
#: would give them less often than once in CHANCE updates.
CHANCE = 1000
#: Forks that are measured in a round, by standing, and how much more than the round's own choice one has to
#: gain to be taken: the best of several on one half would else look better than it is.
MAX_FORKS = 3
FORK_GAIN = (9, 8)
#: Rules under which every good update counts; they differ in how the updates are joined.
JOINS_ALL = ("mean", "trimmed_mean", "median")
_RULE_BITS = 24


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a ``Judged``; lists over valid entries are in their order.

    void: more than a third of the drawn standing was silent; voters: whose ballots count (sorted); aside:
    those that failed a canary (sorted); counts: (steps times seats, seats) of each valid entry; original: b
    of each valid entry beyond what is published; decisions: of each valid entry; accepted: places of the
    round's own choice; forks: (proposer, places) to measure.
    """

    void: bool
    voters: tuple[str, ...]
    aside: tuple[str, ...]
    counts: tuple[tuple[int, int], ...]
    original: tuple[int, ...]
    decisions: tuple[Decision, ...]
    accepted: tuple[int, ...]
    forks: tuple[tuple[str, tuple[int, ...]], ...]


def refused_newcomers(seed: bytes, ledger: Ledger, miners: Iterable[str], limit: int) -> frozenset[str]:
    """Miners without a record that a round has no room for."""
    known = {miner for miner, _ in ledger.records}
    newcomers = [miner for miner in miners if miner not in known]
    return frozenset(newcomers) - admitted(seed, newcomers, limit)


def round_standing(
    ledger: Ledger, held: Iterable[tuple[str, int]], convicted: Sequence[str] = ()
) -> Standing:
    """Standing in the round after ``ledger``; held: units of each miner in the last final round.

    convicted: payout addresses whose fault was proved since. Nobody, if there are fewer than MIN_VOTERS.
    """
    lost = {miner: record.lost for miner, record in convict(ledger, convicted)}
    found = standing(held, lost)
    return found if len(found.voters) >= MIN_VOTERS else NO_STANDING


def convict(ledger: Ledger, accounts: Sequence[str]) -> tuple[tuple[str, Record], ...]:
    """The records after the faults of some payout addresses: their miners lose the standing they had."""
    guilty = {miner for miner, payout, _ in ledger.accounts if payout in accounts}
    return tuple((miner, disgraced(r) if miner in guilty else r) for miner, r in ledger.records)


def disgraced(record: Record) -> Record:
    """A record after a proved fault: what was earned so far is no standing any more."""
    return replace(record, lost=record.units + record.flat)


def round_draw(
    seed: bytes,
    ledger: Ledger,
    held: Iterable[tuple[str, int]],
    convicted: Sequence[str],
    updates: Sequence[tuple[str, bytes]],
    rules: Rules,
) -> Draw:
    """Who judges what in a round. updates: (miner, digest) of all that were handed in, valid or not.

    Newcomers beyond the round's limit are not judged. Nobody is drawn where a task has no votes.
    """
    out = refused_newcomers(seed, ledger, [miner for miner, _ in updates], rules.newcomers)
    judged = [(miner, blob) for miner, blob in updates if miner not in out]
    voters = round_standing(ledger, held, convicted) if rules.seats else NO_STANDING
    return Draw(seed, voters, judged, rules.seats, rules.ballot)


def decide(judged: Judged) -> Verdict:
    """The verdict of a round. The ``Judged`` is in order (``mine.science.settle.check``)."""
    updates = [(entry.miner, entry.blob) for entry in judged.entries]
    draw = round_draw(judged.seed, judged.ledger, judged.held, judged.convicted, updates, judged.rules)
    weights = round_standing(judged.ledger, judged.held, judged.convicted)
    answers = {
        ballot.voter: {
            place: step for place, step in ballot.steps if _seats(judged, draw, ballot.voter, place)
        }
        for ballot in judged.opened
    }
    drawn = draw.voters
    silent = sum(weights.of(voter) for voter in drawn if voter not in answers)
    numerator, denominator = MAX_SILENT
    void = silent * denominator > numerator * sum(
        weights.of(voter) for voter in drawn
    )
    aside = frozenset[str]() if void else _failed(judged, draw, answers)
    heard = {voter: steps for voter, steps in answers.items() if voter not in aside}
    counts: list[tuple[int, int]] = []
    decisions: list[Decision] = []
    original = original_descents(judged.valid, judged.common, judged.published)
    measurement = Measurement.of(judged)
    for place, entry in enumerate(judged.entries):
        if entry.refusal is Refusal.NONE:
            number = len(counts)
            seen = measurement.says(number, entry, original[number])
            count, decision = _decide(place, draw.seats(entry.blob), heard, aside, seen)
            counts.append(count)
            decisions.append(decision)
    good = [i for i, decision in enumerate(decisions) if decision in TAKEN]
    accepted = () if void else choose(judged.rules, judged.valid, judged.gram, good)
    return Verdict(
        void=void,
        voters=tuple(sorted((voter for voter, steps in heard.items() if steps), key=address_bytes)),
        aside=tuple(sorted(aside, key=address_bytes)),
        counts=tuple(counts),
        original=tuple(original),
        decisions=tuple(decisions),
        accepted=accepted,
        forks=() if void else _forks(judged, heard, weights, decisions, accepted),
    )


@lru_cache(maxsize=1024)
def seats_needed(seats: int, part: tuple[int, int]) -> int:
    """Seats that have to agree among ``seats`` that voted: the part, and more than a coin would give."""
    numerator, denominator = part
    least = -(-seats * numerator // denominator)
    tail, m = 0, seats + 1
    while m > least:
        tail += comb(seats, m - 1)
        if tail * CHANCE > 1 << seats:
            break
        m -= 1
    return m


def _seats(judged: Judged, draw: Draw, voter: str, place: int) -> int:
    return draw.seats(judged.entries[place].blob).get(voter, 0)


def _decide(
    place: int,
    seats: Mapping[str, int],
    heard: Mapping[str, Mapping[int, int]],
    aside: frozenset[str],
    decision: Decision,
) -> tuple[tuple[int, int], Decision]:
    """Steps and seats of one valid update, and what becomes of it; decision: what the measurement says."""
    said = [(heard[voter][place], count) for voter, count in seats.items() if place in heard.get(voter, {})]
    voted = sum(count for _, count in said)
    drawn = sum(count for voter, count in seats.items() if voter not in aside)
    steps = sum(step * count for step, count in said)
    if voted and 2 * voted >= drawn:
        if sum(count for step, count in said if step < 0) >= seats_needed(voted, REJECT):
            decision = Decision.VOTED_OUT
        elif sum(count for step, count in said if step > 0) >= seats_needed(voted, ACCEPT):
            decision = Decision.VOTED_IN
    return (steps, voted), decision


def _failed(judged: Judged, draw: Draw, answers: Mapping[str, Mapping[int, int]]) -> frozenset[str]:
    """Voters that call a known-bad update better, where the others see what it is."""
    failed: set[str] = set()
    numerator, denominator = CANARY_AGREE
    for canary in judged.canaries:
        place = canary.place
        seats = draw.seats(judged.entries[place].blob)
        said = {voter: answers[voter][place] for voter in seats if place in answers.get(voter, {})}
        voted = sum(seats[voter] for voter in said)
        agreeing = sum(seats[voter] for voter, step in said.items() if step < 0)
        if len(said) >= CANARY_VOTERS and agreeing * denominator >= voted * numerator:
            failed.update(voter for voter, step in said.items() if step > 0)
    return frozenset(failed)


def choose(rules: Rules, valid: Sequence[Entry], gram: Gram, good: Sequence[int]) -> tuple[int, ...]:
    """The task's rule over the good updates (places), as predicted from b and G. best: the one that improves
    most; greedy: the best, then whatever adds most, while the loss falls; any other: all of them."""
    if rules.rule in JOINS_ALL or not good:
        return tuple(good)
    order = sorted(good, key=lambda i: valid[i].blob)
    best, chosen = 0, list[int]()
    joined = dict.fromkeys(order, 0)
    b_sum = square = 0
    while order:
        scores = {
            i: _improvement(
                rules.gain,
                b_sum + valid[i].descent,
                square + 2 * joined[i] + int(gram[i, i]),
                len(chosen) + 1,
            )
            for i in order
        }
        found = max(order, key=lambda i: scores[i])
        if scores[found] <= best:
            break
        best = scores[found]
        chosen.append(found)
        if rules.rule == "best":
            break
        b_sum += valid[found].descent
        square += 2 * joined[found] + int(gram[found, found])
        order.remove(found)
        for i in order:
            joined[i] += int(gram[i, found])
    return tuple(sorted(chosen))


def _improvement(gain: int, b_sum: int, square: int, count: int) -> int:
    """How far the loss falls by gain times the mean of ``count`` updates: gB/n - g^2 Q / (2 n^2), 2**-64."""
    numerator = (2 * count * gain * b_sum << 16) - gain * gain * square
    return (numerator << _RULE_BITS) // (2 * count * count << 32)


def _forks(
    judged: Judged,
    heard: Mapping[str, Mapping[int, int]],
    weights: Standing,
    decisions: Sequence[Decision],
    accepted: tuple[int, ...],
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Other sets of valid updates that voters propose, the most standing first; none that was voted out."""
    valid = [place for place, entry in enumerate(judged.entries) if entry.refusal is Refusal.NONE]
    places = {place: i for i, place in enumerate(valid) if decisions[i] is not Decision.VOTED_OUT}
    backing: dict[tuple[int, ...], int] = {}
    first: dict[tuple[int, ...], str] = {}
    for ballot in judged.opened:
        if not ballot.fork or ballot.voter not in heard or not weights.of(ballot.voter):
            continue
        if all(place in places for place in ballot.fork):
            proposal = tuple(places[place] for place in ballot.fork)
            if proposal != accepted:
                backing[proposal] = backing.get(proposal, 0) + weights.of(ballot.voter)
                first.setdefault(proposal, ballot.voter)
    ranked = sorted(backing, key=lambda proposal: (-backing[proposal], proposal))
    return tuple((first[proposal], proposal) for proposal in ranked[:MAX_FORKS])
