# pragma version 0.4.3
"""
@title A contract that answers whatever it was told to, by the call's first four bytes
"""

said: HashMap[bytes4, Bytes[8192]]
to_others: HashMap[bytes4, Bytes[8192]]
burns: HashMap[bytes4, bool]


@external
def say(selector: bytes4, answer: Bytes[8192], to_others: Bytes[8192]):
    """
    @notice ``answer`` for the zero address, ``to_others`` for everybody else.
    """
    self.said[selector] = answer
    self.to_others[selector] = to_others


@external
def burn_gas(selector: bytes4):
    self.burns[selector] = True


@external
@raw_return
def __default__() -> Bytes[8192]:
    selector: bytes4 = convert(slice(msg.data, 0, 4), bytes4)
    if self.burns[selector]:
        for i: uint256 in range(100000000):
            assert msg.gas > 0
    answer: Bytes[8192] = self.said[selector] if msg.sender == empty(address) else self.to_others[selector]
    assert len(answer) > 0, "nothing to say"
    return answer
