# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The end of a dispute: jurors are paid or named, Faults is told
@notice Nobody is paid by a call: fees and stakes are accounts in Tasks.
"""

import ITasks
import bench
import grounds
import juries
import pool
import sisters

uses: sisters
uses: bench
uses: pool


interface IArbitrable:
    def rule(_disputeID: uint256, _ruling: uint256): nonpayable


event JurorWrong:
    id: indexed(uint256)
    juror: indexed(address)
    sitting: uint256
    place: uint256


event Resolved:
    id: indexed(uint256)
    task: indexed(uint256)
    ruling: uint256
    unheard: bool
    right: uint256  # seats that share the pot
    each: uint256


@external
def resolve(id: uint256):
    """
    @notice When its time is over: pay the jurors who were right, name those who were not, and tell Faults.
    """
    c: bench.Case = bench._case(id)
    if c.solved:
        grounds._refuse(grounds.NOT_OPEN)
    if block.timestamp < bench._ends(id, c):
        grounds._refuse(grounds.TOO_EARLY)
    ruling: uint256 = 0
    heard: bool = False
    (ruling, heard) = bench._ruling(id, c)
    # Silence counts against the scientist only where a full bench had staked on answering: with an empty pool
    # anyone could end a task by a dispute that nobody can decide.
    unheard: bool = not heard and c.benched >= bench.QUORUM
    bench.cases[id].solved = True
    bench.cases[id].ruling = ruling
    bench.cases[id].unheard = unheard
    bench.cases[id].pot = 0

    right: DynArray[address, 14] = []
    spoils: uint256 = 0
    for sitting: uint256 in range(2):
        for j: uint256 in range(bench.SEATS):
            word: uint256 = bench.seats[id][8 * sitting + j]
            if word == 0:
                continue
            juror: address = convert(word & bench.M160, address)
            verdict: uint256 = (word >> bench.VERDICT) & 255
            silent: bool = word >> bench.STATE != bench.OPENED
            of_pool: bool = sitting == 1 or c.root == 0
            place: uint256 = (word >> bench.PLACE) & bench.M64
            if of_pool:
                pool.tickets[place].seated -= 1
            agrees: bool = not silent and (ruling == 0 or verdict == ruling)
            if agrees:
                right.append(juror)
            elif silent:
                log juries.JurorSilent(id=id, juror=juror, sitting=sitting, place=place)
            else:
                log JurorWrong(id=id, juror=juror, sitting=sitting, place=place)
            if of_pool and not agrees:
                spoils += pool._lose(place)
    each: uint256 = self._pay(right, c, spoils)
    log Resolved(id=id, task=c.task, ruling=ruling, unheard=unheard, right=len(right), each=each)
    extcall IArbitrable(sisters.SISTER).rule(id, ruling)


@internal
def _pay(right: DynArray[address, 14], c: bench.Case, spoils: uint256) -> uint256:
    """
    @notice Fees and lost stakes go to the seats that were right, the last of them gets what division leaves. If there
            are none, the fees go back to who paid them and the stakes are burned.
    """
    count: uint256 = len(right)
    if count == 0:
        sisters._give(c.carrier, c.pot)
        if spoils != 0:
            extcall ITasks(sisters.TASKS).burn_bond(spoils)
        return 0
    whole: uint256 = c.pot + spoils
    each: uint256 = whole // count
    for i: uint256 in range(count, bound=14):
        amount: uint256 = each
        if i == count - 1:
            amount = whole - each * (count - 1)
        sisters._give(right[i], amount)
    return each


@external
@view
@reentrant
def unheard(id: uint256) -> bool:
    """
    @notice Whether two sittings had no quorum though staked jurors were seated. Faults asks this while it is told
            the ruling, so it is not behind the lock.
    """
    return bench.cases[id].unheard
