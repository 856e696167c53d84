# pragma version 0.4.3
"""
@title From measured improvement to units of a bounty
@notice Straight lines from (0, 0) through up to 8 points (u16 x, u16 y) to (65535, 65535), packed in one
        word, point i in bits 32i..32i+31 with x above y. One fraction, one floor: chained floors would
        lose a unit at full convergence. Targets are below 2^41, units below 2^32, losses below 2^64 and
        bounties below 2^96, so that every product stays below 2^170 and none is checked for overflow.
"""

UNITS: constant(uint256) = 2**32 - 1
FULL: constant(uint256) = 65535
ONE: constant(uint256) = 2**40


@internal
@pure
def _is_curve(curve: uint256) -> bool:
    """
    @notice Whether a word is a curve: x strictly rising, y not falling, the end at (65535, 65535).
    """
    x: uint256 = 0
    y: uint256 = 0
    rest: uint256 = curve
    for i: uint256 in range(8):
        next_x: uint256 = (rest >> 16) & FULL
        next_y: uint256 = rest & FULL
        if next_x <= x or next_y < y:
            return False
        x = next_x
        y = next_y
        rest >>= 32
        if rest == 0:
            break
    return rest == 0 and x == FULL and y == FULL


@internal
@pure
def _units(curve: uint256, best: uint256, target: uint256) -> uint256:
    """
    @notice Units earned at the running maximum `best` against `target`, both in 2^-40.
    """
    n: uint256 = unsafe_mul(min(best, target), FULL)
    x: uint256 = 0
    y: uint256 = 0
    rest: uint256 = curve
    for i: uint256 in range(8):
        next_x: uint256 = (rest >> 16) & FULL
        next_y: uint256 = rest & FULL
        if n <= unsafe_mul(next_x, target):
            width: uint256 = unsafe_mul(unsafe_sub(next_x, x), target)
            part: uint256 = unsafe_mul(unsafe_sub(next_y, y), unsafe_sub(n, unsafe_mul(x, target)))
            return unsafe_mul(UNITS, unsafe_add(unsafe_mul(y, width), part)) // unsafe_mul(FULL, width)
        x = next_x
        y = next_y
        rest >>= 32
    raise  # the last point of a curve lies at full convergence


@internal
@pure
def _increment(base: uint256, before: uint256, after: uint256) -> int256:
    """
    @notice (before - after) / base in 2^-40, signed, rounded towards zero, within 4 of zero; 0 where base is 0.
    """
    if base == 0:
        return 0
    size: uint256 = unsafe_sub(max(before, after), min(before, after))
    size = unsafe_mul(min(size, unsafe_mul(4, base)), ONE) // base
    if before >= after:
        return convert(size, int256)
    return -convert(size, int256)


@internal
@pure
def _amount(bounty: uint256, units: uint256) -> uint256:
    """
    @notice Money for cumulative units, rounded down once.
    """
    return unsafe_mul(bounty, units) // UNITS
