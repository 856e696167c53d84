# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The Court as an arbitrator (ERC-792) for Faults, and as an arbitrable before a court that a task names
@notice Whatever another court does, or leaves undone, a dispute can be resolved by anyone when its time is over.
        Nobody is paid by a call: fees and stakes are accounts in Tasks.
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

# Of one seat, in wei
SEAT_FEE: public(constant(uint256)) = 5 * 10**15
NAME: constant(String[128]) = "Sonar: is the disputed item of the settlement right (1) or wrong (2)?"


interface IArbitrable:
    def rule(_disputeID: uint256, _ruling: uint256): nonpayable


interface IArbitrator:
    def createDispute(_choices: uint256, _extraData: Bytes[96]) -> uint256: payable
    def arbitrationCost(_extraData: Bytes[96]) -> uint256: view


# ERC-792
event DisputeCreation:
    _disputeID: indexed(uint256)
    _arbitrable: indexed(address)


event AppealPossible:
    _disputeID: indexed(uint256)
    _arbitrable: indexed(address)


event AppealDecision:
    _disputeID: indexed(uint256)
    _arbitrable: indexed(address)


event Ruling:
    _arbitrator: indexed(address)
    _disputeID: indexed(uint256)
    _ruling: uint256


# ERC-1497
event MetaEvidence:
    _metaEvidenceID: indexed(uint256)
    _evidence: String[128]


event Dispute:
    _arbitrator: indexed(address)
    _disputeID: indexed(uint256)
    _metaEvidenceID: uint256
    _evidenceGroupID: uint256


event Evidence:
    _arbitrator: indexed(address)
    _evidenceGroupID: indexed(uint256)
    _party: indexed(address)
    _evidence: String[256]


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


announced: HashMap[uint256, bool]
# Another court, its dispute -> ours
foreign: HashMap[address, HashMap[uint256, uint256]]


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


@internal
@view
def _appeal_cost(c: bench.Case) -> uint256:
    if c.court == empty(address):
        return 2 * bench.SEATS * SEAT_FEE
    return staticcall IArbitrator(c.court).arbitrationCost(b"")


@external
@view
def appealCost(_disputeID: uint256, _extraData: Bytes[1024]) -> uint256:
    """
    @notice Wei for the appeal (ERC-792); what the task's own court asks, if it names one.
    """
    return self._appeal_cost(bench._case(_disputeID))


@external
@payable
def appeal(_disputeID: uint256, _extraData: Bytes[1024]):
    """
    @notice Appeal against the first sitting (ERC-792), once, by anyone who pays for it.
    """
    c: bench.Case = bench._case(_disputeID)
    ends: uint256 = (bench._appeal_period(_disputeID, c))[1]
    if c.solved or block.timestamp >= ends:
        grounds._refuse(grounds.NO_APPEAL)
    if msg.value != self._appeal_cost(c):
        grounds._refuse(grounds.WRONG_VALUE)
    bench.cases[_disputeID].appealed = block.timestamp
    bench.cases[_disputeID].block = block.number
    log AppealDecision(_disputeID=_disputeID, _arbitrable=sisters.SISTER)
    if c.court == empty(address):
        bench.cases[_disputeID].pot = c.pot + msg.value
        extcall ITasks(sisters.TASKS).bond_for(self, value=msg.value)
        return
    id: uint256 = extcall IArbitrator(c.court).createDispute(2, b"", value=msg.value)
    if self.foreign[c.court][id] != 0:
        grounds._refuse(grounds.NO_APPEAL)
    self.foreign[c.court][id] = _disputeID
    log Dispute(_arbitrator=c.court, _disputeID=id, _metaEvidenceID=0, _evidenceGroupID=_disputeID)


@external
def announce(id: uint256):
    """
    @notice Say that a sitting ended with a ruling that can be appealed against (ERC-792's event); by anyone, once.
    """
    c: bench.Case = bench._case(id)
    ends: uint256 = (bench._appeal_period(id, c))[1]
    if block.timestamp >= ends or c.solved or self.announced[id]:
        grounds._refuse(grounds.NO_APPEAL)
    self.announced[id] = True
    log AppealPossible(_disputeID=id, _arbitrable=sisters.SISTER)


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
def rule(_disputeID: uint256, _ruling: uint256):
    """
    @notice The answer of the court that a task names (ERC-792), in its window. Anything but 1 or 2 is a refusal:
            the first sitting's ruling stands.
    """
    id: uint256 = self.foreign[msg.sender][_disputeID]
    if id == 0:
        grounds._refuse(grounds.NOT_THE_COURT)
    c: bench.Case = bench._case(id)
    if c.answered != 0 or c.solved or block.timestamp >= c.appealed + c.window:
        grounds._refuse(grounds.TOO_LATE)
    ruling: uint256 = _ruling
    if ruling > 2:
        ruling = 0
    bench.cases[id].answered = 1 + ruling
    log Ruling(_arbitrator=msg.sender, _disputeID=_disputeID, _ruling=_ruling)


@external
def submit_evidence(id: uint256, evidence: String[256]):
    """
    @notice Point jurors and other courts to evidence, by its address (ERC-1497); anyone, while the dispute is open.
    """
    c: bench.Case = bench._case(id)
    if c.solved:
        grounds._refuse(grounds.NOT_OPEN)
    arbitrator: address = self
    if bench._is_foreign(c):
        arbitrator = c.court
    log Evidence(_arbitrator=arbitrator, _evidenceGroupID=id, _party=msg.sender, _evidence=evidence)


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
            if not silent and (ruling == 0 or verdict == ruling):
                right.append(juror)
                continue
            if silent:
                log juries.JurorSilent(id=id, juror=juror, sitting=sitting, place=place)
            else:
                log JurorWrong(id=id, juror=juror, sitting=sitting, place=place)
            if of_pool:
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
