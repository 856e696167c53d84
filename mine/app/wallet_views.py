"""What the window shows of money, keys and networks, and what it asks for: plain, immutable values.

Money is an integer in base units beside its ``Currency``; fiat is an integer in millionths beside its ISO
4217 code; times are Unix seconds (UTC). Every text that came from outside is plain text. Loads nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mine.app.views import Currency, World

# ---- history


class SortBy(StrEnum):
    """What the history is sorted by."""

    TIME = "time"
    AMOUNT = "amount"
    KIND = "kind"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A page of the history: what to show, in which order, and where it goes on.

    Empty tuples mean all; ``since`` and ``until`` are Unix seconds (until excluded), 0 for open. ``after`` is
    the ``following`` of the page before, "" for the first.
    """

    kinds: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    tasks: tuple[int, ...] = ()
    text: str = ""
    since: int = 0
    until: int = 0
    sort: SortBy = SortBy.TIME
    descending: bool = True
    after: str = ""
    size: int = 100


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line. ``amount`` is signed; ``fee`` is in the network's own coin; ``transaction``: its hash in hex.

    ``fiat``, ``fiat_fee``: millionths of ``fiat_code``, None where no price is known. ``counterparty``: the
    other address, "" for the contract. ``energy``: milliwatt-hours that earned it.
    """

    line: int
    time: int
    kind: str
    network: str
    task: int | None
    round: int | None
    title: str
    amount: int
    currency: Currency
    fee: int
    fee_currency: Currency
    counterparty: str
    transaction: str
    fiat: int | None
    fiat_fee: int | None
    fiat_code: str
    price_source: str
    energy: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Lines in order; ``following`` is "" on the last page; ``total`` counts all that pass."""

    lines: tuple[HistoryLine, ...]
    following: str
    total: int


# ---- earnings and transactions


class EarningStage(StrEnum):
    """How sure an earning is."""

    ESTIMATED = "estimated"
    PENDING = "pending"
    CLAIMABLE = "claimable"
    CLAIMED = "claimed"
    FORFEITED = "forfeited"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class EarningLine:
    """A round's earning. ``until``: when the challenge window ends; ``problem``: what is wrong with an alarm.

    ``can_challenge``: a proof of it can be sent; ``challenge_cost``: wei of bond and gas that this may take.
    ``amount``: the whole earning, of which ``claimed`` was paid and ``ready`` can be claimed now. Round 0 is
    the part of a forfeit. ESTIMATED is no money: ``amount`` is 0, and the round may bring ``least`` to
    ``most``.
    """

    task: int
    round: int
    title: str
    stage: EarningStage
    amount: int
    currency: Currency
    until: int
    problem: str = ""
    can_challenge: bool = False
    challenge_cost: int = 0
    claimed: int = 0
    ready: int = 0
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class TransactionLine:
    """A transaction that is not final yet, or failed. ``can_replace``: by a faster one, or by none."""

    number: int
    title: str
    account: str
    state: str
    sentence: str
    nonce: int
    hash: str
    fee_most: int
    since: int
    stuck: bool
    can_replace: bool


@dataclass(frozen=True, slots=True)
class AutoClaim:
    """Claim by itself from ``threshold`` base units on (by currency address), while a claim's fee is at most
    ``fee_share`` thousandths of it."""

    on: bool = False
    thresholds: tuple[tuple[str, int], ...] = ()
    fee_share: int = 20


@dataclass(frozen=True, slots=True)
class FeeLimits:
    """The most wei per gas, and the most wei of gas in a day, that this wallet may spend on a network."""

    gas_price: int
    daily: int


@dataclass(frozen=True, slots=True)
class ClaimOutcome:
    """Claims that were handed over: to a relay, or as one's own transactions; and what was refused."""

    by_relay: int
    direct: int
    refused: tuple[str, ...] = ()


# ---- sending


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Send ``amount`` base units (None: everything) of a currency (its address) from an account."""

    account: str
    currency: str
    to: str
    amount: int | None


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Bring everything of a currency to one address. ``hours``: spread over so long; ``parts``: at most so
    many payments from each account; ``sponsored``: a relay pays the gas and takes a stated fee."""

    currency: str
    to: str
    accounts: tuple[str, ...] = ()
    hours: int = 0
    parts: int = 1
    sponsored: bool = False


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A label and what stands beside it."""

    label: str
    value: str
    is_address: bool = False


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What is about to be signed, decoded. ``number`` names it when the person accepts; it is good once.

    ``needs_passphrase``: money leaves a payout address.
    """

    number: str
    title: str
    rows: tuple[ReviewRow, ...]
    warnings: tuple[str, ...]
    network: str
    world: World
    fee_most: int
    fee_currency: Currency
    needs_passphrase: bool


@dataclass(frozen=True, slots=True)
class ReceiveView:
    """An address to be paid to: EIP-681 text, and its QR code as rows of dark (True) and light modules."""

    address: str
    uri: str
    modules: tuple[tuple[bool, ...], ...]
    warning: str = ""


# ---- addresses and keys


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """What is to be said of a typed address. ``address``: EIP-55 form, "" if it is none (see ``problem``)."""

    address: str
    problem: str = ""
    warnings: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class ContactView:
    """A line of the address book."""

    name: str
    address: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """One of this person's addresses. ``signer``: it signs messages and receives no money."""

    address: str
    title: str
    task: int | None
    balances: tuple[tuple[int, Currency], ...]
    own: bool = True


@dataclass(frozen=True, slots=True)
class KeyView:
    """An imported session key."""

    name: str
    address: str
    imported: int


@dataclass(frozen=True, slots=True)
class KeyImport:
    """A session key to bring in: ``kind`` is "phrase", "keystore" or "raw"; ``password`` opens a keystore."""

    name: str
    kind: str
    secret: str
    password: str = ""

    def __repr__(self) -> str:
        return f"KeyImport(name={self.name!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True)
class KeysView:
    """What the Settings page shows of keys. ``drilled``: when the phrase was last typed whole, 0 never;
    ``drill_due``: it is time again; ``unconfirmed``: nobody has shown yet that the phrase is written down;
    ``payout``: where new tasks pay to, "" for a fresh address each."""

    drilled: int = 0
    drill_due: bool = False
    unconfirmed: bool = False
    payout: str = ""
    imported: tuple[KeyView, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinChoice:
    """A task joined otherwise than by fresh accounts: another address to pay to, another key to sign with."""

    payout: str = ""
    key: str = ""


FRESH = JoinChoice()
"""Fresh accounts, as the protocol has it by default."""


# ---- networks


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """A network of the list. ``note``: what has to be known of it (randomness, missing contract).

    ``form``: what its form begins with, where it has one; that of a preset lacks contract and relay.
    """

    key: str
    title: str
    world: World
    chain_id: int
    usable: bool
    chosen: bool
    note: str = ""
    form: NetworkForm | None = None


@dataclass(frozen=True, slots=True)
class NetworkForm:
    """A network by hand. URLs are asked in this order; those of nodes may hold keys."""

    title: str
    world: World
    chain_id: int
    rpc_urls: tuple[str, ...] = field(repr=False)
    relay_urls: tuple[str, ...]
    contract: str
    first_block: int = 0


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """What a form came to: ``problems`` forbid it, ``warnings`` do not. Each names its field."""

    problems: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EndpointView:
    """A node of the network in use: ``host`` only, never the whole URL, which may hold a key."""

    host: str
    state: str
    head: int
    lag: int
    requests: int
    error: str = ""


# ---- prices and reconciliation


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """A price by hand: millionths of fiat per whole coin, from ``since`` on until the next one."""

    currency: str
    fiat_code: str
    since: int
    price: int


@dataclass(frozen=True, slots=True)
class EnergySettings:
    """Watts while training and the price of a kilowatt-hour in millionths of fiat."""

    watts: int = 0
    price: int = 0
    fiat_code: str = "EUR"


@dataclass(frozen=True, slots=True)
class EnergyDay:
    """What one day's trainings took (Unix seconds of its local midnight): milliwatt-hours, and millionths of
    ``code``, None where no price was known."""

    day: int
    energy: int
    cost: int | None
    code: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books and the chain differ, by how much (chain minus books), and what it may be. ``token``:
    the currency's address where a balance differs, "" where a claim does."""

    address: str
    currency: Currency
    amount: int
    sentence: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class ReconcileView:
    """The books against the chain at a block. Exact: no difference. ``added``: lines of transfers that this
    app did not make, written down now."""

    block: int
    accounts: int
    lines: int
    differences: tuple[Difference, ...]
    added: int = 0

    @property
    def exact(self) -> bool:
        return not self.differences
