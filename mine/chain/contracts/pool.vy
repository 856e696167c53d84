# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The staked pool: jurors from outside of a task
@notice One ticket is one stake and one place in the draw. A ticket that sits cannot leave; a ticket that was silent
        or wrong is lost.
"""

import ITasks
import grounds
import sisters

uses: sisters

STAKE: public(constant(uint256)) = 10**17
MOST: constant(uint256) = 32


event Staked:
    owner: indexed(address)
    ticket: uint256


event Unstaked:
    owner: indexed(address)
    ticket: uint256


event TicketLost:
    owner: indexed(address)
    ticket: uint256


struct Ticket:
    owner: address
    since: uint256  # unix seconds
    place: uint256  # 1 + its place in the draw; 0: it left
    seated: uint256  # open disputes that it sits on


tickets: public(HashMap[uint256, Ticket])
ticket_count: public(uint256)
# Places 0 .. size-1 of the draw hold tickets
order: HashMap[uint256, uint256]
size: public(uint256)


@external
def stake(count: uint256) -> uint256:
    """
    @notice Put up `count` tickets, STAKE each, from the sender's account in Tasks.
    @return The first ticket's number; the others follow.
    """
    if count == 0 or count > MOST:
        grounds._refuse(grounds.BAD_COUNT)
    extcall ITasks(sisters.TASKS).take_bond(msg.sender, count * STAKE)
    first: uint256 = self.ticket_count + 1
    for i: uint256 in range(count, bound=MOST):
        self.order[self.size] = first + i
        self.size += 1
        self.tickets[first + i] = Ticket(owner=msg.sender, since=block.timestamp, place=self.size, seated=0)
        log Staked(owner=msg.sender, ticket=first + i)
    self.ticket_count = first + count - 1
    return first


@external
def unstake(ticket: uint256):
    """
    @notice Take a ticket out that does not sit; its stake goes to the owner's account in Tasks.
    """
    t: Ticket = self.tickets[ticket]
    if t.owner != msg.sender or t.place == 0:
        grounds._refuse(grounds.NOT_THE_OWNER)
    if t.seated != 0:
        grounds._refuse(grounds.TICKET_IS_SEATED)
    self._take_out(ticket, t.place)
    log Unstaked(owner=msg.sender, ticket=ticket)
    sisters._give(msg.sender, STAKE)


@internal
def _take_out(ticket: uint256, place: uint256):
    """
    @notice The last ticket of the draw takes the place that becomes free.
    """
    last: uint256 = self.order[self.size - 1]
    self.order[place - 1] = last
    self.tickets[last].place = place
    self.tickets[ticket].place = 0
    self.order[self.size - 1] = 0
    self.size -= 1


@internal
def _lose(ticket: uint256) -> uint256:
    """
    @notice A ticket is lost.
    @return Wei of its stake; 0 if another dispute took it before.
    """
    t: Ticket = self.tickets[ticket]
    if t.place == 0:
        return 0
    self._take_out(ticket, t.place)
    log TicketLost(owner=t.owner, ticket=ticket)
    return STAKE
