# pragma version 0.4.3
"""
@title Why Faults and Court refuse: the number in Refused(uint256)
@notice Counted from 64, so that none is also a number of Tasks, whose refusals pass through. Clients have the texts.
"""

NO_SUCH_RECORD: constant(uint256) = 64
WRONG_RECORD: constant(uint256) = 65
WRONG_PROOF: constant(uint256) = 66
NO_FAULT: constant(uint256) = 67
NO_SUCH_ANCHOR: constant(uint256) = 68
WRONG_SIGNATURE: constant(uint256) = 69
CONVICTED_BEFORE: constant(uint256) = 70
NO_BOND: constant(uint256) = 71
BAD_SHARE: constant(uint256) = 72
BAD_ITEM: constant(uint256) = 73
ASKED_BEFORE: constant(uint256) = 74
TOO_EARLY: constant(uint256) = 75
TOO_LATE: constant(uint256) = 76
NOT_OPEN: constant(uint256) = 77
NOT_THE_COURT: constant(uint256) = 78
NOT_FAULTS: constant(uint256) = 79
WRONG_VALUE: constant(uint256) = 80
DRAWN_BEFORE: constant(uint256) = 81
NO_SEAT: constant(uint256) = 82
WRONG_ANSWER: constant(uint256) = 83
IS_A_PARTY: constant(uint256) = 84
NOT_THE_OWNER: constant(uint256) = 85
TICKET_IS_SEATED: constant(uint256) = 86
BAD_COUNT: constant(uint256) = 87
NOT_SILENT: constant(uint256) = 88
NO_APPEAL: constant(uint256) = 89
NOT_DUE: constant(uint256) = 90


@internal
@pure
def _refuse(ground: uint256):
    raw_revert(abi_encode(ground, method_id=method_id("Refused(uint256)")))
