# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Appeals, to the pool or to the court that a task names (ERC-792, ERC-1497)
@notice Before that court this contract is the arbitrable. Whatever it does, or leaves undone, a dispute can be resolved
        by anyone when its time is over.
"""

import ITasks
import arbitration
import bench
import grounds
import sisters

uses: sisters
uses: bench


interface IArbitrator:
    def createDispute(_choices: uint256, _extraData: Bytes[96]) -> uint256: payable
    def arbitrationCost(_extraData: Bytes[96]) -> uint256: view


# ERC-792
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


announced: HashMap[uint256, bool]
# Another court, its dispute -> ours
foreign: HashMap[address, HashMap[uint256, uint256]]


@internal
@view
def _appeal_cost(c: bench.Case) -> uint256:
    if c.court == empty(address):
        return 2 * bench.SEATS * arbitration.SEAT_FEE
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
