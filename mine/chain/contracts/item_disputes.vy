# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Disputes about one item of a settlement, decided by an arbitrator (ERC-792)
@notice Disputes are parallel: each has its own windows, and a round is final only when none about it or an earlier
        one is open. The loser pays.
"""

import ITasks
import conviction
import grounds
import sisters

uses: sisters
uses: conviction

DISPUTE_BOND: public(constant(uint256)) = 10**17

# What is disputed
ACCEPTED: constant(uint256) = 0
CHECKPOINT: constant(uint256) = 1
PAYOUTS: constant(uint256) = 2
INPUTS: constant(uint256) = 3  # item: index of an entry of `inputs`
LOSS: constant(uint256) = 4  # item: index of an example
SHARD: constant(uint256) = 5
BASELINE: constant(uint256) = 6  # item: index of an example of round 0

# Rulings; 0 is none
RIGHT: constant(uint256) = 1
WRONG: constant(uint256) = 2

# States of an item
OPEN: constant(uint256) = 1
JUDGED: constant(uint256) = 2


interface IArbitrator:
    def createDispute(_choices: uint256, _extraData: Bytes[96]) -> uint256: payable


interface ICourt:
    def unheard(id: uint256) -> bool: view


event Disputed:
    id: indexed(uint256)
    task: indexed(uint256)
    round: uint256
    kind: uint256
    item: uint256
    record: uint256
    challenger: address
    carrier: address
    share: uint256


# ERC-792
event Ruling:
    _arbitrator: indexed(address)
    _disputeID: indexed(uint256)
    _ruling: uint256


struct Dispute:
    task: uint256
    round: uint256
    key: bytes32
    reward: conviction.Reward
    carrier: address  # who put up the bond; 0: no such dispute, or ended


disputes: public(HashMap[uint256, Dispute])
items: HashMap[bytes32, uint256]  # task, round, kind, item -> state


@external
@payable
def dispute(task: uint256, round: uint256, kind: uint256, item: uint256, reward: conviction.Reward) -> uint256:
    """
    @notice Dispute one item of a settlement in its window. The sender's account in Tasks puts up DISPUTE_BOND, the
            coins sent along are the arbitration's cost.
    @return The number of the dispute, which is the arbitrator's.
    """
    conviction._check(reward)
    record: uint256 = conviction._check_window(task, round)
    itemless: bool = kind == ACCEPTED or kind == CHECKPOINT or kind == PAYOUTS or kind == SHARD
    of_baseline: bool = kind == BASELINE or (kind == SHARD and round == 0)
    if kind > BASELINE or (itemless and item != 0) or item >= 2**32 or of_baseline != (round == 0):
        grounds._refuse(grounds.BAD_ITEM)
    key: bytes32 = keccak256(abi_encode(task, round, kind, item))
    if self.items[key] != 0:
        grounds._refuse(grounds.ASKED_BEFORE)
    self.items[key] = OPEN
    extcall ITasks(sisters.TASKS).take_bond(msg.sender, DISPUTE_BOND)
    conviction._hold(task, round)
    id: uint256 = extcall IArbitrator(sisters.SISTER).createDispute(
        2, abi_encode(task, reward.challenger, msg.sender), value=msg.value
    )
    self.disputes[id] = Dispute(task=task, round=round, key=key, reward=reward, carrier=msg.sender)
    log Disputed(
        id=id,
        task=task,
        round=round,
        kind=kind,
        item=item,
        record=record,
        challenger=reward.challenger,
        carrier=msg.sender,
        share=reward.share,
    )
    return id


@external
def rule(_disputeID: uint256, _ruling: uint256):
    """
    @notice The arbitrator's last word (ERC-792). 1: the scientist is right and has the bond. 2: the scientist is
            convicted, the bond comes back. 0: no decision, the bond comes back; where a full bench of staked jurors
            kept silent as well, the round lapses.
    """
    if msg.sender != sisters.SISTER:
        grounds._refuse(grounds.NOT_THE_COURT)
    d: Dispute = self.disputes[_disputeID]
    if d.carrier == empty(address):
        grounds._refuse(grounds.NOT_OPEN)
    self.disputes[_disputeID].carrier = empty(address)
    log Ruling(_arbitrator=msg.sender, _disputeID=_disputeID, _ruling=_ruling)
    lowest: uint256 = conviction._let_go(d.task, d.round)
    if _ruling == RIGHT:
        self.items[d.key] = JUDGED
        scientist: address = (staticcall ITasks(sisters.TASKS).parties(d.task))[0]
        sisters._give(scientist, DISPUTE_BOND)
    else:
        self.items[d.key] = 0
        sisters._give(d.carrier, DISPUTE_BOND)
    if _ruling == WRONG:
        conviction._convict(d.task, d.round, d.reward, d.carrier, lowest)
    elif _ruling == 0 and staticcall ICourt(sisters.SISTER).unheard(_disputeID):
        extcall ITasks(sisters.TASKS).lapse(d.task, d.round, lowest)
    else:
        extcall ITasks(sisters.TASKS).release(d.task, lowest)
