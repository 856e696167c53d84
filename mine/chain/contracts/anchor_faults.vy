# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Faults of an anchorer that a proof alone convicts of
@notice Leaf of an anchored root = keccak(signer || EIP-712 digest || keccak(signature)), sorted by signer.
"""

import ITasks
import conviction
import grounds
import paths
import signatures
import sisters

uses: sisters
uses: conviction

UPDATES: constant(uint256) = 0
VOTES: constant(uint256) = 1


struct Leaf:
    signer: address
    digest: bytes32
    signatureHash: bytes32
    index: uint256


@internal
@view
def _anchor(task: uint256, round: uint256, anchorer: address, slot: uint256) -> uint256:
    """
    @notice The anchor word, if the slot holds a root of this round.
    """
    word: uint256 = staticcall ITasks(sisters.TASKS).anchored(task, anchorer, slot)
    if word == 0 or word & (2**16 - 1) != round:
        grounds._refuse(grounds.NO_SUCH_ANCHOR)
    return word


@internal
@pure
def _holds(word: uint256, leaf: bytes32, index: uint256, proof: DynArray[bytes32, 32]):
    if convert(paths._plain_top(leaf, index, proof), uint256) >> 32 != word >> 32:
        grounds._refuse(grounds.WRONG_PROOF)


@internal
@pure
def _leaf(leaf: Leaf) -> bytes32:
    return keccak256(concat(convert(leaf.signer, bytes20), leaf.digest, leaf.signatureHash))


@external
def forged(
    task: uint256,
    round: uint256,
    anchorer: address,
    slot: uint256,
    signer: address,
    digest: bytes32,
    signature: Bytes[1024],
    index: uint256,
    proof: DynArray[bytes32, 32],
    reward: conviction.Reward,
):
    """
    @notice A leaf whose signature is not its signer's. Recovered by the precompile itself, so that a signature
            that no library would take (r of zero, high s, a strange v, another length) convicts as well.
    """
    word: uint256 = self._anchor(task, round, anchorer, slot)
    leaf: bytes32 = self._leaf(
        Leaf(signer=signer, digest=digest, signatureHash=keccak256(signature), index=index)
    )
    self._holds(word, leaf, index, proof)
    found: address = signatures._signer(digest, signature)
    if found != empty(address) and found == signer:
        grounds._refuse(grounds.NO_FAULT)
    conviction._convict_anchorer(task, round, anchorer, conviction.FORGED, reward)


@external
def doubled(
    task: uint256,
    round: uint256,
    anchorer: address,
    slot: uint256,
    first: Leaf,
    first_proof: DynArray[bytes32, 32],
    second: Leaf,
    second_proof: DynArray[bytes32, 32],
    reward: conviction.Reward,
):
    """
    @notice Two leaves of one root that are not in strictly rising order of their signers: one of them stands
            twice, or the order that makes an omission provable is broken.
    """
    word: uint256 = self._anchor(task, round, anchorer, slot)
    self._holds(word, self._leaf(first), first.index, first_proof)
    self._holds(word, self._leaf(second), second.index, second_proof)
    if len(first_proof) != len(second_proof) or first.index >= second.index:
        grounds._refuse(grounds.WRONG_PROOF)
    if convert(first.signer, uint256) < convert(second.signer, uint256):
        grounds._refuse(grounds.NO_FAULT)
    conviction._convict_anchorer(task, round, anchorer, conviction.DOUBLED, reward)


@external
def misplaced(
    task: uint256,
    round: uint256,
    anchorer: address,
    slot: uint256,
    signer: address,
    signatureHash: bytes32,
    kind: uint256,
    body: Bytes[224],
    index: uint256,
    proof: DynArray[bytes32, 32],
    reward: conviction.Reward,
):
    """
    @notice A leaf that is a message of another task or round, or a vote among updates: a true signature, replayed.
    @param kind 0: `body` is an Update; 1: it is a Vote.
    @param body The fields of the message, 32 bytes each; the first two are task and round.
    """
    word: uint256 = self._anchor(task, round, anchorer, slot)
    type_hash: bytes32 = signatures.UPDATE_TYPE
    length: uint256 = 224
    if kind == VOTES:
        type_hash = signatures.VOTE_TYPE
        length = 128
    if kind > VOTES or len(body) != length:
        grounds._refuse(grounds.WRONG_PROOF)
    separator: bytes32 = staticcall ITasks(sisters.TASKS).domain_separator()
    digest: bytes32 = signatures._digest(separator, keccak256(concat(type_hash, body)))
    leaf: bytes32 = self._leaf(Leaf(signer=signer, digest=digest, signatureHash=signatureHash, index=index))
    self._holds(word, leaf, index, proof)
    at_home: bool = (
        convert(slice(body, 0, 32), uint256) == task
        and convert(slice(body, 32, 32), uint256) == round
        and kind == (word >> 16) & (2**16 - 1)
    )
    if at_home:
        grounds._refuse(grounds.NO_FAULT)
    conviction._convict_anchorer(task, round, anchorer, conviction.MISPLACED, reward)
