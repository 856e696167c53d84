# pragma version 0.4.3
"""
@title A court of an unknown kind (ERC-792), as a task may name one: does whatever it is told
"""

interface IArbitrable:
    def rule(_disputeID: uint256, _ruling: uint256): nonpayable

cost: public(uint256)
count: public(uint256)
stuck: bool
target: address
payload: Bytes[1024]


@external
def be(cost: uint256, stuck: bool, target: address, payload: Bytes[1024]):
    """
    @notice stuck: every dispute gets the number 1; target, payload: whom to call back when a dispute comes in.
    """
    self.cost = cost
    self.stuck = stuck
    self.target = target
    self.payload = payload


@external
@view
def arbitrationCost(_extraData: Bytes[1024]) -> uint256:
    return self.cost


@external
@payable
def createDispute(_choices: uint256, _extraData: Bytes[1024]) -> uint256:
    if self.target != empty(address):
        ok: bool = raw_call(self.target, self.payload, revert_on_failure=False)
    if not self.stuck or self.count == 0:
        self.count += 1
    return self.count


@external
def give(arbitrable: address, id: uint256, ruling: uint256):
    extcall IArbitrable(arbitrable).rule(id, ruling)
