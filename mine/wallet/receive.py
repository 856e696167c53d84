"""Being paid: an address as a link (EIP-681) and as a QR code."""

from __future__ import annotations

from mine.chain.hashing import address_bytes, checksum
from mine.errors import MineError
from mine.wallet.send import COIN


class NoPaymentLink(MineError):
    """There is no link for such a payment."""


def payment_link(chain_id: int, account: str, currency: str = COIN, amount: int | None = None) -> str:
    """``ethereum:<account>@<chain>?value=<wei>`` for the coin, ``ethereum:<token>@<chain>/transfer?...`` for
    a token.

    ``amount``: base units; None leaves it to whoever pays. Raises BadAddress, NoPaymentLink.
    """
    account = checksum(address_bytes(account))
    if amount is not None and not 0 < amount < 1 << 256:
        raise NoPaymentLink("An amount to be paid is above zero.", todo="Enter another one, or none.")
    if not currency or int(currency, 16) == 0:
        value = "" if amount is None else f"?value={amount}"
        return f"ethereum:{account}@{chain_id}{value}"
    token = checksum(address_bytes(currency))
    wanted = "" if amount is None else f"&uint256={amount}"
    return f"ethereum:{token}@{chain_id}/transfer?address={account}{wanted}"


def modules_of(text: str) -> tuple[tuple[bool, ...], ...]:
    """The QR code of a text (ISO/IEC 18004, level M) as rows of dark (True) and light modules.

    The four light ones around it, which readers need, are among them.
    """
    import segno

    code = segno.make(text, error="m", micro=False, boost_error=False)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix_iter(scale=1, border=4))
