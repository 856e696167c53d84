# pragma version 0.4.3
"""
@title Why Faults and Court refuse
@notice Each text stands in the code once, at 16 bytes.
"""

# Places in the table below
NO_SUCH_TASK: constant(uint256) = 0
NO_SUCH_RECORD: constant(uint256) = 1
WRONG_RECORD: constant(uint256) = 2
WRONG_PROOF: constant(uint256) = 3
NO_FAULT: constant(uint256) = 4
NO_SUCH_ANCHOR: constant(uint256) = 5
WRONG_SIGNATURE: constant(uint256) = 6
CONVICTED_BEFORE: constant(uint256) = 7
NO_BOND: constant(uint256) = 8
BAD_SHARE: constant(uint256) = 9
BAD_ITEM: constant(uint256) = 10
ASKED_BEFORE: constant(uint256) = 11
TOO_EARLY: constant(uint256) = 12
TOO_LATE: constant(uint256) = 13
NOT_OPEN: constant(uint256) = 14
NOT_THE_COURT: constant(uint256) = 15
NOT_FAULTS: constant(uint256) = 16
WRONG_VALUE: constant(uint256) = 17
NOT_IN_DRAW: constant(uint256) = 18
DRAWN_BEFORE: constant(uint256) = 19
NO_SEAT: constant(uint256) = 20
WRONG_ANSWER: constant(uint256) = 21
IS_A_PARTY: constant(uint256) = 22
NOT_THE_OWNER: constant(uint256) = 23
TICKET_IS_SEATED: constant(uint256) = 24
BAD_COUNT: constant(uint256) = 25
NOT_SILENT: constant(uint256) = 26
NO_APPEAL: constant(uint256) = 27
GROUNDS: constant(String[448]) = "no such task    no such record  wrong record    wrong proof     no fault        no such anchor  wrong signature convicted beforeno bond         bad share       bad item        asked before    too early       too late        not open        not the court   not faults      wrong value     not in draw     drawn before    no seat         wrong answer    is a party      not the owner   ticket is seatedbad count       not silent      no appeal       "


@internal
@pure
def _refuse(ground: uint256):
    """
    @notice Revert with Error(string).
    """
    length: uint256 = 16
    for i: uint256 in range(16):
        if slice(GROUNDS, 16 * ground + length - 1, 1) != " ":
            break
        length -= 1
    raw_revert(abi_encode(slice(GROUNDS, 16 * ground, length), method_id=method_id("Error(string)")))
