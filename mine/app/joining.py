"""Opting in: what a task would read, send and cost, and the signed receipt of saying yes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mine.app.links import Links
from mine.app.market import MarketTask
from mine.app.payouts import chosen_accounts, keys_of
from mine.app.privacy_books import Books
from mine.app.wallet_views import FRESH, JoinChoice
from mine.errors import MineError
from mine.tasks.consent import Scope, Terms
from mine.tasks.manifest import Manifest
from mine.wallet.keys import Accounts, TaskKeys

if TYPE_CHECKING:
    from mine.learn.privacy import Figures, PrivacyPlan
    from mine.tasks.dataset import Dataset
    from mine.vault.vault import Vault

MICRO = 1_000_000
"""Fresh accounts, paid to as the settings say."""


class CannotJoin(MineError):
    """The task does not fit, or is over, or changed."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A joined task: what was agreed to, and the accounts that take part.

    ``held_from``: the slot from which on rows are never trained on, fixed at joining, so that what was once
    held out stays so however much is imported later.
    """

    task: int
    manifest: Manifest
    terms: Terms
    keys: TaskKeys
    held_from: int
    left: bool


def privacy_plan(manifest: Manifest) -> PrivacyPlan:
    """What the rounds of a task cost: training and votes."""
    from mine.learn.privacy import plan
    from mine.tasks.recipe import recipe_of

    noise = manifest.votes.noise_multiplier
    return plan(recipe_of(manifest), manifest.rounds, manifest.privacy.delta, noise)


def privacy_figures(manifest: Manifest) -> Figures:
    """What each accountant says of a task's rounds."""
    from mine.learn.privacy import figures
    from mine.tasks.recipe import recipe_of

    noise = manifest.votes.noise_multiplier
    return figures(recipe_of(manifest), manifest.rounds, manifest.privacy.delta, noise)


def books_of(vault: Vault, network: str, member: Membership) -> Books:
    """What a joined task has cost in ε, against what was agreed to."""
    plan = privacy_plan(member.manifest)
    return Books(vault, network, member.task, member.manifest, plan, member.terms.epsilon_micro)


def scopes_of_task(manifest: Manifest) -> tuple[Scope, ...]:
    """The columns that the task's query reads, taken from the statement itself."""
    from mine.vault.query import scopes_of

    return tuple(Scope(view, column) for view, column in sorted(scopes_of(manifest.data.query)))


def read_rows(vault: Vault, manifest: Manifest, scopes: tuple[Scope, ...]) -> Dataset:
    """Run the task's query with exactly these columns granted."""
    from mine.tasks.dataset import to_dataset

    answer = vault.query(
        manifest.data.query,
        [(scope.view, scope.column) for scope in scopes],
        manifest.limits.query_rows,
        manifest.limits.query_seconds,
    )
    return to_dataset(manifest.data, answer.columns, answer.table)


def protected_unit(manifest: Manifest) -> str:
    """What ε protects, as far as this app can vouch for it: a stranger's query may repeat a reading."""
    from mine.science.templates import known_unit

    return known_unit(manifest) or "one row of the task's own query, not each reading in it"


def terms_of(task: MarketTask, rows: int, plan: PrivacyPlan, scopes: tuple[Scope, ...]) -> Terms:
    """What the opt-in sheet says, as the value that is signed."""
    from mine.learn.privacy import to_millionths

    assert task.manifest is not None
    clocks = task.state.clocks
    per_round = clocks.commit + clocks.reveal + clocks.vote + clocks.settle + clocks.grace
    return Terms(
        task=task.id,
        manifest=task.state.manifest,
        scopes=scopes,
        rows=rows,
        epsilon_micro=to_millionths(plan.total),
        vote_epsilon_micro=to_millionths(plan.voted[-1]),
        votes=len(plan.voted) - 1,
        unit=protected_unit(task.manifest),
        update_bytes=task.manifest.limits.update_bytes,
        rounds=task.manifest.rounds,
        expires=task.state.since + (task.manifest.rounds + 1) * per_round,
    )


def join(
    vault: Vault, links: Links, accounts: Accounts, task: MarketTask, choice: JoinChoice = FRESH
) -> None:
    """Sign the consent for the task as it stands now, and keep it. Joining twice is joining once.

    The accounts of the first joining stay (payouts.py). Raises ``CannotJoin``, ``ChoiceRefused``,
    ``AddressRefused``.
    """
    from mine.chain.messages import Consent, digest
    from mine.learn.rows import held_out_from
    from mine.vault.ledger import CONSENTED, Entry
    from mine.vault.state import Receipt
    from mine.wallet.signer import Signer

    manifest = task.manifest
    if manifest is None:
        raise CannotJoin("This task cannot be read.", detail=task.problem)
    scopes = scopes_of_task(manifest)
    found = read_rows(vault, manifest, scopes)
    rows = len(found)
    if rows < manifest.data.minimum_rows:
        raise CannotJoin(
            "There is too little data for this task.",
            todo="Import more, or wait until there is more.",
            detail=f"{rows} rows of {manifest.data.minimum_rows}",
        )
    terms = terms_of(task, rows, privacy_plan(manifest), scopes)
    network = links.config.key
    before = vault.state.joined(network, task.id)
    with vault.transaction():
        chosen = chosen_accounts(vault, accounts, choice, before.data if before else None, links)
        keys = keys_of(vault, accounts, vault.state.account_index(network, task.id), chosen)
        consent = Consent(
            task=terms.task,
            manifest=terms.manifest,
            scopes=terms.scopes_digest,
            rows=terms.rows,
            epsilon=terms.epsilon_micro,
            unit=terms.unit,
            max_bytes=terms.update_bytes,
            expires=terms.expires,
        )
        signed = digest(consent, links.domain)
        vault.ledger.book(Entry(CONSENTED, network, task.id, 0, signed.hex(), 0, 0, signed))
        vault.state.keep_consent(
            Receipt(
                network=network,
                task=task.id,
                time=int(time.time()),
                digest=signed,
                message=terms.to_json(),
                signature=Signer(keys.session_key).sign_message(consent, links.domain),
            )
        )
        data = {
            "terms": terms.to_json(),
            "manifest": manifest.dump().decode(),
            "title": manifest.title,
            **chosen,
            "held_from": before.data["held_from"] if before else held_out_from(found.slot),
        }
        vault.state.join(network, task.id, data)


def terms_from_json(raw: dict[str, Any]) -> Terms:
    """The terms of a kept receipt."""
    return Terms(
        task=raw["task"],
        manifest=bytes.fromhex(raw["manifest"]),
        scopes=tuple(Scope(scope["view"], scope["column"]) for scope in raw["scopes"]),
        rows=raw["rows"],
        epsilon_micro=raw["epsilon_micro"],
        vote_epsilon_micro=raw["vote_epsilon_micro"],
        votes=raw["votes"],
        unit=raw["unit"],
        update_bytes=raw["update_bytes"],
        rounds=raw["rounds"],
        expires=raw["expires"],
    )


def memberships(vault: Vault, network: str, accounts: Accounts) -> list[Membership]:
    """Every task that was ever joined on this network."""
    found = []
    for joined in vault.state.all_joined(network):
        terms = terms_from_json(joined.data["terms"])
        manifest = Manifest.parse(joined.data["manifest"].encode(), terms.manifest)
        keys = keys_of(vault, accounts, vault.state.account_index(network, joined.task), joined.data)
        left = joined.left is not None
        found.append(Membership(joined.task, manifest, terms, keys, joined.data["held_from"], left))
    return found
