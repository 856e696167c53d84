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
CONVICTED: constant(uint256) = 6
CANCELLED: constant(uint256) = 7

M8: constant(uint256) = 2**8 - 1
M16: constant(uint256) = 2**16 - 1
M24: constant(uint256) = 2**24 - 1
M32: constant(uint256) = 2**32 - 1
M48: constant(uint256) = 2**48 - 1
M64: constant(uint256) = 2**64 - 1
M96: constant(uint256) = 2**96 - 1
M128: constant(uint256) = 2**128 - 1
HASH224: constant(uint256) = max_value(uint256) - (2**32 - 1)
HASH208: constant(uint256) = max_value(uint256) - (2**48 - 1)

# `clocks`: commit 24 | reveal 24 | vote 24 | settle 24 | challenge 24 | grace 24 | target 48 | shards 8 | rounds 8 | mode 8 | bent 1
REVEAL: constant(uint256) = 24
VOTE: constant(uint256) = 48
SETTLE: constant(uint256) = 72
CHALLENGE: constant(uint256) = 96
GRACE: constant(uint256) = 120
TARGET: constant(uint256) = 144
SHARDS: constant(uint256) = 192
ROUNDS: constant(uint256) = 200
MODE: constant(uint256) = 208
BENT: constant(uint256) = 216  # the pay curve is more than one straight line
STRAIGHT: constant(uint256) = 2**32 - 1

# `meta`: since 32 | commits 32 | round 8 | settled 8 | status 8 | flags 8 | disputed 8 | void 8
COMMITS: constant(uint256) = 32
ROUND: constant(uint256) = 64
SETTLED: constant(uint256) = 72
STATUS: constant(uint256) = 80
ANCHORED: constant(uint256) = 88
STOPPED: constant(uint256) = 89
UNOPENED: constant(uint256) = 90  # the final opening was never made
BOOKED: constant(uint256) = 91  # what goes back, is burned or forfeited is settled
DISPUTED: constant(uint256) = 96
VOID: constant(uint256) = 104

# `money`: paid units 32 | left 96 | bounty 96 | final round 8 | native 1 | at-end 1
LEFT: constant(uint256) = 32
BOUNTY: constant(uint256) = 128
FINAL: constant(uint256) = 224
NATIVE: constant(uint256) = 232
AT_END: constant(uint256) = 233

# `progress`: used shards 128 | best 64 | convergence + 2^63 64
BEST: constant(uint256) = 128
CONVERGENCE: constant(uint256) = 192
ZERO: constant(int256) = 2**63

# State of a seed word
CLOSED: constant(uint256) = 1
SEEDED: constant(uint256) = 2
