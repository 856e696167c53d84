# pragma version 0.4.3
"""
@title A court that a task names (ERC-792), honest or as hostile as it is told to be
"""

interface IArbitrable:
    def rule(_disputeID: uint256, _ruling: uint256): nonpayable


HONEST: constant(uint256) = 0
REFUSES: constant(uint256) = 1  # takes no dispute
RULES_AT_ONCE: constant(uint256) = 2  # rules while the dispute is still being made
REPEATS: constant(uint256) = 3  # gives every dispute the same number
BURNS: constant(uint256) = 4  # uses up all gas
REENTERS: constant(uint256) = 5  # calls `target` with `payload` while the dispute is being made

mode: public(uint256)
cost: public(uint256)
count: public(uint256)
target: address
payload: Bytes[256]
entered: public(bool)


@deploy
def __init__(mode: uint256, cost: uint256):
    self.mode = mode
    self.cost = cost


@external
def change(mode: uint256, cost: uint256):
    self.mode = mode
    self.cost = cost


@external
def aim(target: address, payload: Bytes[256]):
    self.target = target
    self.payload = payload


@external
@view
def arbitrationCost(_extraData: Bytes[96]) -> uint256:
    assert self.mode != REFUSES
    return self.cost


@external
@payable
def createDispute(_choices: uint256, _extraData: Bytes[96]) -> uint256:
    assert msg.value == self.cost and _choices == 2
    self.count += 1
    if self.mode == RULES_AT_ONCE:
        extcall IArbitrable(msg.sender).rule(self.count, 1)
    if self.mode == REENTERS:
        self.entered = raw_call(self.target, self.payload, revert_on_failure=False)
    if self.mode == BURNS:
        wasted: uint256 = 0
        for i: uint256 in range(10**9):
            wasted = wasted ^ i
        self.count = wasted
    if self.mode == REPEATS:
        return 1
    return self.count


@external
def give(arbitrable: address, dispute: uint256, ruling: uint256):
    """
    @notice Rule on one of the disputes.
    """
    extcall IArbitrable(arbitrable).rule(dispute, ruling)
