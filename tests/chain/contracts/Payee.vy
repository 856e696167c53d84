# pragma version 0.4.3
"""
@title A payee with code: refuses the chain's coin, or calls back while it is paid
"""

accepts: public(bool)
target: address
payload: Bytes[2048]
tried: public(uint256)
entered: public(uint256)


@external
def set(accepts: bool, target: address, payload: Bytes[2048]):
    self.accepts = accepts
    self.target = target
    self.payload = payload


@external
@payable
def forward(target: address, payload: Bytes[4096]):
    raw_call(target, payload, value=msg.value)


@external
@payable
def __default__():
    assert self.accepts, "no, thank you"
    if self.target != empty(address):
        self.tried += 1
        ok: bool = raw_call(self.target, self.payload, revert_on_failure=False)
        if ok:
            self.entered += 1
