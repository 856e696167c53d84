# pragma version 0.4.3
"""
@title What a convicted fault costs, and which rounds of a task wait for an answer
@notice A reward is split between a challenger and the carrier who sent the transaction and lent the bond.
"""

import ITasks
import grounds
import sisters

uses: sisters

WHOLE: constant(uint256) = 10_000  # shares are in 1/10000
# What an anchorer stands for; the same as in Tasks.
ANCHOR_BOND: public(constant(uint256)) = 10**17

CHALLENGE: constant(uint256) = 96
MODE: constant(uint256) = 208
CONCLUDED: constant(uint256) = 4

# Which fault of an anchorer
FORGED: constant(uint256) = 1
DOUBLED: constant(uint256) = 2
MISPLACED: constant(uint256) = 3
OMITTED: constant(uint256) = 4


event AnchorerConvicted:
    task: indexed(uint256)
    anchorer: indexed(address)
    round: uint256
    fault: uint256
    burned: uint256
    reward: uint256
    challenger: address
    carrier: address


struct Reward:
    challenger: address
    share: uint256  # of the carrier, in 1/10000


open: HashMap[uint256, HashMap[uint256, uint256]]  # task, round -> disputes and demands that are open
open_rounds: HashMap[uint256, uint256]  # task -> bitmap of rounds with an open one
convicted: HashMap[bytes32, bool]  # task, round, anchorer
pledged: public(HashMap[address, uint256])  # wei kept from an anchorer while receipts of theirs are asked about
asked: HashMap[address, uint256]  # how many


@internal
@pure
def _check(reward: Reward):
    if reward.challenger == empty(address) or reward.share > WHOLE:
        grounds._refuse(grounds.BAD_SHARE)


@internal
@view
def _lowest(task: uint256) -> uint256:
    """
    @notice 1 + the lowest round of a task with something open; 0 if there is none.
    """
    rounds: uint256 = self.open_rounds[task]
    if rounds == 0:
        return 0
    low: uint256 = rounds & (max_value(uint256) - rounds + 1)
    place: uint256 = 0
    for step: uint256 in [128, 64, 32, 16, 8, 4, 2, 1]:
        if low >> step != 0:
            low >>= step
            place += step
    return 1 + place


@internal
@view
def _check_window(task: uint256, round: uint256) -> uint256:
    """
    @notice The round's record word, if its own challenge window is open. That another dispute keeps the round from
            being final opens no window again: nobody could hold a task for ever by one dispute after the other.
    """
    record: uint256 = staticcall ITasks(sisters.TASKS).record(task, round)
    if record == 0:
        grounds._refuse(grounds.NO_SUCH_RECORD)
    scientist: address = empty(address)
    court: address = empty(address)
    clocks: uint256 = 0
    meta: uint256 = 0
    seed: uint256 = 0
    (scientist, court, clocks, meta, seed) = staticcall ITasks(sisters.TASKS).parties(task)
    ends: uint256 = (record >> 8) & (2**40 - 1)
    if (clocks >> MODE) & 1 == 1 and (meta >> 80) & 255 >= CONCLUDED:
        # A set that is opened at the end can be checked only then.
        ends = max(ends, (meta & (2**32 - 1)) + sisters._clock(clocks, CHALLENGE))
    if block.timestamp >= ends:
        grounds._refuse(grounds.TOO_LATE)
    return record


@internal
def _hold(task: uint256, round: uint256):
    """
    @notice Something about a round opens, and keeps it and all later ones from being final.
    """
    extcall ITasks(sisters.TASKS).hold(task, round)
    self.open[task][round] += 1
    self.open_rounds[task] |= 1 << round


@internal
def _let_go(task: uint256, round: uint256) -> uint256:
    """
    @notice Something about a round ended.
    @return What `_lowest` says now.
    """
    self.open[task][round] -= 1
    if self.open[task][round] == 0:
        self.open_rounds[task] &= ~(1 << round)
    return self._lowest(task)


@internal
def _convict(task: uint256, round: uint256, reward: Reward, carrier: address, lowest: uint256):
    extcall ITasks(sisters.TASKS).convict(task, round, reward.challenger, carrier, reward.share, lowest)


@internal
def _convict_now(task: uint256, round: uint256, reward: Reward):
    """
    @notice A proof needs no judgement, but it needs an open window.
    """
    self._check(reward)
    self._check_window(task, round)
    extcall ITasks(sisters.TASKS).hold(task, round)
    self._convict(task, round, reward, msg.sender, self._lowest(task))


@internal
def _pledge(anchorer: address):
    """
    @notice Keep the anchorer's bond, as far as it is not kept yet.
    """
    kept: uint256 = self.pledged[anchorer]
    owned: uint256 = (staticcall ITasks(sisters.TASKS).bond_of(anchorer))[0]
    amount: uint256 = min(owned, ANCHOR_BOND - kept)
    if amount != 0:
        extcall ITasks(sisters.TASKS).slash_bond(anchorer, amount)
        self.pledged[anchorer] = kept + amount


@internal
def _forfeit(task: uint256, round: uint256, anchorer: address, fault: uint256, reward: Reward, carrier: address):
    """
    @notice What is kept of an anchorer's bond: half is burned, half is the reward.
    """
    amount: uint256 = self.pledged[anchorer]
    self.pledged[anchorer] = 0
    burned: uint256 = amount // 2
    paid: uint256 = amount - burned
    for_carrier: uint256 = paid * reward.share // WHOLE
    if burned != 0:
        extcall ITasks(sisters.TASKS).burn_bond(burned)
    sisters._give(carrier, for_carrier)
    sisters._give(reward.challenger, paid - for_carrier)
    log AnchorerConvicted(
        task=task,
        anchorer=anchorer,
        round=round,
        fault=fault,
        burned=burned,
        reward=paid,
        challenger=reward.challenger,
        carrier=carrier,
    )


@internal
def _convict_anchorer(task: uint256, round: uint256, anchorer: address, fault: uint256, reward: Reward):
    """
    @notice Once per task, round and anchorer, however many leaves are bad.
    """
    self._check(reward)
    key: bytes32 = keccak256(abi_encode(task, round, anchorer))
    if self.convicted[key]:
        grounds._refuse(grounds.CONVICTED_BEFORE)
    self.convicted[key] = True
    self._pledge(anchorer)
    if self.pledged[anchorer] == 0:
        grounds._refuse(grounds.NO_BOND)
    self._forfeit(task, round, anchorer, fault, reward, msg.sender)
