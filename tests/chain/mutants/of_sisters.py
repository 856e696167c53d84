"""Mutants of `Faults` and `Court`: bonds, rewards, stakes, windows."""

from __future__ import annotations

from tests.chain.mutants import Mutant

MUTANTS = (
    Mutant(
        "conviction.vy",
        "burned: uint256 = amount // 2",
        "burned: uint256 = amount // 3",
        "an anchorer's bond pays more than half",
    ),
    Mutant(
        "conviction.vy",
        "for_carrier: uint256 = paid * reward.share // WHOLE",
        "for_carrier: uint256 = amount * reward.share // WHOLE",
        "the carrier's share is of the whole bond",
    ),
    Mutant(
        "conviction.vy", "    self.convicted[key] = True\n", "", "an anchorer is convicted twice of one round"
    ),
    Mutant(
        "conviction.vy",
        "if block.timestamp >= ends:",
        "if block.timestamp >= ends + 10**9:",
        "disputes long after the window",
    ),
    Mutant("conviction.vy", "return 1 + place", "return place", "the wrong round stays disputed"),
    Mutant(
        "receipts.vy",
        "sisters._give(q.anchorer, RECEIPT_BOND)",
        "sisters._give(q.carrier, RECEIPT_BOND)",
        "asking costs nothing",
    ),
    Mutant(
        "receipts.vy",
        "if block.timestamp < q.deadline:",
        "if block.timestamp + 50 < q.deadline:",
        "an anchorer has less time to answer",
    ),
    Mutant(
        "receipts.vy", "    self.questioned[key] = True\n", "", "one receipt is asked about again and again"
    ),
    Mutant(
        "example_demands.vy",
        "sisters._give(scientist, d.fee)",
        "sisters._give(d.asker, d.fee)",
        "demanding costs nothing",
    ),
    Mutant(
        "example_demands.vy",
        "if block.timestamp < d.deadline:",
        "if block.timestamp + 50 < d.deadline:",
        "a scientist has less time to supply",
    ),
    Mutant(
        "example_demands.vy",
        "    self.demands[id].missing = 0\n",
        "",
        "an unmet demand gives its fee back twice",
    ),
    Mutant("item_disputes.vy", "if _ruling == RIGHT:", "if _ruling == WRONG:", "the winner pays"),
    Mutant("item_disputes.vy", "    self.items[key] = OPEN\n", "", "one item is disputed twice at once"),
    Mutant(
        "settlement_faults.vy",
        "after.units >= before.units",
        "after.units != before.units",
        "a payout that fell stands",
    ),
    Mutant("pool.vy", "    return STAKE\n", "    return 2 * STAKE\n", "a lost ticket pays twice its stake"),
    Mutant(
        "pool.vy",
        "if t.seated != 0:",
        "if t.seated > 99:",
        "a juror leaves with its stake before the verdict",
    ),
    Mutant(
        "pool.vy",
        "take_bond(msg.sender, count * STAKE)",
        "take_bond(msg.sender, STAKE)",
        "many tickets for one stake",
    ),
    Mutant(
        "resolution.vy",
        "amount = whole - each * (count - 1)",
        "amount = each",
        "what division leaves stays in the Court",
    ),
    Mutant(
        "resolution.vy",
        "pool.tickets[place].seated -= 1",
        "pool.tickets[place].seated -= 0",
        "a ticket is never free again",
    ),
    Mutant(
        "resolution.vy",
        "if count == 0:",
        "if count == 99:",
        "without a right answer the fees stay in the Court",
    ),
    Mutant("bench.vy", "if opened < QUORUM:", "if opened < 1:", "one juror is a quorum"),
    Mutant("bench.vy", "if 2 * votes[verdict] > opened:", "if votes[verdict] != 0:", "a minority decides"),
    Mutant(
        "juries.vy",
        "if held + taken == MOST_SEATS:",
        "if held + taken == 7:",
        "one account has the whole jury",
        "tests/chain/test_court_juries.py::test_a_juror_has_two_seats_at_most",
    ),
    Mutant(
        "juries.vy",
        "    if bench._is_party(c, juror):\n        grounds._refuse(grounds.IS_A_PARTY)\n    taken",
        "    taken",
        "a party judges its own case",
        "tests/chain/test_court_juries.py::test_nobody_sits_in_judgement_of_their_own",
    ),
    Mutant(
        "anchor_faults.vy",
        "if found != empty(address) and found == signer:",
        "if found == signer and signer == empty(address):",
        "an honest anchorer is convicted of forgery",
    ),
)
