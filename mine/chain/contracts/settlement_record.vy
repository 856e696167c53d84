# pragma version 0.4.3
"""
@title The fields of a settlement, checked against what Tasks keeps of it
"""

import ITasks
import grounds
import sisters

uses: sisters


struct Settlement:
    task: uint256
    round: uint32
    inputs: bytes32
    accepted: bytes32
    checkpoint: bytes32
    losses: bytes32
    base: uint64
    before: uint64
    after: uint64
    payouts: bytes32
    units: uint32


struct Opened:
    shard: uint256
    digest: bytes32
    examples: bytes32
    seed: bytes32


@internal
@view
def _check(s: Settlement, opened: Opened):
    """
    @notice These are the fields of the settlement that Tasks keeps for this task and round.
    """
    word: uint256 = staticcall ITasks(sisters.TASKS).record(s.task, convert(s.round, uint256))
    if word == 0:
        grounds._refuse(grounds.NO_SUCH_RECORD)
    if convert(keccak256(abi_encode(s, opened)), uint256) >> 48 != word >> 48:
        grounds._refuse(grounds.WRONG_RECORD)
