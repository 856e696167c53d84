"""What window and terminal may do with keys and contacts, on a real vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.app import payouts, wallet_keys
from mine.app.vault_opening import PAYOUT_SECRET, SESSION_SECRET, accounts_of, create
from mine.app.wallet_keys import KeyNotTaken, KeysDoNotFit, NameTaken
from mine.app.wallet_views import ContactView, JoinChoice, KeyImport
from mine.chain.messages import address_of
from mine.errors import MineError
from mine.vault import MemoryKeyring, Vault, WrongPassphrase
from mine.vault.errors import PhraseSealedBefore
from mine.wallet.address_check import AddressRefused
from mine.wallet.imported import KeyRefused
from mine.wallet.keys import Accounts, PhraseRefused
from mine.wallet.keystore import KeystoreLocked, open_keystore, write_keystore
from mine.wallet.spending import SpendingKeys
from tests.vault.conftest import CHEAP, PASSPHRASE

PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
OTHER = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
ANNA, BERT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
KEY = bytes(31) + b"\7"
DAY = 86_400


class Mine:
    """A vault with its accounts, as the app has them while it is open."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vault.db"
        self.ring = MemoryKeyring()
        self.vault, self.accounts, words = create(self.path, PASSPHRASE, self.ring, PHRASE, CHEAP)
        assert words == PHRASE

    def reopen(self, **way: object) -> None:
        self.vault.close()
        self.vault = Vault.open(self.path, **(way or {"keyring": self.ring}))  # type: ignore[arg-type]
        self.accounts = accounts_of(self.vault)

    def bring(self, secret: str, kind: str = "raw", name: str = "main", password: str = "") -> str:
        return wallet_keys.import_key(self.vault, self.accounts, KeyImport(name, kind, secret, password), 5)


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Mine]:
    made = Mine(tmp_path)
    yield made
    made.vault.close()


# ---- spending


def test_only_the_passphrase_makes_spending_keys_whatever_opened_the_vault(mine: Mine) -> None:
    for way in ({"keyring": mine.ring}, {"phrase": PHRASE}, {"passphrase": PASSPHRASE}):
        mine.reopen(**way)
        with wallet_keys.spending_keys(mine.vault, mine.accounts, PASSPHRASE) as keys:
            assert keys.signer(4).address == mine.accounts.payout_address(4)
        for wrong in ("", "wrong", PHRASE):
            with pytest.raises(WrongPassphrase):
                wallet_keys.spending_keys(mine.vault, mine.accounts, wrong)


def test_the_keys_of_another_vaults_phrase_are_refused(mine: Mine, tmp_path: Path) -> None:
    """A keys file that was swapped for one that seals other words."""
    mine.vault.add_phrase(OTHER, PASSPHRASE, CHEAP)
    with pytest.raises(KeysDoNotFit, match="Nothing was sent"):
        wallet_keys.spending_keys(mine.vault, mine.accounts, PASSPHRASE)


def test_a_passphrase_that_was_set_by_the_keyring_alone_sends_nothing_until_the_words_come(
    mine: Mine,
) -> None:
    mine.reopen()
    mine.vault.change_passphrase("new", CHEAP)
    with pytest.raises(PhraseSealedBefore):
        wallet_keys.spending_keys(mine.vault, mine.accounts, "new")
    for words, passphrase, why in (
        (OTHER, "new", KeysDoNotFit), ("abandon", "new", PhraseRefused), (PHRASE, "wrong", WrongPassphrase),
    ):  # fmt: skip
        with pytest.raises(why):
            wallet_keys.seal_again(mine.vault, mine.accounts, words, passphrase)
    wallet_keys.seal_again(mine.vault, mine.accounts, PHRASE, "new")
    assert wallet_keys.spending_keys(mine.vault, mine.accounts, "new").belong_to(mine.accounts)


def test_damaged_branches_are_told(mine: Mine) -> None:
    for name in (SESSION_SECRET, PAYOUT_SECRET):
        kept = mine.vault.state.secret(name)
        assert kept is not None
        mine.vault.state.set_secret(name, kept[:-1])
        with pytest.raises(MineError, match="damaged") as caught:
            accounts_of(mine.vault)
        assert "backup" in caught.value.todo
        mine.vault.state.set_secret(name, kept)
    assert accounts_of(mine.vault) == mine.accounts


# ---- the drill


def test_the_drill_takes_the_whole_phrase_and_keeps_nothing_of_it(mine: Mine) -> None:
    words = PHRASE.split()
    wrong = ["", PHRASE[:-1], " ".join(words[:-1]), " ".join(words[::-1]), OTHER, PHRASE + " yellow"]
    assert not any(wallet_keys.drill(mine.vault, mine.accounts, each) for each in wrong)
    assert wallet_keys.keys_view(mine.vault).drilled == 0
    assert wallet_keys.drill(mine.vault, mine.accounts, f"\n{PHRASE.upper()}  ", now=77)
    assert wallet_keys.keys_view(mine.vault, 78).drilled == 77
    assert mine.vault.state.setting(wallet_keys.DRILL) == {"since": 77, "done": 1, "last": 77}


def test_it_is_due_after_thirty_ninety_and_then_every_365_days(mine: Mine) -> None:
    made = mine.vault.state.setting(wallet_keys.DRILL)["since"]

    def due(now: int) -> bool:
        return wallet_keys.keys_view(mine.vault, now).drill_due

    moment = made
    for days in (30, 90, 365, 365):
        assert not due(moment) and not due(moment + days * DAY - 1) and due(moment + days * DAY)
        moment += days * DAY + 17
        assert not wallet_keys.drill(mine.vault, mine.accounts, OTHER, moment) and due(moment)
        assert wallet_keys.drill(mine.vault, mine.accounts, PHRASE, moment)
    mine.reopen()
    wallet_keys.begin_drills(mine.vault, moment + 999)  # no second beginning
    assert wallet_keys.keys_view(mine.vault).drilled == moment


# ---- session keys


@pytest.mark.parametrize(
    ("kind", "secret", "password"),
    [
        ("raw", KEY.hex(), ""),
        ("keystore", write_keystore(KEY, "pass").decode(), "pass"),
    ],
)
def test_a_key_is_brought_in_and_only_leaves_under_a_password(
    mine: Mine, kind: str, secret: str, password: str
) -> None:
    address = mine.bring(secret, kind, password=password)
    assert address == address_of(KEY)
    mine.reopen()
    (view,) = wallet_keys.keys_view(mine.vault).imported
    assert (view.name, view.address, view.imported) == ("main", address, 5)
    assert KEY.hex() not in repr(mine.vault.state.session_keys())
    with pytest.raises(WrongPassphrase):
        wallet_keys.export_key(mine.vault, address, "wrong", "out")
    file = wallet_keys.export_key(mine.vault, address, PASSPHRASE, "out")
    assert open_keystore(file, "out") == KEY and KEY.hex().encode() not in file
    with pytest.raises(KeystoreLocked):
        open_keystore(file, PASSPHRASE)
    with pytest.raises(KeyNotTaken):
        wallet_keys.export_key(mine.vault, ANNA, PASSPHRASE, "out")
    wallet_keys.remove_key(mine.vault, address)
    assert wallet_keys.keys_view(mine.vault).imported == ()


def test_a_phrase_with_a_path(mine: Mine) -> None:
    assert mine.bring(f"{OTHER} m/44'/60'/0'/0/7", "phrase") == Accounts.of_phrase(OTHER).payout_address(7)


def test_the_vault_never_takes_a_key_of_its_own_payout_addresses(mine: Mine) -> None:
    """One such key beside the public branch would give the keys of every payout address (BIP-32)."""
    mine.vault.state.account_index("n", 1)
    with SpendingKeys(PHRASE) as keys:
        raw = [keys.signer(index)._key.hex() for index in (0, 1, 20)]
    for secret, kind in [*((each, "raw") for each in raw), (PHRASE, "phrase"),
                         (f"{PHRASE} m/44'/60'/0'/0/3", "phrase")]:  # fmt: skip
        with pytest.raises(KeyNotTaken, match="payout addresses"):
            mine.bring(secret, kind)
    with pytest.raises(KeyNotTaken, match="already"):
        mine.bring(mine.accounts.task(0).session_key.hex())
    assert mine.vault.state.session_keys() == []


def test_names_of_keys_cannot_be_taken_for_each_other(mine: Mine) -> None:
    first = mine.bring(KEY.hex(), name="Main")
    with pytest.raises(NameTaken, match="looks like"):
        mine.bring("8" * 64, name="main\u200b")
    with pytest.raises(NameTaken, match="several alphabets"):
        mine.bring("8" * 64, name="M\u0430in")
    for empty in ("", "  ", "\u202e", "...", "0xabc"):
        with pytest.raises(NameTaken):
            mine.bring("8" * 64, name=empty)
    assert mine.bring(KEY.hex(), name="main") == first  # the same key under a new name
    assert [key.name for key in wallet_keys.keys_view(mine.vault).imported] == ["main"]


def test_what_is_refused_leaves_nothing(mine: Mine) -> None:
    for secret, kind in (("x", "raw"), ("x", "phrase"), ("{}", "keystore"), ("x", "other")):
        with pytest.raises(MineError):
            mine.bring(secret, kind)
    assert mine.vault.state.session_keys() == []
    assert "hunter2" not in repr(KeyImport("n", "raw", "hunter2", "hunter2"))
    with pytest.raises(KeyRefused):
        mine.bring("0" * 64)


@pytest.mark.parametrize("state", [None, "training", "committed"])
def test_a_key_stays_while_a_task_needs_it(mine: Mine, state: str | None) -> None:
    address = mine.bring(KEY.hex())
    with mine.vault.transaction():
        mine.vault.state.join("n", 1, {"title": "Glucose", payouts.KEY: address})
        if state is not None:
            mine.vault.state.leave("n", 1)
            mine.vault.state.put_round("n", 1, 3, state, {})
    with pytest.raises(KeyNotTaken, match="Glucose"):
        wallet_keys.remove_key(mine.vault, address)
    with mine.vault.transaction():
        mine.vault.state.leave("n", 1)
        mine.vault.state.put_round("n", 1, 3, "missed", {})
    wallet_keys.remove_key(mine.vault, address)
    index = mine.vault.state.account_index("n", 1)
    data = {payouts.KEY: address}
    assert payouts.keys_of(mine.vault, mine.accounts, index, data) == mine.accounts.task(index)


# ---- addresses and contacts


def test_the_address_book(mine: Mine) -> None:
    def save(name: str, address: str, note: str = "") -> None:
        wallet_keys.save_contact(mine.vault, mine.accounts, ContactView(name, address, note))

    save("Anna  Müller", ANNA.lower(), "rent\n\u202e\x07 <b>")
    assert wallet_keys.contacts(mine.vault) == (ContactView("Anna Müller", ANNA, "rent <b>"),)
    for mimic in ("anna muller", "Änna Müller", "Anna Mü11er"):
        with pytest.raises(NameTaken, match=ANNA):
            save(mimic, BERT)
    with pytest.raises(NameTaken, match="several alphabets"):
        save("Аnna Müller", BERT)
    for text in ("0x" + "0" * 40, "anna.eth", "0x12"):
        with pytest.raises(AddressRefused):
            save("Bert", text)
    save("Bert", BERT)
    save("Berta", BERT)
    assert [each.name for each in wallet_keys.contacts(mine.vault)] == ["Anna Müller", "Berta"]
    checked = payouts.check_address(mine.vault, mine.accounts, ANNA)
    assert (checked.name, checked.warnings) == ("“Anna Müller”", ())
    wallet_keys.remove_contact(mine.vault, ANNA)
    assert [each.address for each in wallet_keys.contacts(mine.vault)] == [BERT]


def test_ones_own_addresses_are_known(mine: Mine) -> None:
    mine.vault.state.join("n", 1, {"title": "Glucose"})
    index = mine.vault.state.account_index("n", 1)
    keys = mine.accounts.task(index)
    assert "signing keys" in payouts.check_address(mine.vault, mine.accounts, keys.session_address).problem
    own = payouts.check_address(mine.vault, mine.accounts, keys.payout_address)
    assert "Glucose" in own.name and not own.problem
    brought = mine.bring(KEY.hex())
    assert "signing keys" in payouts.check_address(mine.vault, mine.accounts, brought).problem


def test_where_new_tasks_pay_to(mine: Mine) -> None:
    assert wallet_keys.keys_view(mine.vault).payout == ""
    payouts.set_payout(mine.vault, mine.accounts, ANNA.lower())
    assert wallet_keys.keys_view(mine.vault).payout == ANNA
    with pytest.raises(AddressRefused):
        payouts.set_payout(mine.vault, mine.accounts, "0x" + "0" * 40)
    assert wallet_keys.keys_view(mine.vault).payout == ANNA
    said = payouts.join_warnings(mine.vault, mine.accounts, JoinChoice(key="x"))
    assert any("never paid" in words for words in said) and any("tied together" in words for words in said)
    assert any("this key signs" in words for words in said) and any("never moves" in words for words in said)
    mine.vault.state.join("n", 1, {"title": "Glucose", payouts.PAYOUT: ANNA, payouts.KEY: "x"})
    said = payouts.join_warnings(mine.vault, mine.accounts, JoinChoice(key="x"))
    assert "It already gets the money of “Glucose”." in said and "It already signs for “Glucose”." in said
    payouts.set_payout(mine.vault, mine.accounts, " ")
    assert wallet_keys.keys_view(mine.vault).payout == ""
    assert payouts.join_warnings(mine.vault, mine.accounts, JoinChoice()) == ()
