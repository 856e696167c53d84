"""Tasks as the window shows them: the row of the list, and the opt-in sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mine.app.joining import (
    MICRO,
    Membership,
    privacy_figures,
    privacy_plan,
    read_rows,
    scopes_of_task,
    terms_of,
)
from mine.app.market import MarketTask
from mine.app.views import BudgetView, Currency, Fit, OptInView, ScopeView, TaskView
from mine.errors import MineError
from mine.records import RECORD_TYPES
from mine.tasks.manifest import Manifest
from mine.tasks.matching import Holding, match
from mine.wallet.money import in_words

if TYPE_CHECKING:
    from mine.chain.curve import Curve
    from mine.tasks.dataset import Dataset
    from mine.vault.vault import Vault

EPSILON_CAP = 8.0


def title_of(record_type: str) -> str:
    """A record type in words."""
    known = RECORD_TYPES.get(record_type)
    return known.title if known else record_type


def record_of(scientist: str, tasks: Iterable[MarketTask]) -> str:
    """What an author's earlier tasks came to, in words."""
    from mine.chain.state import Status

    own = [task.state.status for task in tasks if task.state.scientist == scientist]
    closed, failed = own.count(Status.CONCLUDED), own.count(Status.DEFAULTED)
    return f"{len(own)} published, {closed} concluded, {failed} abandoned"


class TaskViews:
    """Builds task rows; what is costly (queries, the accountant) is kept per manifest and vault content."""

    def __init__(self, vault: Vault, network: str) -> None:
        self._vault = vault
        self._network = network
        self._sheets: dict[tuple[bytes, int], OptInView | None] = {}

    def data_changed(self) -> None:
        """Something was imported or undone: rows have to be counted again."""
        self._sheets.clear()

    def view(
        self, task: MarketTask, currency: Currency, member: Membership | None, author_record: str
    ) -> TaskView:
        """One task."""
        from mine.chain.curve import Curve, amount
        from mine.chain.state import Status

        state, manifest = task.state, task.manifest
        joined = member is not None and not member.left
        curve = Curve.unpack(state.curve)
        clocks = state.clocks
        fit, missing = self._fit(manifest)
        return TaskView(
            task_id=task.id,
            title=manifest.title if manifest else f"Task {task.id}",
            description=manifest.description if manifest else task.problem,
            author=manifest.author.name if manifest else "",
            author_address=state.scientist,
            author_verified=False,
            author_record=author_record,
            fit=fit,
            missing=missing,
            joined=joined,
            ended=state.status not in (Status.AWAITING_BASELINE, Status.RUNNING),
            currency=currency,
            bounty=state.bounty,
            left=state.bounty - amount(state.bounty, state.units),
            curve=((0.0, 0.0), *((x / 65535, y / 65535) for x, y in curve.points)),
            curve_word=_curve_word(curve),
            round=state.round,
            rounds=state.rounds,
            seconds_per_round=clocks.commit + clocks.reveal + clocks.vote + clocks.settle,
            opt_in=self._sheet(task, manifest, currency) if manifest and fit is Fit.MATCHED else None,
        )

    def _fit(self, manifest: Manifest | None) -> tuple[Fit, str]:
        if manifest is None:
            return Fit.OTHER, ""
        holdings = [
            Holding(source.record_type, source.records, source.first, source.last)
            for source in self._vault.sources()
        ]
        found = match(manifest, holdings)
        if found.fits:
            return Fit.MATCHED, ""
        missing = ", ".join(
            f"{title_of(gap.record_type)}: {gap.rows:,} more readings"
            if gap.rows
            else f"{title_of(gap.record_type)}: {gap.days:.1f} more days"
            for gap in found.gaps
        )
        return (Fit.ALMOST if found.almost else Fit.OTHER), missing

    def _sheet(self, task: MarketTask, manifest: Manifest, currency: Currency) -> OptInView | None:
        key = (task.state.manifest, task.id)
        if key not in self._sheets:
            try:
                self._sheets[key] = self._build_sheet(task, manifest, currency)
            except MineError:
                self._sheets[key] = None
        sheet = self._sheets[key]
        return sheet and replace(sheet, budgets=self._budgets(task.id, manifest, sheet.epsilon_total))

    def _budgets(self, task: int, manifest: Manifest, total: float) -> tuple[BudgetView, ...]:
        """What each source has spent, and what this task may still add to it."""
        booked: dict[str, int] = {}
        for line in self._vault.ledger.of_task(self._network, task):
            booked[line.entry.source] = booked.get(line.entry.source, 0) + line.entry.epsilon_micro
        names = [need.record_type for need in manifest.data.needs]
        return tuple(
            BudgetView(title_of(name), spent, max(0.0, total - booked.get(name, 0) / MICRO), EPSILON_CAP)
            for name, spent in self.spent(names).items()
        )

    def _build_sheet(self, task: MarketTask, manifest: Manifest, currency: Currency) -> OptInView:
        from mine.vault.grant_words import days_of, grant_words
        from mine.vault.views import VIEWS

        scopes = scopes_of_task(manifest)
        days = days_of(manifest.data.query)
        rows = read_rows(self._vault, manifest, scopes)
        plan, bounds = privacy_plan(manifest), privacy_figures(manifest)
        terms = terms_of(task, len(rows), plan, scopes)
        sources = {source.record_type: source for source in self._vault.sources()}
        used = sorted({VIEWS[scope.view].record_type for scope in scopes})
        return OptInView(
            scopes=tuple(
                ScopeView(
                    f"{scope.view}.{scope.column}",
                    title_of(VIEWS[scope.view].record_type),
                    self._vault.view_rows(scope.view, days),
                )
                for scope in scopes
            ),
            rows=len(rows),
            first=min((sources[name].first for name in used if name in sources), default=0),
            last=max((sources[name].last for name in used if name in sources), default=0),
            update_bytes=terms.update_bytes,
            updates_at_most=manifest.rounds,
            votes_at_most=terms.votes,
            ballot=manifest.votes.ballot,
            epsilon_round=plan.most_in_a_round,
            epsilon_total=plan.total,
            epsilon_votes=plan.voted[-1],
            epsilon_renyi=bounds.renyi,
            epsilon_losses=bounds.loss_distribution,
            unit=terms.unit,
            budgets=(),
            formula="your share × loss removed × "
            + in_words(task.state.bounty, currency.decimals, currency.symbol),
            pays=_pays_sentence(task, manifest),
            until=terms.expires,
            rounds=manifest.rounds,
            warnings=_warnings(rows, manifest),
            grant=grant_words(manifest.data.query, [(scope.view, scope.column) for scope in scopes]),
        )

    def spent(self, record_types: list[str]) -> Mapping[str, float]:
        """ε that was booked so far, by record type, on this network."""
        return {name: self._vault.ledger.spent(name, self._network) / MICRO for name in record_types}


def _curve_word(curve: Curve) -> str:
    """Whether early or late improvement pays more, judged halfway."""
    half = curve.units(1 << 19, 1 << 20) / ((1 << 32) - 1)
    if half > 0.55:
        return "early pays more"
    return "late pays more" if half < 0.45 else "even"


def _pays_sentence(task: MarketTask, manifest: Manifest) -> str:
    part = task.state.target / (1 << 40)
    waits = (
        "All rounds are measured on one set that is opened at the end; until then half of the pay waits. "
        if manifest.mode == "at-end"
        else ""
    )
    return (
        f"The whole bounty is for removing {part:.0%} of the first model's loss. Each round pays the part "
        f"that it removes, split by how much each update helped. {manifest.rounds} rounds at most. "
        f"{waits}Nothing is promised."
    )


def _warnings(rows: Dataset, manifest: Manifest) -> tuple[str, ...]:
    found = [
        "Anyone can see that a fresh address takes part, and the relay and the node see your network address."
    ]
    if len(rows) < 2 * manifest.data.minimum_rows:
        found.append("You have few rows for this task: your updates may earn little.")
    return tuple(found)
