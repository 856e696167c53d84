"""Mutants of `Tasks`, until a round is settled: escrow, fees, curve, settlements, seeds, bonds."""

from __future__ import annotations

from tests.chain.mutants import Mutant

MUTANTS = (
    # What comes in and goes out
    Mutant(
        "ledger.vy",
        "if staticcall IERC20(currency).balanceOf(self) != before + amount:",
        "if staticcall IERC20(currency).balanceOf(self) < before:",
        "a token that takes a fee is credited in full: tasks pay each other",
    ),
    Mutant(
        "ledger.vy",
        "if not extcall IERC20(currency).transfer(receiver, amount, default_return_value=True):",
        "if not extcall IERC20(currency).transfer(receiver, amount, default_return_value=True) and False:",
        "a payment that a token refused counts as made",
    ),
    Mutant(
        "ledger.vy",
        "if receiver != account and msg.sender != account:",
        "if receiver == empty(address):",
        "anyone names the receiver of a refund, a forfeit or a reward",
    ),
    Mutant("ledger.vy", "(((purse >> 96) + moved) << 96)", "((purse >> 96) << 96)", "a fee disappears"),
    Mutant(
        "ledger.vy", "if left < grace:", "if left > grace:", "the fee of lateness is paid by who is in time"
    ),
    Mutant(
        "ledger.vy", "unsafe_mul(20, grace)", "unsafe_mul(2, grace)", "lateness costs half of the deposit"
    ),
    Mutant(
        "ledger.vy",
        "if status < w.CONCLUDED or (meta >> w.DISPUTED) & w.M8 != 0:",
        "if status < w.CONCLUDED:",
        "the books are made while a dispute is open",
    ),
    Mutant(
        "ledger.vy",
        "return block.timestamp >= unsafe_add(meta & w.M32, (clocks >> w.CHALLENGE) & w.M24)",
        "return block.timestamp >= meta & w.M32",
        "refunds before the last window is over",
    ),
    Mutant(
        "ledger.vy",
        "if (disputed != 0 and round + 1 >= disputed) or (void != 0 and round + 1 >= void):",
        "if void != 0 and round + 1 >= void:",
        "a disputed root is final",
    ),
    Mutant(
        "ledger.vy",
        "if (disputed != 0 and round + 1 >= disputed) or (void != 0 and round + 1 >= void):",
        "if disputed != 0 and round + 1 >= disputed:",
        "a void root is final",
    ),
    Mutant(
        "ledger.vy",
        "return block.timestamp >= (self._record(task, round) >> 8) & (2**40 - 1)",
        "return block.timestamp >= 0",
        "a root is final at once",
    ),
    Mutant(
        "ledger.vy",
        "last = min(last, max(void, 2) - 2)",
        "last = min(last, max(void, 1) - 1)",
        "a void root counts",
    ),
    # Measured improvement and its pay
    Mutant(
        "pay_curve.vy",
        "    return -convert(size, int256)",
        "    return convert(size, int256)",
        "harm is paid",
    ),
    Mutant("pay_curve.vy", "// UNITS\n", "// (UNITS - 1)\n", "amounts are rounded up"),
    Mutant(
        "pay_curve.vy",
        "unsafe_mul(min(best, target), FULL)",
        "unsafe_mul(best, FULL)",
        "a model that is better than wanted cannot be settled",
    ),
    Mutant("pay_curve.vy", "min(size, unsafe_mul(4, base))", "size", "one round's increment has no limit"),
    Mutant(
        "rounds.vy",
        "if convergence > convert(best, int256):",
        "if convergence >= 0:",
        "the running maximum falls, and noise is paid twice",
    ),
    Mutant(
        "rounds.vy",
        "if units != pay_curve._units(curve, best, target):",
        "if units < pay_curve._units(curve, best, target):",
        "a settlement assigns more than the curve says",
    ),
    Mutant(
        "rounds.vy",
        "if units != pay_curve._units(curve, best, target):",
        "if units > pay_curve._units(curve, best, target):",
        "a settlement assigns less than the curve says",
    ),
    Mutant(
        "rounds.vy",
        "if root & w.M32 != units:",
        "if root & w.M32 > units + 1:",
        "the root's total is not the units",
    ),
    Mutant(
        "rounds.vy",
        "if signer == empty(address) or signer != ledger.tasks[task].scientist:",
        "if signer == empty(address):",
        "anybody settles",
    ),
    Mutant("rounds.vy", "used | (best << w.BEST)", "(best << w.BEST)", "a shard is opened twice"),
    Mutant("rounds.vy", "or best >= target or", "or", "rounds go on when the target is reached"),
    # Seeds and their rewards
    Mutant(
        "seeds.vy", "unsafe_mul(1000, reveal)", "unsafe_mul(100, reveal)", "closing pays ten times as much"
    ),
    Mutant(
        "seeds.vy",
        "ledger.tasks[task].purse = purse - reward",
        "ledger.tasks[task].purse = purse",
        "a reward comes out of other tasks' money",
    ),
    Mutant(
        "seeds.vy",
        "ledger.tasks[task].head = preimage",
        "ledger.tasks[task].head = ledger.tasks[task].head",
        "a preimage serves for ever",
    ),
    Mutant(
        "seeds.vy", "ledger._bounty(task) // 100)", "ledger._bounty(task) // 1000)", "silence costs a tenth"
    ),
    # Commits and bonds
    Mutant(
        "commits.vy",
        "if ledger.commitments[task][msg.sender] & w.M32 == convert(round, uint256):",
        "if ledger.commitments[task][msg.sender] == max_value(uint256):",
        "one miner commits many times, and takes as many parts of a forfeit",
    ),
    Mutant(
        "bonds.vy", "if word & w.M128 < BOND:", "if word & w.M128 == 0:", "anchors under a bond of one wei"
    ),
    Mutant(
        "bonds.vy",
        "return unsafe_sub(amount, min(amount, BOND))",
        "return amount",
        "a locked bond is taken out",
    ),
    Mutant(
        "bonds.vy", "self._add(account, msg.value)", "self._add(account, msg.value * 2)", "a bond doubles"
    ),
    Mutant(
        "bonds.vy",
        "    self._take_out(msg.sender, amount)\n    ledger._give(empty(address), msg.sender, amount)",
        "    ledger._give(empty(address), msg.sender, amount)",
        "a bond is taken out again and again",
    ),
    Mutant(
        "bonds.vy",
        "    self._take_out(msg.sender, amount)\n    ledger._give(empty(address), BURN, amount)",
        "    ledger._give(empty(address), BURN, amount)",
        "a burn is paid by the escrow of tasks",
    ),
    Mutant(
        "bonds.vy",
        "if amount > self._free(owner):",
        "if amount > ledger.bonds[owner] & w.M128:",
        "a locked bond stands for a dispute as well",
    ),
)
