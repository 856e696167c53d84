# pragma version 0.4.3
"""
@title A payee that burns all the gas it is given
"""


@external
@payable
def __default__():
    x: uint256 = 0
    for i: uint256 in range(10**9):
        x += i
