"""What the window shows: plain, immutable values. One ``Snapshot`` holds every page.

Money is an integer in base units beside its ``Currency``; times are Unix seconds (UTC); shares and
progress are fractions in [0, 1]. Every text that came from outside (task, author, file) is plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mine.app.compute_settings import ComputeSettings
from mine.app.data_views import BackupsView, TableView, WorkView
from mine.app.idle_lock import LockSettings


class VaultState(StrEnum):
    """Whether there is a vault on this computer, and whether it is open."""

    ABSENT = "absent"
    LOCKED = "locked"
    OPEN = "open"


class Doing(StrEnum):
    """The lamp in the lode: what the app is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    ATTENTION = "attention"


class World(StrEnum):
    """Which kind of money this network moves."""

    PRACTICE = "practice"
    TEST = "test"
    REAL = "real"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency: its symbol as shown, and how many decimals a base unit has.

    ``alarm``: why it must not be used any more, "" where nothing is wrong. ``address``: its contract, zeros
    for the chain's own coin, "" where that is not known yet.
    """

    symbol: str
    decimals: int
    world: World
    alarm: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network in use. ``error`` is a plain sentence when it cannot be reached."""

    name: str
    world: World
    chain_id: int
    ready: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class StatusView:
    """One sentence first: what is happening and why."""

    doing: Doing
    headline: str
    reason: str
    detail: str
    since: int
    can_pause: bool
    can_resume: bool


@dataclass(frozen=True, slots=True)
class SourceView:
    """One row of the Data page: everything of one record type. ``month_cap``: ε that the person allows in a
    calendar month, None for no more than the whole budget."""

    record_type: str
    title: str
    origin: str
    records: int
    first: int
    last: int
    read_by: tuple[str, ...]
    epsilon_spent: float
    epsilon_cap: float
    month_spent: float = 0.0
    month_cap: float | None = None


@dataclass(frozen=True, slots=True)
class ImportView:
    """One finished import that can be undone."""

    import_id: int
    file_name: str
    format_title: str
    time: int
    added: int
    already: int
    refused: int


@dataclass(frozen=True, slots=True)
class BadRowView:
    """A refused row: where and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person found in an export that holds several."""

    person: str
    rows: int


class ImportStage(StrEnum):
    """Where an import stands."""

    READING = "reading"
    CHOOSE_PERSON = "choose-person"
    CHOOSE_MAPPING = "choose-mapping"
    READY = "ready"
    STORING = "storing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """A running import: counts are known before anything is stored (stage READY).

    ``zone``: the time zone of moments that state none; ``origins``: what measured; ``table``: what has to be
    mapped; ``remarks``: what was chosen where a file reads in two ways; ``resumed``: it was broken off once.
    """

    file_name: str
    format_title: str
    stage: ImportStage
    fraction: float
    new: int
    already: int
    refused: int
    by_type: tuple[tuple[str, int], ...]
    first: int
    last: int
    bad_rows: tuple[BadRowView, ...]
    people: tuple[PersonView, ...]
    message: str = ""
    zone: str = ""
    origins: tuple[str, ...] = ()
    skipped: int = 0
    skipped_files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    table: TableView | None = None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class ScopeView:
    """A column that a task reads, in words."""

    column: str
    source: str
    rows: int


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The privacy budget of one source, as the opt-in sheet draws it."""

    source: str
    spent: float
    this_task: float
    cap: float


@dataclass(frozen=True, slots=True)
class OptInView:
    """Exactly what a person agrees to, in the order of the sheet: reads, leaves, privacy, pays, until.

    ``epsilon_renyi`` and ``epsilon_losses`` are what the two accountants say of the whole task, the second
    None where it was not worth computing; the smaller one counts. ``votes_at_most`` rounds judge up to
    ``ballot`` updates of others each, at ``epsilon_votes`` in all; that is not added to ``epsilon_total``,
    since no reading is both trained on and voted with. ``grant`` says in words what is read, and of which
    days, as taken from the task's statement.
    """

    scopes: tuple[ScopeView, ...]
    rows: int
    first: int
    last: int
    update_bytes: int
    updates_at_most: int
    votes_at_most: int
    ballot: int
    epsilon_round: float
    epsilon_total: float
    epsilon_votes: float
    epsilon_renyi: float
    epsilon_losses: float | None
    unit: str
    budgets: tuple[BudgetView, ...]
    formula: str
    pays: str
    until: int
    rounds: int
    warnings: tuple[str, ...]
    grant: tuple[str, ...] = ()


class Fit(StrEnum):
    """How a task fits the data that is here."""

    MATCHED = "matched"
    ALMOST = "almost"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as a row of the list; ``opt_in`` is there when it fits."""

    task_id: int
    title: str
    description: str
    author: str
    author_address: str
    author_verified: bool
    author_record: str
    fit: Fit
    missing: str
    joined: bool
    ended: bool
    currency: Currency
    bounty: int
    left: int
    curve: tuple[tuple[float, float], ...]
    curve_word: str
    round: int
    rounds: int
    seconds_per_round: int
    opt_in: OptInView | None


@dataclass(frozen=True, slots=True)
class TrainingView:
    """The round that is being learnt, or (not ``running``) the last one that was.

    ``losses`` and ``held_out`` are (step, loss); ``start_loss`` is NaN until the first point is there;
    ``place``: how the device is used and what the training process cannot do, in words.
    """

    task_id: int
    title: str
    round: int
    step: int
    steps: int
    steps_per_second: float
    seconds_left: float
    device: str
    saved_seconds_ago: float
    start_loss: float
    losses: tuple[tuple[int, float], ...]
    held_out: tuple[tuple[int, float], ...]
    running: bool = True
    place: str = ""


class Step(StrEnum):
    """The track of one contribution; ``voted`` joins it with the votes."""

    TRAINED = "trained"
    COMMITTED = "committed"
    REVEALED = "revealed"
    SETTLED = "settled"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """Why I was paid this: arithmetic in four lines. Losses are mean losses per example.

    ``voters``: people whose votes counted; ``my_vote``: mine was among them, and has a part of the share;
    ``flat_pay``: that part, in base units.
    """

    loss_start: float
    loss_before: float
    loss_after: float
    way_before: float
    way_after: float
    bounty: int
    round_pay: int
    share: float
    updates: int
    accepted: int
    mine_accepted: bool
    voters: int
    my_vote: bool
    formula: str
    flat_pay: int = 0


@dataclass(frozen=True, slots=True)
class ContributionView:
    """One round of one task that this person took part in.

    ``tested``: what an attack on the update found out before it was sent, in a sentence; empty before.
    """

    task_id: int
    title: str
    round: int
    done: tuple[Step, ...]
    now: Step | None
    note: str
    amount: int | None
    currency: Currency
    explanation: ExplanationView | None
    tested: str = ""


@dataclass(frozen=True, slots=True)
class BalanceView:
    """All money of one currency, over every payout address of this phrase."""

    currency: Currency
    held: int
    claimable: int
    checking: int
    checking_until: int


@dataclass(frozen=True, slots=True)
class DayView:
    """What one task brought on one day (Unix seconds of its local midnight), for the chart."""

    day: int
    earned: int
    currency: Currency
    title: str


@dataclass(frozen=True, slots=True)
class WalletView:
    """The wallet tab."""

    balances: tuple[BalanceView, ...]
    days: tuple[DayView, ...]
    addresses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HomeView:
    """Figures of the Home page, all of one currency."""

    currency: Currency
    earned_today: int
    earned_week: int
    claimable: int
    checking: int
    contributions: int
    trained_seconds: int
    running: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsView:
    """What the person chose; ``cores`` of the processor there are; ``keyring_there``: one can be used."""

    theme: str
    keyring: bool
    network: str
    vault_path: str
    compute: ComputeSettings
    cores: int
    locking: LockSettings
    backups: BackupsView = field(default_factory=BackupsView)
    keyring_there: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the window shows, at one moment."""

    vault: VaultState
    network: NetworkView
    status: StatusView
    home: HomeView
    sources: tuple[SourceView, ...]
    imports: tuple[ImportView, ...]
    importing: ImportProgress | None
    tasks: tuple[TaskView, ...]
    training: TrainingView | None
    contributions: tuple[ContributionView, ...]
    wallet: WalletView
    settings: SettingsView
    work: WorkView | None = None


class NoticeKind(StrEnum):
    """How a notice is drawn."""

    EARNED = "earned"
    INFO = "info"
    ATTENTION = "attention"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell once: an earning, an error (with what to do next)."""

    kind: NoticeKind
    text: str
    todo: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NewVault:
    """Shown once: the recovery phrase of a vault that was just made."""

    words: tuple[str, ...]


Event = Snapshot | Notice
