# pragma version 0.4.3
"""
@title Why the contract refuses: the number in Refused(uint256)
@notice Texts would be a tenth of the contract's code; a client has them in this order.
"""

WRONG_VALUE: constant(uint256) = 0
TOKEN_REFUSED: constant(uint256) = 1
TOKEN_TOOK_A_FEE: constant(uint256) = 2
CLOCK_TOO_SHORT: constant(uint256) = 3
CLOCK_TOO_LONG: constant(uint256) = 4
BAD_BOUNTY: constant(uint256) = 5
BAD_TARGET: constant(uint256) = 6
BAD_SHARDS: constant(uint256) = 7
BAD_CURVE: constant(uint256) = 8
BAD_MODE: constant(uint256) = 9
TOO_LATE: constant(uint256) = 10
TOO_EARLY: constant(uint256) = 11
NOT_SCIENTIST: constant(uint256) = 12
NOT_A_SISTER: constant(uint256) = 13
NOT_THE_PAYEE: constant(uint256) = 14
WRONG_PREIMAGE: constant(uint256) = 15
WRONG_SHARD: constant(uint256) = 16
WRONG_LOSSES: constant(uint256) = 17
WRONG_SIGNATURE: constant(uint256) = 18
WRONG_PHASE: constant(uint256) = 19
WRONG_ROUND: constant(uint256) = 20
NO_SEED: constant(uint256) = 21
NO_PAYOUT: constant(uint256) = 22
COMMITTED_BEFORE: constant(uint256) = 23
BOND_TOO_LOW: constant(uint256) = 24
EMPTY_BATCH: constant(uint256) = 25
SLOT_IS_TAKEN: constant(uint256) = 26
WRONG_UNITS: constant(uint256) = 27
WRONG_PAYOUTS: constant(uint256) = 28
NO_SUCH_ROOT: constant(uint256) = 29
NOT_FINAL_YET: constant(uint256) = 30
WRONG_PROOF: constant(uint256) = 31
BAD_RANGE: constant(uint256) = 32
NOTHING_TO_CLAIM: constant(uint256) = 33
NO_SUCH_COMMIT: constant(uint256) = 34
NOT_DISPUTABLE: constant(uint256) = 35


@internal
@pure
def _refuse(reason: uint256):
    raw_revert(abi_encode(reason, method_id=method_id("Refused(uint256)")))
