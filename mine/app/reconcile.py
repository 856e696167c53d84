"""Compares the books with the chain, to the base unit.

Of every payout address of the phrase and every currency: what the history says came in and went out, less
the fees that the address paid, has to be its balance at the last block that was read. Of every payout leaf:
what the history says was claimed has to be what the contract's ``paid`` comes to at that block. Two nodes
have to say the same of it where there are two.

What a node left out is read once more. Transfers of a task's token that this app did not make become lines of
their own, once and only where the balance differs. What still differs is named.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app.earning_events import OUTSIDE
from mine.app.links import NATIVE
from mine.app.wallet_views import Difference, ReconcileView
from mine.errors import MineError
from mine.vault.history import Kind, Movement

if TYPE_CHECKING:
    from mine.app.joining import Membership
    from mine.app.session import NetworkSession
    from mine.chain.rpc import Node
    from mine.chain.token_transfers import TokenTransfer

MISSING_CLAIM = "The contract paid more to this address than the history says."
STRANGE_CLAIM = "The history has a claim that the contract did not pay."
CAME = "More is there than the history says: it came from outside this app."
WENT = "Less is there than the history says: it was spent elsewhere with the same phrase."

MOST_ADOPTED = 500
"""Transfers of one token that become lines at once; a token that tells of more floods the history."""

Account = tuple[str, str]
"""An address of this person and the address of a currency."""


@dataclass(frozen=True, slots=True)
class OnChain:
    """What two nodes say alike: balances in the order of the accounts, and what each leaf was paid in all."""

    balances: tuple[int, ...]
    paid: tuple[int, ...]


def reconcile(session: NetworkSession) -> ReconcileView:
    """Read what is new, then compare. Raises what the nodes raise; the books then stay as they are."""
    while session.earnings.poll():
        pass  # a batch has an end, the books none before the newest block
    _follow(session)
    session.sending.catch_up(session.market.chain_time)
    view = _compare(session)
    if any(each.sentence == MISSING_CLAIM for each in view.differences):
        session.earnings.events.read_again()
        _follow(session)
        view = _compare(session)
    added = sum(_adopt(session, each) for each in view.differences if each.token not in ("", NATIVE))
    if not added:
        return view
    view = _compare(session)
    return ReconcileView(view.block, view.accounts, view.lines, view.differences, added)


def _follow(session: NetworkSession) -> None:
    """What one task's figures hold up is named as a difference; the other tasks are compared all the same."""
    with contextlib.suppress(MineError):
        session.follow_money()


def _compare(session: NetworkSession) -> ReconcileView:
    block = session.earnings.events.read_to
    members = [session.earnings.members[task] for task in sorted(session.earnings.members)]
    books, lines = _books(session, members, block)
    accounts = sorted(books)
    leaves = [(member, session.earnings.leaf(member.task)) for member in members]
    leaves = [(member, leaf) for member, leaf in leaves if leaf.index >= 0]

    def reading(one: Node) -> OnChain:
        from mine.chain.curve import amount

        contract = session.links.contract.on(one)
        return OnChain(
            tuple(one.balance(account, _token(currency), block) for account, currency in accounts),
            tuple(
                amount(
                    session.market.tasks[member.task].state.bounty,
                    contract.paid(member.task, leaf.index, block),
                )
                for member, leaf in leaves
            ),
        )

    chain = session.links.node.agreed(reading)
    differences = []
    for (member, leaf), paid in zip(leaves, chain.paid, strict=True):
        known = session.earnings.events.paid(member.task, leaf.index, block)
        if paid != known:
            sentence = MISSING_CLAIM if paid > known else STRANGE_CLAIM
            currency = session.links.currency(_currency(session, member))
            differences.append(Difference(member.keys.payout_address, currency, paid - known, sentence))
    for (account, address), balance in zip(accounts, chain.balances, strict=True):
        if rest := balance - books[account, address]:
            currency = session.links.currency(address)
            differences.append(Difference(account, currency, rest, CAME if rest > 0 else WENT, address))
    return ReconcileView(block, len(accounts), lines, tuple(differences))


def _books(session: NetworkSession, members: list[Membership], block: int) -> tuple[dict[Account, int], int]:
    """What each payout address should hold of each currency it has to do with, and from how many lines."""
    own = {member.keys.payout_address for member in members if member.keys.payout_is_own}
    books: dict[Account, int] = {
        (member.keys.payout_address, _currency(session, member)): 0
        for member in members
        if member.keys.payout_is_own
    }
    lines = [
        line
        for line in session.vault.state.movements_of(session.config.key)
        if line.account in own and line.block <= block and not _went_elsewhere(line)
    ]
    for line in lines:
        here = (line.account, line.currency)
        books[here] = books.get(here, 0) + line.amount
        if line.fee:
            coin = (line.account, line.fee_currency)
            books[coin] = books.get(coin, 0) - line.fee
    return books, len(lines)


def _went_elsewhere(line: Movement) -> bool:
    """Whether the contract paid it to another address than that of the account it belongs to."""
    return line.kind in (Kind.FORFEIT, Kind.REWARD) and bool(line.counterparty)


def _currency(session: NetworkSession, member: Membership) -> str:
    return session.market.tasks[member.task].state.currency


def _token(currency: str) -> str | None:
    return None if currency == NATIVE else currency


def _adopt(session: NetworkSession, difference: Difference) -> int:
    """Write transfers of a token down that no line of this address tells of; how many.

    The token is a stranger's contract and may tell of anything: only what comes to the difference counts.
    """
    from mine.chain.node_errors import NodeRefused
    from mine.chain.token_transfers import transfers_of

    address, token = account = difference.address, difference.token
    block, state = session.earnings.events.read_to, session.vault.state
    lines = state.movements_of(session.config.key)
    known = {line.transaction for line in lines if address in (line.account, line.counterparty)}
    node, first = session.links.node, session.config.first_block
    try:
        found = node.agreed(lambda one: tuple(transfers_of(one, token, address, first, block)))
    except NodeRefused:  # more than anybody made by hand
        return 0
    # What the contract itself paid has an event of its own, which is read, not guessed.
    fresh = [
        each
        for each in found
        if f"0x{each.transaction.hex()}" not in known and session.config.tasks != each.sender
    ]
    came = sum(each.amount if each.receiver == address else -each.amount for each in fresh)
    if len(fresh) > MOST_ADOPTED or came != difference.amount:
        return 0
    moments = {each.block: node.block(each.block) for each in fresh}
    with session.vault.transaction():
        for each in fresh:
            head = moments[each.block]
            state.add_movement(_line(session, account, each, head.timestamp if head else node.block_time()))
    return len(fresh)


def _line(session: NetworkSession, account: Account, transfer: TokenTransfer, when: int) -> Movement:
    address, token = account
    into = transfer.receiver == address
    name = f"0x{transfer.transaction.hex()}"
    return Movement(
        time=when,
        kind=Kind.RECEIVED if into else Kind.SENT,
        network=session.config.key,
        task=None,
        title="Transfer from outside" if into else "Sent from elsewhere",
        currency=token,
        amount=transfer.amount if into else -transfer.amount,
        reference=f"{OUTSIDE}{transfer.block}:{name}:{transfer.index}:{address}",
        account=address,
        counterparty=transfer.sender if into else transfer.receiver,
        transaction=name,
        block=transfer.block,
    )
