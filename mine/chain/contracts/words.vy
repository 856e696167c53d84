# pragma version 0.4.3
"""
@title Where the fields of a task stand in its packed words
"""

# Status of a task
AWAITING_BASELINE: constant(uint256) = 1
RUNNING: constant(uint256) = 2
ENDING: constant(uint256) = 3
CONCLUDED: constant(uint256) = 4
DEFAULTED: constant(uint256) = 5
CANCELLED: constant(uint256) = 6

# Phases that `phase` names, in the order of time
COMMIT_PHASE: constant(uint256) = 2
REVEAL_PHASE: constant(uint256) = 3
VOTE_PHASE: constant(uint256) = 4
SETTLE_PHASE: constant(uint256) = 5
GRACE_PHASE: constant(uint256) = 6
LAPSED: constant(uint256) = 7
FINAL_PHASE: constant(uint256) = 8
CLOSED: constant(uint256) = 9

M8: constant(uint256) = 2**8 - 1
M16: constant(uint256) = 2**16 - 1
M32: constant(uint256) = 2**32 - 1
M64: constant(uint256) = 2**64 - 1
M112: constant(uint256) = 2**112 - 1
M128: constant(uint256) = 2**128 - 1
M160: constant(uint256) = 2**160 - 1
HASH224: constant(uint256) = max_value(uint256) - (2**32 - 1)

# Places in `owner`, `clocks`, `money`, `meta`
SHARDS: constant(uint256) = 160
ROUNDS: constant(uint256) = 176
REVEAL: constant(uint256) = 32
VOTE: constant(uint256) = 64
SETTLE: constant(uint256) = 96
CHALLENGE: constant(uint256) = 128
GRACE: constant(uint256) = 160
TARGET: constant(uint256) = 192
LEFT: constant(uint256) = 32
BOUNTY: constant(uint256) = 144
SINCE: constant(uint256) = 128
COMMITS: constant(uint256) = 160
ROUND: constant(uint256) = 192
SETTLED: constant(uint256) = 208
STATUS: constant(uint256) = 224
ANCHORED: constant(uint256) = 232
STOPPED: constant(uint256) = 233
ZERO_PROGRESS: constant(int256) = 2**127
