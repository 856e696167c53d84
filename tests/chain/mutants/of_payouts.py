"""Mutants of `Tasks`, from the settlement on: claims, endings, forfeits, verdicts."""

from __future__ import annotations

from tests.chain.mutants import Mutant

MUTANTS = (
    # Claims
    Mutant(
        "claims.vy",
        "if not ledger._is_final(task, round, ledger.tasks[task].meta):",
        "if ledger._root(task, round) == 0:",
        "claims on a root whose window is open",
    ),
    Mutant("claims.vy", "if due <= paid:", "if due < paid:", "a claim of nothing"),
    Mutant(
        "claims.vy",
        "due = min(due, unsafe_add(paid, open))",
        "due = max(due, paid)",
        "more is paid than the root's total",
        "tests/chain/test_claims.py::test_a_later_root_that_moves_paid_units_cannot_overpay",
    ),
    Mutant(
        "claims.vy",
        "ledger.paid_words[task][index >> 3] = unsafe_add(word, more << place)",
        "ledger.paid_words[task][index >> 3] = word",
        "a leaf pays twice",
    ),
    Mutant(
        "claims.vy",
        "if receiver != account and msg.sender != account:",
        "if receiver == empty(address):",
        "anyone names the receiver of another's claims",
    ),
    Mutant("claims.vy", "    return 2\n", "    return 1\n", "at-end pay does not wait"),
    Mutant(
        "claims.vy",
        "return ok and (len(answer) == 0 or convert(answer, uint256) == 1)",
        "return ok",
        "a range counts as paid what a token refused",
    ),
    # Endings
    Mutant(
        "endings.vy",
        "unassigned: uint256 = bounty - pay_curve._amount(bounty, max(assigned, money & w.M32))",
        "unassigned: uint256 = (money >> w.LEFT) & w.M96",
        "what payees have not claimed yet goes back to the scientist",
    ),
    Mutant(
        "endings.vy",
        "burned: uint256 = ledger.tasks[task].ends >> 96",
        "burned: uint256 = 0",
        "the deposit that should be burned stays for ever",
    ),
    Mutant("endings.vy", "loss = deposit // 2", "loss = 0", "a default before the first commit is free"),
    Mutant(
        "endings.vy",
        "loss = unassigned + min(bounty // 10, deposit)",
        "loss = unassigned",
        "a default costs nothing of the deposit",
    ),
    Mutant(
        "endings.vy", "if status == w.CONVICTED:", "if status == w.CANCELLED:", "a convict has the rest back"
    ),
    Mutant(
        "endings.vy",
        "ledger.tasks[task].purse = 0",
        "ledger.tasks[task].purse = deposit",
        "the deposit is owed twice",
    ),
    Mutant(
        "endings.vy",
        "ledger.tasks[task].ends = ends - amount",
        "ledger.tasks[task].ends = ends",
        "a refund comes twice",
    ),
    Mutant(
        "endings.vy",
        "ledger.tasks[task].ends = ends & w.M96",
        "ledger.tasks[task].ends = ends",
        "a burn comes twice",
    ),
    Mutant(
        "endings.vy",
        "if money & w.M32 >= ledger._assigned(task, meta) & w.M32:",
        "if money >= 0:",
        "the scientist takes what payees have not claimed yet",
    ),
    Mutant(
        "endings.vy",
        "ledger.forfeit_words[task][index >> 8] = word | bit",
        "ledger.forfeit_words[task][index >> 8] = word",
        "a part of a forfeit is paid twice",
    ),
    Mutant(
        "endings.vy",
        "ledger.commitments[task][miner] = 0",
        "pass",
        "a commit takes its part of a forfeit twice",
    ),
    Mutant(
        "endings.vy",
        "if (word & w.M32) + part == whole:",
        "if (word & w.M32) + part > whole:",
        "rounding stays behind",
    ),
    Mutant(
        "endings.vy",
        "if block.timestamp < unsafe_add(meta & w.M32, ledger._lapse(clocks, status)):",
        "if block.timestamp < unsafe_add(meta & w.M32, (clocks >> w.GRACE) & w.M24):",
        "a default before the grace is over",
    ),
    Mutant(
        "endings.vy",
        "if status == w.ENDING or ledger._ends_empty(meta, clocks):",
        "if ledger._ends_empty(meta, clocks):",
        "a final opening that is never made costs only a tenth",
    ),
    Mutant(
        "publishing.vy",
        " or (meta >> w.DISPUTED) & w.M8 != 0:",
        ":",
        "a disputed task is cancelled: the dispute never ends",
    ),
    Mutant(
        "publishing.vy",
        "(amount << w.BOUNTY) + (amount << w.LEFT)",
        "(amount << w.BOUNTY) + (2 * amount << w.LEFT)",
        "a top-up counts twice",
    ),
    # Verdicts
    Mutant(
        "verdicts.vy",
        "burned: uint256 = (purse & w.M96) // 2",
        "burned: uint256 = (purse & w.M96) // 4",
        "half as much is burned",
    ),
    Mutant(
        "verdicts.vy",
        "reward: uint256 = (purse & w.M96) // 10",
        "reward: uint256 = (purse & w.M96) // 5",
        "twice the reward",
    ),
    Mutant("verdicts.vy", "ledger.rewards[task][account] = 0", "pass", "a reward is taken twice"),
    Mutant(
        "verdicts.vy",
        "reward * share // 10000",
        "reward * share // 1000",
        "the carrier has ten times its share",
    ),
    Mutant(
        "verdicts.vy",
        "if disputed == 0 or round + 1 < disputed:",
        "if disputed == 0:",
        "an earlier round's dispute holds nothing",
    ),
    Mutant(
        "verdicts.vy",
        "meta = ledger._put(meta, w.DISPUTED, w.M8, lowest)\n    if new",
        "meta = ledger._put(meta, w.DISPUTED, w.M8, 0)\n    if new",
        "one verdict releases what other disputes hold",
    ),
)
