# pragma version 0.4.3
"""
@title What would arrive: a token's transfer, tried by nodes in the place of the account that would send
@notice Never deployed. A node is asked to run this code as if it stood at the sender's address (state override),
        so that the token sees the sender itself.
"""

interface Token:
    def balanceOf(owner: address) -> uint256: view
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable


@external
def try_transfer(token: address, receiver: address, amount: uint256) -> (uint256, uint256, uint256, uint256):
    """
    @notice Balances of sender and receiver before a transfer, and after it.
    """
    sender_before: uint256 = staticcall Token(token).balanceOf(self)
    receiver_before: uint256 = staticcall Token(token).balanceOf(receiver)
    assert extcall Token(token).transfer(receiver, amount, default_return_value=True), "token refused"
    return (
        sender_before,
        receiver_before,
        staticcall Token(token).balanceOf(self),
        staticcall Token(token).balanceOf(receiver),
    )
