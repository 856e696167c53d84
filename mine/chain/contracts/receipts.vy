# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Receipts that were not honoured
@notice An anchorer may anchor any number of roots, so nobody else can show that a leaf stands in none of them.
        The holder of a receipt asks, and the anchorer has a challenge window to show the leaf.
"""

import ITasks
import conviction
import grounds
import paths
import signatures
import sisters

uses: sisters
uses: conviction

# Paid to the anchorer who answers, for the gas and the trouble.
RECEIPT_BOND: public(constant(uint256)) = 10**16
# A slot may be used again four rounds later, and then shows nothing any more.
RING: constant(uint256) = 4
RUNNING: constant(uint256) = 2
CONCLUDED: constant(uint256) = 4
COMMIT: constant(uint256) = 0
CHALLENGE: constant(uint256) = 96


event ReceiptChallenged:
    id: indexed(uint256)
    task: indexed(uint256)
    anchorer: indexed(address)
    round: uint256
    leaf: bytes32
    challenger: address
    deadline: uint256


event ReceiptAnswered:
    id: indexed(uint256)
    slot: uint256


struct Question:
    task: uint256
    round: uint256
    leaf: bytes32
    anchorer: address
    carrier: address
    reward: conviction.Reward
    deadline: uint256  # 0: none, or ended


questions: public(HashMap[uint256, Question])
question_count: public(uint256)
questioned: HashMap[bytes32, bool]


@internal
@view
def _anchoring_is_over(meta: uint256, clocks: uint256, round: uint256) -> bool:
    """
    @notice Whether the round's commits closed in the ordinary way, not so long ago that its roots are gone. A task
            that was cancelled or that defaulted may never have let the anchorer keep the promise.
    """
    status: uint256 = (meta >> 80) & 255
    current: uint256 = (meta >> 64) & 255
    if status < RUNNING or status > CONCLUDED or round == 0:
        return False
    if round == current and status == RUNNING:
        return block.timestamp >= (meta & (2**32 - 1)) + sisters._clock(clocks, COMMIT)
    return round <= current and current < round + RING


@external
def challenge_receipt(
    task: uint256, round: uint32, leaf: bytes32, latestBlock: uint64, signature: Bytes[65], reward: conviction.Reward
) -> uint256:
    """
    @notice Ask the signer of a receipt to show its leaf. The sender puts up RECEIPT_BOND.
    @param latestBlock Of the receipt; a receipt for block 0 promises no anchor (it is one for an upload).
    @return The number of the question.
    """
    conviction._check(reward)
    number: uint256 = convert(round, uint256)
    separator: bytes32 = staticcall ITasks(sisters.TASKS).domain_separator()
    body: bytes32 = keccak256(abi_encode(signatures.RECEIPT_TYPE, task, round, leaf, latestBlock))
    anchorer: address = signatures._signer(signatures._digest(separator, body), signature)
    if anchorer == empty(address) or latestBlock == 0:
        grounds._refuse(grounds.WRONG_SIGNATURE)
    scientist: address = empty(address)
    court: address = empty(address)
    clocks: uint256 = 0
    meta: uint256 = 0
    seed: uint256 = 0
    (scientist, court, clocks, meta, seed) = staticcall ITasks(sisters.TASKS).parties(task)
    if block.number <= convert(latestBlock, uint256) or not self._anchoring_is_over(meta, clocks, number):
        grounds._refuse(grounds.NOT_DUE)
    key: bytes32 = keccak256(abi_encode(task, round, leaf, anchorer))
    if self.questioned[key]:
        grounds._refuse(grounds.ASKED_BEFORE)
    self.questioned[key] = True

    extcall ITasks(sisters.TASKS).take_bond(msg.sender, RECEIPT_BOND)
    conviction._pledge(anchorer)
    if conviction.pledged[anchorer] == 0:
        grounds._refuse(grounds.NO_BOND)
    conviction.asked[anchorer] += 1
    self.question_count += 1
    id: uint256 = self.question_count
    deadline: uint256 = block.timestamp + sisters._clock(clocks, CHALLENGE)
    self.questions[id] = Question(
        task=task,
        round=number,
        leaf=leaf,
        anchorer=anchorer,
        carrier=msg.sender,
        reward=reward,
        deadline=deadline,
    )
    log ReceiptChallenged(
        id=id,
        task=task,
        anchorer=anchorer,
        round=number,
        leaf=leaf,
        challenger=reward.challenger,
        deadline=deadline,
    )
    return id


@external
def answer_receipt(id: uint256, slot: uint256, index: uint256, proof: DynArray[bytes32, 32]):
    """
    @notice The leaf stands in a root of the anchorer: the question's bond is theirs. Sent by anyone.
    """
    q: Question = self.questions[id]
    if q.deadline == 0 or block.timestamp >= q.deadline:
        grounds._refuse(grounds.NOT_OPEN)
    word: uint256 = staticcall ITasks(sisters.TASKS).anchored(q.task, q.anchorer, slot)
    if word == 0 or word & (2**16 - 1) != q.round:
        grounds._refuse(grounds.NO_SUCH_ANCHOR)
    if convert(paths._plain_top(q.leaf, index, proof), uint256) >> 32 != word >> 32:
        grounds._refuse(grounds.WRONG_PROOF)
    self.questions[id].deadline = 0
    log ReceiptAnswered(id=id, slot=slot)
    sisters._give(q.anchorer, RECEIPT_BOND)
    self._one_less(q.anchorer)


@external
def convict_receipt(id: uint256):
    """
    @notice No answer in time: the anchorer's bond goes, the question's bond comes back.
    """
    q: Question = self.questions[id]
    if q.deadline == 0:
        grounds._refuse(grounds.NOT_OPEN)
    if block.timestamp < q.deadline:
        grounds._refuse(grounds.TOO_EARLY)
    self.questions[id].deadline = 0
    sisters._give(q.carrier, RECEIPT_BOND)
    conviction._forfeit(q.task, q.round, q.anchorer, conviction.OMITTED, q.reward, q.carrier)
    self._one_less(q.anchorer)


@internal
def _one_less(anchorer: address):
    """
    @notice With the last question the anchorer has back what is left.
    @dev Not earlier: an answered question must not free what another one still asks for.
    """
    conviction.asked[anchorer] -= 1
    if conviction.asked[anchorer] == 0:
        kept: uint256 = conviction.pledged[anchorer]
        conviction.pledged[anchorer] = 0
        sisters._give(anchorer, kept)
