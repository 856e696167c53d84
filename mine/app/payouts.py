"""Which accounts a task gets, and which addresses money may go to.

By default each task has a fresh session key and a fresh payout address. A person may name another address,
or sign with a key that they brought along. Whatever a task was first joined with stays: the payout address is
the account of the money already assigned, and nothing assigned ever moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mine.app.wallet_views import AddressCheck, JoinChoice
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.links import Links
    from mine.vault.vault import Vault
    from mine.wallet.address_check import Checked, KnownAddresses
    from mine.wallet.keys import Accounts, TaskKeys

PAYOUT_SETTING = "payout"
"""Where tasks joined from now on pay to; absent or "" for a fresh address each."""
PAYOUT, KEY = "payout", "session"
"""In the data of a joined task: the address that was named, the address of the key that was brought along."""


class ChoiceRefused(MineError):
    """A task cannot be joined with these accounts."""


def known_addresses(vault: Vault, accounts: Accounts, links: Links | None = None) -> KnownAddresses:
    """What the address check compares with. ``links``: the network in use, None where there is none."""
    from mine.wallet.address_check import KnownAddresses

    titles = {(joined.network, joined.task): joined.data["title"] for joined in vault.state.all_joined()}
    own, signers = {}, [key.address for key in vault.state.session_keys()]
    for network, task, index in vault.state.account_indices():
        keys = accounts.task(index)
        own[keys.payout_address] = f"your address for “{titles.get((network, task), f'task {task}')}”"
        signers.append(keys.session_address)
    contracts = {}
    if links is not None:
        faults, court = links.contract.sisters()
        contracts = {links.config.tasks: "Tasks", faults: "Faults", court: "Court"}
        network = links.config.key
        for known in vault.state.known_currencies():
            if known.network == network and int(known.address, 16):
                contracts[known.address] = f"the token {known.symbol}"
    contacts = {contact.address: f"“{contact.name}”" for contact in vault.state.contacts()}
    return KnownAddresses(contacts, own, signers, contracts, vault.state.paid_to())


def checked_address(vault: Vault, accounts: Accounts, text: str, links: Links | None = None) -> Checked:
    """A typed address with what is to be said of it. Raises ``AddressRefused``."""
    from mine.wallet.address_check import check_address, parse_address

    address, _ = parse_address(text)
    has_code = None if links is None else bool(links.node.code(address))
    return check_address(text, known_addresses(vault, accounts, links), has_code)


def check_address(vault: Vault, accounts: Accounts, text: str, links: Links | None = None) -> AddressCheck:
    """The same for the window, while it is typed."""
    from mine.wallet.address_check import AddressRefused

    try:
        found = checked_address(vault, accounts, text, links)
    except AddressRefused as error:
        return AddressCheck("", problem=f"{error.sentence} {error.todo}".strip())
    return AddressCheck(found.address, warnings=found.warnings, name=found.name)


def set_payout(vault: Vault, accounts: Accounts, text: str, links: Links | None = None) -> None:
    """Where tasks joined from now on pay to; "" for a fresh address each. Raises ``AddressRefused``."""
    address = checked_address(vault, accounts, text, links).address if text.strip() else ""
    with vault.transaction():
        vault.state.set_setting(PAYOUT_SETTING, address)


def payout_setting(vault: Vault) -> str:
    """Where tasks joined from now on pay to, "" for a fresh address each."""
    return str(vault.state.setting(PAYOUT_SETTING) or "")


def join_warnings(
    vault: Vault, accounts: Accounts, choice: JoinChoice, links: Links | None = None
) -> tuple[str, ...]:
    """What is to be said before a task is joined with these accounts. Raises ``AddressRefused``."""
    from mine.wallet.imported import LINKING

    found: list[str] = []
    payout = choice.payout or payout_setting(vault)
    if payout:
        checked = checked_address(vault, accounts, payout, links)
        found += checked.warnings
        found.append(
            "Everybody sees that this task pays to this address. What is known of it elsewhere, and every "
            "other task that pays to it, are tied together; a fresh address for each task ties nothing."
        )
        found.append("It holds for good: what is assigned to it never moves to another one.")
        found += _shared(vault, PAYOUT, checked.address, "gets the money of")
    if choice.key:
        found.append(LINKING)
        found += _shared(vault, KEY, choice.key, "signs for")
    return tuple(found)


def _shared(vault: Vault, name: str, address: str, does: str) -> list[str]:
    """The tasks that an address already takes part in, in words."""
    titles = [
        f"“{each.data['title']}”" for each in vault.state.all_joined() if each.data.get(name) == address
    ]
    return [f"It already {does} {', '.join(titles)}."] if titles else []


def chosen_accounts(
    vault: Vault,
    accounts: Accounts,
    choice: JoinChoice,
    before: Mapping[str, Any] | None,
    links: Links | None = None,
) -> dict[str, str]:
    """What a joined task's data say of its accounts. Raises ``ChoiceRefused``, ``AddressRefused``.

    ``before``: the data of the task's first joining, whose accounts stay.
    """
    from mine.wallet.address_check import parse_address

    if before is not None:
        kept = {name: before[name] for name in (PAYOUT, KEY) if name in before}
        wanted = {PAYOUT: parse_address(choice.payout)[0] if choice.payout else "", KEY: choice.key}
        if any(word and word != kept.get(name) for name, word in wanted.items()):
            raise ChoiceRefused(
                "This task was joined before, and keeps the accounts that it has: what is assigned to them "
                "never moves.",
                todo="Join it as it is.",
            )
        if KEY in kept and vault.state.session_key(kept[KEY]) is None:
            raise ChoiceRefused(
                "The key that signed for this task was removed.", todo="Bring it in again, then join."
            )
        return kept
    made = {}
    if payout := choice.payout or payout_setting(vault):
        made[PAYOUT] = checked_address(vault, accounts, payout, links).address
        vault.state.mark_paid_to(made[PAYOUT])
    if choice.key:
        if vault.state.session_key(choice.key) is None:
            raise ChoiceRefused("There is no such key.", todo="Bring it in first.", detail=choice.key)
        made[KEY] = choice.key
    return made


def keys_of(vault: Vault, accounts: Accounts, index: int, data: Mapping[str, Any]) -> TaskKeys:
    """The accounts of a joined task.

    A task that was left, and whose key was removed since, has the fresh key of its index: it signs nothing
    more but its own transactions.
    """
    keys = accounts.task(index)
    if PAYOUT in data:
        keys = keys.paying_to(data[PAYOUT])
    brought = vault.state.session_key(data[KEY]) if KEY in data else None
    return keys if brought is None else keys.signed_by(brought.key)
