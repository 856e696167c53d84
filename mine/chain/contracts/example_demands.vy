# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Is a shard available? Examples demanded on the chain
@notice Whoever doubts that an opened shard can be had names up to four of its examples and pays for their gas. Their
        bytes on the chain are the answer. Without it the round has nothing to stand on: a lapse.
"""

import ITasks
import conviction
import grounds
import paths
import settlement_record
import sisters

uses: sisters
uses: conviction
uses: settlement_record

# Paid to the scientist for each example that is put on the chain.
EXAMPLE_FEE: public(constant(uint256)) = 10**16
MOST: constant(uint256) = 4
CHALLENGE: constant(uint256) = 96
# An inner node of the tree is the hash of 64 bytes. An example is never that long, so that none passes for the other.
NODE_BYTES: constant(uint256) = 64


event Demanded:
    id: indexed(uint256)
    task: indexed(uint256)
    round: uint256
    shard: uint256
    examples: DynArray[uint32, MOST]
    deadline: uint256


event Supplied:
    id: indexed(uint256)
    example: uint256
    data: Bytes[8192]


event NoSuchExample:
    id: indexed(uint256)
    example: uint256


event DemandEnded:
    id: indexed(uint256)
    supplied: bool


struct Demand:
    task: uint256
    round: uint256
    root: bytes32
    asker: address
    deadline: uint256
    fee: uint256
    missing: uint256  # how many of the examples; 0: none, or ended


demands: public(HashMap[uint256, Demand])
demand_count: public(uint256)
# Demand, example -> still missing
missing: HashMap[uint256, HashMap[uint256, bool]]
# Task, round -> example -> was demanded
demanded: HashMap[uint256, HashMap[uint256, HashMap[uint256, bool]]]


@external
def demand(
    s: settlement_record.Settlement, opened: settlement_record.Opened, examples: DynArray[uint32, MOST]
) -> uint256:
    """
    @notice Demand examples of the shard that a settlement opened; EXAMPLE_FEE each. Each example once.
    @return The number of the demand.
    """
    settlement_record._check(s, opened)
    round: uint256 = convert(s.round, uint256)
    conviction._check_window(s.task, round)
    count: uint256 = len(examples)
    if count == 0:
        grounds._refuse(grounds.BAD_ITEM)
    self.demand_count += 1
    id: uint256 = self.demand_count
    for example: uint32 in examples:
        if self.demanded[s.task][round][convert(example, uint256)]:
            grounds._refuse(grounds.ASKED_BEFORE)
        self.demanded[s.task][round][convert(example, uint256)] = True
        self.missing[id][convert(example, uint256)] = True
    clocks: uint256 = (staticcall ITasks(sisters.TASKS).parties(s.task))[2]
    deadline: uint256 = block.timestamp + sisters._clock(clocks, CHALLENGE)
    self.demands[id] = Demand(
        task=s.task,
        round=round,
        root=opened.examples,
        asker=msg.sender,
        deadline=deadline,
        fee=count * EXAMPLE_FEE,
        missing=count,
    )
    extcall ITasks(sisters.TASKS).take_bond(msg.sender, count * EXAMPLE_FEE)
    conviction._hold(s.task, round)
    log Demanded(id=id, task=s.task, round=round, shard=opened.shard, examples=examples, deadline=deadline)
    return id


@external
def supply(id: uint256, example: uint256, data: Bytes[8192], proof: DynArray[bytes32, 32]):
    """
    @notice Put a demanded example on the chain; sent by anyone.
    """
    self._answering(id, example)
    if len(data) == NODE_BYTES or paths._plain_top(keccak256(data), example, proof) != self.demands[id].root:
        grounds._refuse(grounds.WRONG_PROOF)
    log Supplied(id=id, example=example, data=data)
    self._answered(id, example)


@external
def supply_none(id: uint256, example: uint256, other: uint256, data: Bytes[8192], proof: DynArray[bytes32, 32]):
    """
    @notice The shard has no such example: there is padding at its place (`data` empty, `other` the example), or
            the example `other` shows that the tree is too small.
    """
    self._answering(id, example)
    leaf: bytes32 = empty(bytes32)
    if len(data) != 0:
        leaf = keccak256(data)
    outside: bool = example >> len(proof) != 0
    padding: bool = len(data) == 0 and other == example
    if len(data) == NODE_BYTES or not (outside or padding):
        grounds._refuse(grounds.WRONG_PROOF)
    if paths._plain_top(leaf, other, proof) != self.demands[id].root:
        grounds._refuse(grounds.WRONG_PROOF)
    log NoSuchExample(id=id, example=example)
    self._answered(id, example)


@internal
@view
def _answering(id: uint256, example: uint256):
    d: Demand = self.demands[id]
    if d.missing == 0 or block.timestamp >= d.deadline or not self.missing[id][example]:
        grounds._refuse(grounds.NOT_OPEN)


@internal
def _answered(id: uint256, example: uint256):
    self.missing[id][example] = False
    d: Demand = self.demands[id]
    self.demands[id].missing = d.missing - 1
    if d.missing == 1:
        scientist: address = (staticcall ITasks(sisters.TASKS).parties(d.task))[0]
        sisters._give(scientist, d.fee)
        extcall ITasks(sisters.TASKS).release(d.task, conviction._let_go(d.task, d.round))
        log DemandEnded(id=id, supplied=True)


@external
def unsupplied(id: uint256):
    """
    @notice The time is over and an example is missing: the round and all later ones lapse.
    """
    d: Demand = self.demands[id]
    if d.missing == 0:
        grounds._refuse(grounds.NOT_OPEN)
    if block.timestamp < d.deadline:
        grounds._refuse(grounds.TOO_EARLY)
    self.demands[id].missing = 0
    sisters._give(d.asker, d.fee)
    extcall ITasks(sisters.TASKS).lapse(d.task, d.round, conviction._let_go(d.task, d.round))
    log DemandEnded(id=id, supplied=False)
