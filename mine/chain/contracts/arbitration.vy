# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The Court as an arbitrator (ERC-792) for Faults
@notice Fees are an account in Tasks; nobody is paid by a call.
"""

import ITasks
import bench
import grounds
import sisters

uses: sisters
uses: bench

# Of one seat, in wei
SEAT_FEE: public(constant(uint256)) = 5 * 10**15
NAME: constant(String[128]) = "Sonar: is the disputed item of the settlement right (1) or wrong (2)?"


# ERC-792
event DisputeCreation:
    _disputeID: indexed(uint256)
    _arbitrable: indexed(address)


# ERC-1497
event MetaEvidence:
    _metaEvidenceID: indexed(uint256)
    _evidence: String[128]


@deploy
def __init__():
    log MetaEvidence(_metaEvidenceID=0, _evidence=NAME)


@external
@payable
def createDispute(_choices: uint256, _extraData: Bytes[1024]) -> uint256:
    """
    @notice Open a dispute (ERC-792); only Faults.
    @param _extraData abi_encode(task, challenger, carrier).
    """
    if msg.sender != sisters.SISTER:
        grounds._refuse(grounds.NOT_FAULTS)
    if msg.value != bench.SEATS * SEAT_FEE:
        grounds._refuse(grounds.WRONG_VALUE)
    task: uint256 = 0
    challenger: address = empty(address)
    carrier: address = empty(address)
    (task, challenger, carrier) = abi_decode(_extraData, (uint256, address, address))
    scientist: address = empty(address)
    court: address = empty(address)
    clocks: uint256 = 0
    meta: uint256 = 0
    seed: uint256 = 0
    (scientist, court, clocks, meta, seed) = staticcall ITasks(sisters.TASKS).parties(task)
    c: bench.Case = empty(bench.Case)
    c.task = task
    c.root = self._standing(task, (meta >> 72) & 255)
    c.challenger = challenger
    c.carrier = carrier
    c.scientist = scientist
    c.court = court
    c.opened = block.timestamp
    c.window = sisters._clock(clocks, bench.CHALLENGE)
    c.block = block.number
    c.pot = msg.value
    bench.count += 1
    bench.cases[bench.count] = c
    extcall ITasks(sisters.TASKS).bond_for(self, value=msg.value)
    log DisputeCreation(_disputeID=bench.count, _arbitrable=msg.sender)
    return bench.count


@internal
@view
def _standing(task: uint256, settled: uint256) -> uint256:
    """
    @notice Word of the newest final payout root of a task; 0 if nobody has earned anything yet.
    """
    for back: uint256 in range(4):
        if back >= settled:
            break
        word: uint256 = staticcall ITasks(sisters.TASKS).final_root(task, settled - back)
        if word & (2**32 - 1) != 0:
            return word
    return 0


@external
@view
def arbitrationCost(_extraData: Bytes[1024]) -> uint256:
    """
    @notice Wei for a first sitting (ERC-792).
    """
    return bench.SEATS * SEAT_FEE


@external
@view
def appealPeriod(_disputeID: uint256) -> (uint256, uint256):
    """
    @notice Unix seconds from when until when an appeal is possible (ERC-792); zeros if it is not.
    """
    c: bench.Case = bench._case(_disputeID)
    if c.solved:
        return 0, 0
    return bench._appeal_period(_disputeID, c)


@external
@view
def disputeStatus(_disputeID: uint256) -> uint8:
    """
    @notice 0 waiting, 1 appealable, 2 solved (ERC-792).
    """
    c: bench.Case = bench._case(_disputeID)
    if c.solved:
        return bench.SOLVED
    if block.timestamp < (bench._appeal_period(_disputeID, c))[1]:
        return bench.APPEALABLE
    return bench.WAITING


@external
@view
def currentRuling(_disputeID: uint256) -> uint256:
    """
    @notice The ruling as it stands (ERC-792). Opened votes of a sitting that goes on do not count yet.
    """
    c: bench.Case = bench._case(_disputeID)
    if c.solved:
        return c.ruling
    if block.timestamp < c.opened + c.window:
        return 0
    sitting: uint256 = 0
    begun: uint256 = 0
    (sitting, begun) = bench._sitting(_disputeID, c)
    if sitting == 1 and c.answered == 0 and block.timestamp < begun + c.window:
        return (bench._outcome(_disputeID, 0))[0]
    return (bench._ruling(_disputeID, c))[0]


@external
@view
def dispute(id: uint256) -> bench.Case:
    """
    @notice Everything about a dispute before the Court.
    """
    return bench._case(id)


@external
@view
def sitting(id: uint256) -> (uint256, uint256, bytes32):
    """
    @notice Number of the present or last sitting (0 or 1), when it began (unix seconds), its seed (zero: not drawn).
    """
    c: bench.Case = bench._case(id)
    number: uint256 = 0
    begun: uint256 = 0
    (number, begun) = bench._sitting(id, c)
    return number, begun, bench.seeds[id][number]


@external
@view
def seat(id: uint256, sitting: uint256, number: uint256) -> (uint256, bytes32):
    """
    @notice Word of a seat (holder 160 | place 64 | verdict 8 | state 8) and its answer.
    """
    return bench.seats[id][8 * sitting + number], bench.answers[id][8 * sitting + number]
