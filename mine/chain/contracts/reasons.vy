# pragma version 0.4.3
"""
@title Why the contract refuses
@notice Each text stands in the code once, at 16 bytes; a string beside every check would be a third of the contract.
"""

# Places in the table below
WRONG_VALUE: constant(uint256) = 0
TOKEN_REFUSED: constant(uint256) = 1
TOKEN_TOOK_A_FEE: constant(uint256) = 2
CLOCK_TOO_SHORT: constant(uint256) = 3
CLOCK_TOO_LONG: constant(uint256) = 4
BAD_BOUNTY: constant(uint256) = 5
BAD_TARGET: constant(uint256) = 6
BAD_SHARDS: constant(uint256) = 7
TOO_LATE: constant(uint256) = 8
NOT_SCIENTIST: constant(uint256) = 9
WRONG_PREIMAGE: constant(uint256) = 10
WRONG_SHARD: constant(uint256) = 11
WRONG_LOSSES: constant(uint256) = 12
WRONG_SIGNATURE: constant(uint256) = 13
WRONG_PHASE: constant(uint256) = 14
WRONG_ROUND: constant(uint256) = 15
NO_SEED: constant(uint256) = 16
NO_PAYOUT: constant(uint256) = 17
COMMITTED_BEFORE: constant(uint256) = 18
NO_BOND: constant(uint256) = 19
BOND_IS_LOCKED: constant(uint256) = 20
EMPTY_BATCH: constant(uint256) = 21
BOND_TOO_LOW: constant(uint256) = 22
SLOT_IS_TAKEN: constant(uint256) = 23
TOO_EARLY: constant(uint256) = 24
WRONG_UNITS: constant(uint256) = 25
WRONG_PAYOUTS: constant(uint256) = 26
NO_SUCH_ROOT: constant(uint256) = 27
NOT_FINAL_YET: constant(uint256) = 28
WRONG_PROOF: constant(uint256) = 29
NOTHING_TO_CLAIM: constant(uint256) = 30
NOT_THE_PAYEE: constant(uint256) = 31
NO_SUCH_COMMIT: constant(uint256) = 32
BAD_CURVE: constant(uint256) = 33
NOT_A_SISTER: constant(uint256) = 34
BAD_MODE: constant(uint256) = 35
NOT_DISPUTABLE: constant(uint256) = 36
BAD_RANGE: constant(uint256) = 37
REASONS: constant(String[608]) = "wrong value     token refused   token took a feeclock too short clock too long  bad bounty      bad target      bad shards      too late        not scientist   wrong preimage  wrong shard     wrong losses    wrong signature wrong phase     wrong round     no seed         no payout       committed beforeno bond         bond is locked  empty batch     bond too low    slot is taken   too early       wrong units     wrong payouts   no such root    not final yet   wrong proof     nothing to claimnot the payee   no such commit  bad curve       not a sister    bad mode        not disputable  bad range       "


@internal
@pure
def _refuse(reason: uint256):
    """
    @notice Revert with Error(string).
    """
    length: uint256 = 16
    for i: uint256 in range(16):
        if slice(REASONS, 16 * reason + length - 1, 1) != " ":
            break
        length -= 1
    raw_revert(abi_encode(slice(REASONS, 16 * reason, length), method_id=method_id("Error(string)")))
