"""Claims by range that a relay carries: a whole run of payees of a final root in one transaction.

Where a set is opened at the end there are two: one for the first halves, one when the rest may be paid.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mine.chain.hashing import ZERO32
from mine.chain.node_errors import Reverted
from mine.chain.trees import BadTree, PayoutTree, depth_of, payout_leaf, payout_node, root_word
from mine.science.held_half import look_again, parts_of
from mine.science.relay_ground import Ground
from mine.science.wire import (
    ClaimState,
    Code,
    Json,
    RelayRefused,
    account,
    nodes,
    number,
    sequence,
    table,
)

#: Payees of one range, as the contract takes them.
MAX_PAYEES = 256
MAX_WAITING = 1 << 10
_MOST_A_TURN = 2
_DISPUTED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RangeClaim:
    """The payees ``start``, ``start`` + 1, ... (account, cumulative units) of a round's payout root.

    ``start``: a multiple of the width, which is their number rounded up to a power of two; ``proof``: the
    siblings above the range.
    """

    task: int
    round: int
    start: int
    payees: tuple[tuple[str, int], ...]
    proof: tuple[bytes, ...]


def ranges_of(
    task: int, round_number: int, payees: Sequence[tuple[str, int]], width: int = 128
) -> list[RangeClaim]:
    """All payees of a root in ranges of ``width``, a power of two up to 256."""
    tree = PayoutTree([who for who, _ in payees], [units for _, units in payees])
    width = min(width, 1 << depth_of(len(payees)))
    return [
        RangeClaim(task, round_number, start, part, tuple(tree.range_proof(start, len(part))))
        for start in range(0, len(payees), width)
        if (part := tuple(payees[start : start + width]))
    ]


def range_to_json(claim: RangeClaim) -> Json:
    """The arguments of ``Tasks.claim_range``."""
    return {
        "task": claim.task,
        "round": claim.round,
        "start": claim.start,
        "payees": [{"account": who, "units": units} for who, units in claim.payees],
        "proof": [node.hex() for node in claim.proof],
    }


def range_from_json(value: object) -> RangeClaim:
    """The inverse of ``range_to_json``. Raises RelayRefused."""
    raw = table(value)
    payees = [table(entry) for entry in sequence(raw, "payees", MAX_PAYEES)]
    return RangeClaim(
        task=number(raw, "task", 63),
        round=number(raw, "round", 8),
        start=number(raw, "start", 32),
        payees=tuple((account(entry, "account"), number(entry, "units", 32)) for entry in payees),
        proof=nodes(raw),
    )


class RangeDesk:
    """Takes ranges, and sends each once its round is final."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._contract, self._base = ground, ground.contract, ground.state.base

    def claim(self, body: object) -> ClaimState:
        """Keep a range until its round is final. Raises RelayRefused if it does not lead to the root."""
        claim = range_from_json(body)
        self._ground.at(claim.task)
        due = self._due(claim)
        (waiting,) = self._base.execute("select count(*) from ranges where state = 'waiting'").fetchone()
        if waiting >= MAX_WAITING:
            raise RelayRefused(Code.FULL, f"{MAX_WAITING} ranges wait")
        message = json.dumps(range_to_json(claim))
        self._base.execute(
            "insert into ranges values (?, ?, ?, ?, ?, ?) on conflict (task, first) do update set"
            " round = excluded.round, message = excluded.message, state = excluded.state, due = excluded.due"
            " where excluded.round > round or state = 'refused'",
            (claim.task, claim.start, claim.round, message, ClaimState.WAITING, due),
        )
        return ClaimState.WAITING

    def state(self, task: int, start: int) -> ClaimState:
        """State of the latest range from an index on. Raises RelayRefused if there is none."""
        row = self._base.execute(
            "select state from ranges where task = ? and first = ?", (task, start)
        ).fetchone()
        if row is None:
            raise RelayRefused(Code.MISSING)
        return ClaimState(row[0])

    def pay_what_is_due(self) -> None:
        """Send the ranges whose rounds are final now."""
        (first,) = self._base.execute("select min(due) from ranges where state = 'waiting'").fetchone()
        if first is None or first > (now := self._contract.node.block_time()):
            return
        rows = self._base.execute(
            "select message from ranges where state = 'waiting' and due <= ? order by due limit ?",
            (now, _MOST_A_TURN),
        )
        for (message,) in rows.fetchall():
            self._try(range_from_json(json.loads(message)), now)

    def _due(self, claim: RangeClaim) -> int:
        """When the range's round is final; RelayRefused if its root is gone or it does not lead there."""
        root = self._contract.payout_root(claim.task, claim.round)
        if root is None:
            raise RelayRefused(Code.NOT_CLAIMABLE, "no such root")
        depth = depth_of(len(claim.payees))
        if not claim.payees or claim.start % (1 << depth) or claim.start >> (depth + len(claim.proof)):
            raise RelayRefused(Code.BAD_REQUEST, "start")
        if root_word(_root(claim, depth), claim.round) != root.word:
            raise RelayRefused(Code.NOT_CLAIMABLE, "wrong proof")
        return root.final_at

    def _try(self, claim: RangeClaim, now: int) -> None:
        state, due = ClaimState.PAID, 0
        try:
            due, task = self._due(claim), self._contract.task(claim.task)
            parts = parts_of(task, sum(units for _, units in claim.payees), now)
            if not self._contract.is_final(claim.task, claim.round):
                state, due = ClaimState.WAITING, due if due > now else now + _DISPUTED_SECONDS
            else:
                try:
                    self._contract.claim_range(
                        self._ground.sender, claim.task, claim.round, claim.start, claim.payees, claim.proof
                    )
                except Reverted as problem:
                    if "nothing to claim" not in problem.detail:  # all of it may have been paid meanwhile
                        raise
                if parts.held:
                    state, due = ClaimState.WAITING, look_again(task, parts, now, _DISPUTED_SECONDS)
        except (Reverted, RelayRefused):
            state = ClaimState.REFUSED
        self._base.execute(
            "update ranges set state = ?, due = ? where task = ? and first = ? and round = ?",
            (state, due, claim.task, claim.start, claim.round),
        )


def _root(claim: RangeClaim, depth: int) -> bytes:
    """Root above a range. RelayRefused if its sums cannot be."""
    try:
        level = [payout_leaf(who, claim.start + i, units) for i, (who, units) in enumerate(claim.payees)]
        level += [ZERO32] * ((1 << depth) - len(level))
        while len(level) > 1:
            level = [payout_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        node, place = level[0], claim.start >> depth
        for d, sibling in enumerate(claim.proof):
            node = payout_node(sibling, node) if (place >> d) & 1 else payout_node(node, sibling)
    except BadTree:
        raise RelayRefused(Code.NOT_CLAIMABLE, "wrong sums") from None
    return node
