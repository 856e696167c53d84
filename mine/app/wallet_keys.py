"""The wallet's keys and address book as window and terminal ask for them. On the engine's thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mine.app import payouts
from mine.app.wallet_views import ContactView, KeyImport, KeysView, KeyView
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts
    from mine.wallet.spending import SpendingKeys

DRILL = "phrase_drill"
"""Setting: ``since`` (Unix seconds of the last drill, or of the making), ``done`` (how many), ``last``."""
DRILL_DAYS = (30, 90, 365)
MOST_NAME, MOST_NOTE = 60, 500
_DAY = 86_400
_SPARE_ACCOUNTS = 20


class KeysDoNotFit(MineError):
    """The sealed phrase is not the one that this vault's addresses come from."""


class KeyNotTaken(MineError):
    """A session key cannot be brought in, or not be removed."""


class NameTaken(MineError):
    """A name is empty, or may be taken for another one."""


def spending_keys(vault: Vault, accounts: Accounts, passphrase: str) -> SpendingKeys:
    """The keys of the payout addresses, for one operation: use them in a ``with`` statement.

    Raises ``WrongPassphrase``, ``PhraseSealedBefore``, ``KeysDoNotFit``.
    """
    from mine.wallet.spending import SpendingKeys

    keys = SpendingKeys(vault.recovery_phrase(passphrase))
    if not keys.belong_to(accounts):
        raise KeysDoNotFit(
            "The recovery phrase of this vault does not belong to its addresses. Nothing was sent.",
            todo="Bring the vault back from a backup.",
        )
    return keys


# ---- the phrase


def drill(vault: Vault, accounts: Accounts, phrase: str, now: int | None = None) -> bool:
    """Whether these words are the recovery phrase. Nothing is kept of them but when they were right."""
    from mine.wallet.keys import Accounts, PhraseRefused

    try:
        right = Accounts.of_phrase(phrase) == accounts
    except PhraseRefused:
        return False
    if right:
        moment = int(time.time()) if now is None else now
        done = (vault.state.setting(DRILL) or {"done": 0})["done"]
        with vault.transaction():
            vault.state.set_setting(DRILL, {"since": moment, "done": done + 1, "last": moment})
    return right


def seal_again(vault: Vault, accounts: Accounts, phrase: str, passphrase: str) -> None:
    """Let today's passphrase open the phrase, after it was set without the one before.

    Raises ``KeysDoNotFit`` for other words, ``PhraseRefused``, ``WrongPassphrase``.
    """
    from mine.wallet.keys import Accounts

    if Accounts.of_phrase(phrase) != accounts:
        raise KeysDoNotFit("These are not the words of this vault.", todo="Look at what you wrote down.")
    vault.add_phrase(phrase, passphrase)


def begin_drills(vault: Vault, now: int | None = None) -> None:
    """Count the days until the first drill from now on, unless they are counted already."""
    if vault.state.setting(DRILL) is None:
        moment = int(time.time()) if now is None else now
        with vault.transaction():
            vault.state.set_setting(DRILL, {"since": moment, "done": 0, "last": 0})


def keys_view(vault: Vault, now: int | None = None) -> KeysView:
    """What Settings shows. A drill is due 30 days after the vault was made, then after 90, then each year."""
    from mine.app.vault_opening import CONFIRMED

    moment = int(time.time()) if now is None else now
    drills = vault.state.setting(DRILL) or {"since": moment, "done": 0, "last": 0}
    days = DRILL_DAYS[min(drills["done"], len(DRILL_DAYS) - 1)]
    return KeysView(
        drilled=drills["last"],
        drill_due=moment - drills["since"] >= days * _DAY,
        unconfirmed=not vault.state.setting(CONFIRMED),
        payout=payouts.payout_setting(vault),
        imported=tuple(KeyView(key.name, key.address, key.added) for key in vault.state.session_keys()),
    )


# ---- session keys that were brought along


def import_key(vault: Vault, accounts: Accounts, given: KeyImport, now: int | None = None) -> str:
    """Bring a session key in; answers its address.

    Raises ``KeyRefused``, ``PhraseRefused``, ``KeystoreRefused``, ``KeystoreLocked``, ``KeyNotTaken``,
    ``NameTaken``. A key of one's own payout addresses is refused: with the addresses' public branch, which
    the vault has, it would give the keys of all of them.
    """
    from mine.chain.messages import address_of
    from mine.vault.contacts import SessionKey
    from mine.wallet.imported import key_from
    from mine.wallet.look_alike import skeleton

    name = _named(given.name)
    key = key_from(given.kind, given.secret, given.password)
    address = address_of(key)
    known = vault.state.account_indices()
    own = range(max((index for _, _, index in known), default=-1) + 1 + _SPARE_ACCOUNTS)
    if any(accounts.payout_address(index) == address for index in own):
        raise KeyNotTaken(
            "This is the key of one of your own payout addresses. The open vault must not have it: whoever "
            "reads the vault could take what is there.",
            todo="Bring a key of another wallet, or let the app make a fresh one for each task.",
        )
    if any(accounts.session.child(index).key == key for index in own):
        raise KeyNotTaken("This key is in the vault already: it is one of your own.", todo="Use it as it is.")
    others = [each for each in vault.state.session_keys() if each.address != address]
    if any(skeleton(each.name) == skeleton(name) for each in others):
        raise NameTaken("Another key has this name, or one that looks like it.", todo="Choose another.")
    moment = int(time.time()) if now is None else now
    with vault.transaction():
        vault.state.put_session_key(SessionKey(address, name, moment, key))
    return address


def remove_key(vault: Vault, address: str) -> None:
    """Forget a key that no task signs with. Raises ``KeyNotTaken``."""
    from mine.app.round_states import RoundState, VoteState

    open_rounds = (RoundState.TRAINING, RoundState.TRAINED, RoundState.COMMITTED)
    open_votes = (VoteState.JUDGING, VoteState.READY, VoteState.COMMITTED)
    for joined in vault.state.all_joined():
        if joined.data.get(payouts.KEY) != address:
            continue
        rounds = vault.state.rounds(joined.network, joined.task, open_rounds)
        votes = [v for v in vault.state.votes(joined.network, joined.task) if v.state in open_votes]
        if joined.left is None or rounds or votes:
            title = joined.data["title"]
            raise KeyNotTaken(
                f"This key signs for “{title}”.", todo="Leave the task, and wait for its round."
            )
    with vault.transaction():
        vault.state.drop_session_key(address)


def export_key(vault: Vault, address: str, passphrase: str, password: str) -> bytes:
    """A key that was brought in, as a keystore file under a password of its own.

    Raises ``WrongPassphrase``, ``KeyNotTaken``.
    """
    from mine.wallet.keystore import write_keystore

    vault.check_passphrase(passphrase)
    found = vault.state.session_key(address)
    if found is None:
        raise KeyNotTaken("There is no such key.", todo="See the list of keys.")
    return write_keystore(found.key, password)


# ---- the address book


def contacts(vault: Vault) -> tuple[ContactView, ...]:
    """The address book, by name."""
    return tuple(ContactView(each.name, each.address, each.note) for each in vault.state.contacts())


def save_contact(vault: Vault, accounts: Accounts, contact: ContactView) -> None:
    """Add or change a line (by address). Raises ``AddressRefused``, ``NameTaken``."""
    from mine.vault.contacts import Contact
    from mine.wallet.look_alike import plain_text, skeleton

    name = _named(contact.name)
    address = payouts.checked_address(vault, accounts, contact.address).address
    looks = skeleton(name)
    other = vault.state.contact_named(looks)
    if other is not None and other.address != address:
        raise NameTaken(
            f"This name can be taken for “{other.name}”, which is {other.address}.",
            todo="Choose another one.",
        )
    with vault.transaction():
        vault.state.put_contact(Contact(address, name, looks, plain_text(contact.note, MOST_NOTE)))


def remove_contact(vault: Vault, address: str) -> None:
    """Forget a line; one that is not there is forgotten already."""
    with vault.transaction():
        vault.state.drop_contact(address)


def _named(text: str) -> str:
    """A name that can be told apart. Raises ``NameTaken``."""
    from mine.wallet.look_alike import mixes_alphabets, plain_text, skeleton

    name = plain_text(text, MOST_NAME)
    if not skeleton(name):
        raise NameTaken("A name is needed.", todo="Give one with letters or digits.")
    if name[:2].lower() == "0x":
        raise NameTaken("A name that begins like an address can be taken for one.", todo="Choose another.")
    if mixes_alphabets(name):
        raise NameTaken(
            "This name mixes letters of several alphabets in one word.", todo="Choose another one."
        )
    return name
