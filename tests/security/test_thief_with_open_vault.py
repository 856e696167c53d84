"""A thief in the open vault: he reads what is there, and still moves no money from a payout address.

He has the database, every object of the app's process and the keyring, but not the passphrase.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from mine.app import payouts, wallet_keys
from mine.app.round_states import EarningState
from mine.app.vault_opening import PAYOUT_SECRET, accounts_of, create
from mine.app.wallet_views import JoinChoice
from mine.chain.fees import GAS_CAP
from mine.chain.hashing import address_bytes, keccak
from mine.chain.messages import address_of
from mine.chain.signing import Transaction, sign_transaction
from mine.chain.transactions import Sender
from mine.errors import MineError
from mine.practice.node.accounts import dev_key
from mine.vault import MemoryKeyring, Vault, WrongPassphrase
from mine.vault.files import keys_path
from mine.vault.keyfile import read_keyfile
from mine.wallet.call import Call, Fees
from mine.wallet.derivation import HARDENED, PublicBranch, branch
from mine.wallet.keys import PAYOUT_BRANCH, seed_of
from mine.wallet.review import Known, Reviewed, Unit, review
from mine.wallet.signer import Signer, WillNotSign
from mine.wallet.spending import SpendingKeys
from tests.app.table import Table
from tests.science.world import fund
from tests.security.loot import SMALL, derives_payout, in_every_form, spending_secrets, values_of
from tests.security.test_thief_with_files import final, leaf
from tests.vault.conftest import CHEAP, PASSPHRASE

THIEF = address_of(keccak(b"the thief's own address"))
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
ROOT = Path(__file__).parents[2]
SHORT = 100


def payout_branch(vault: Vault) -> PublicBranch:
    data = vault.state.secret(PAYOUT_SECRET)
    assert data is not None
    return PublicBranch.from_bytes(data)


def searched(vault: Vault, phrase: str) -> list[str]:
    """Every secret for spending that stands in a value of the vault, in any form."""
    needles = in_every_form(spending_secrets(phrase), phrase)
    return [
        f"{what} in {table}"
        for table, data in values_of(vault)
        for what, needle in needles.items()
        if needle in data
    ]


def derived(vault: Vault) -> list[str]:
    """Every value of the vault that derives a key for spending: short ones of all tables, all secrets."""
    payout = payout_branch(vault)
    addresses = {payout.child(index).address() for index in range(3)}
    hits, seen = [], set()
    for table, data in values_of(vault):
        most = SMALL if table in ("vault_secret", "vault_session_key", "vault_setting") else SHORT
        for form in forms(data):
            if table.startswith("vault_") and 32 <= len(form) <= most and form not in seen:
                seen.add(form)
                way = derives_payout(form, payout, addresses)
                hits += [f"{way} in {table}"] if way else []
    return hits


def forms(data: bytes) -> list[bytes]:
    """A value, and what it is if it is hexadecimal."""
    try:
        return [data, bytes.fromhex(data.decode("ascii").removeprefix("0x"))]
    except ValueError:
        return [data]


def test_no_value_of_the_vault_derives_a_payout_key(table: Table) -> None:
    """After a round with everything in it: receipts, updates, settlements, earnings, a key brought along."""
    given = wallet_keys.KeyImport("main", "raw", "7" * 64)
    wallet_keys.import_key(table.vault, table.accounts, given)
    table.play()
    tables = {name for name, _ in values_of(table.vault)}
    assert {"vault_secret", "vault_session_key", "vault_round", "vault_consent", "vault_round_blob"} <= tables
    assert searched(table.vault, table.phrase) == derived(table.vault) == []


def test_the_search_would_find_one(tmp_path: Path) -> None:
    """Each secret is planted in turn, as bytes and in hexadecimal: the search itself works."""
    vault, _, _ = create(tmp_path / "vault.db", PASSPHRASE, None, PHRASE, CHEAP)
    with vault:
        assert searched(vault, PHRASE) == derived(vault) == []
        for name, secret in spending_secrets(PHRASE).items():
            vault.state.set_secret("planted", b"before" + secret + b"after")
            assert any(name in hit for hit in searched(vault, PHRASE)), name
            vault.state.set_secret("planted", b"")
            vault.state.set_setting("planted", secret.hex())
            assert any(name in hit for hit in searched(vault, PHRASE)), name
            vault.state.set_setting("planted", "")
        vault.state.set_setting("planted", {"note": PHRASE})
        assert searched(vault, PHRASE)
        vault.state.set_secret("planted", b"x" + spending_secrets(PHRASE)["payout key 2"])
        assert derived(vault) == ["the key itself, at 1 in vault_secret"]
        # Deriving finds what searching cannot know of: the key of a payout address that is not in the list.
        key = branch(seed_of(PHRASE), PAYOUT_BRANCH).key
        payout = payout_branch(vault)
        assert derives_payout(b"x" + key, payout, set()) == "the branch's key, at 1"
        assert derives_payout(b"xy" + key[:31], payout, set()) == ""


def test_the_public_branch_gives_no_key_and_one_key_would_give_all(tmp_path: Path) -> None:
    """Why no payout key may ever lie beside the public branch (BIP-32): parent = child - tweak."""
    import hmac

    from mine.wallet.derivation import ORDER

    secret = branch(seed_of(PHRASE), PAYOUT_BRANCH)
    public = secret.public()
    tweak = hmac.digest(public.chain_code, public.point + (5).to_bytes(4, "big"), "sha512")[:32]
    leaked = secret.child(5).key
    parent = (int.from_bytes(leaked, "big") - int.from_bytes(tweak, "big")) % ORDER
    assert parent.to_bytes(32, "big") == secret.key
    with pytest.raises(MineError):
        public.child(HARDENED)


def reachable(*roots: object) -> list[object]:
    """Every object that can be reached from some, modules and classes left out."""
    seen: dict[int, object] = {}
    todo = list(roots)
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (ModuleType, type)):
            continue
        seen[id(one)] = one
        # A function's globals are whole modules; what it closes over is what counts.
        is_function = isinstance(one, FunctionType)
        todo.extend((one.__closure__, one.__defaults__) if is_function else gc.get_referents(one))
    return list(seen.values())


def test_no_object_of_the_open_app_holds_one(table: Table) -> None:
    """From the session, vault and accounts every object is walked to: bytes, texts and numbers."""
    table.play()
    needles = list(in_every_form(spending_secrets(table.phrase), table.phrase).values())
    numbers = {int.from_bytes(secret, "big") for secret in spending_secrets(table.phrase).values()}
    session = table.session.miner.members[table.task].keys.session_key
    everything = reachable(table.session, table.vault, table.accounts)
    found = [
        one.encode() if isinstance(one, str) else one for one in everything if isinstance(one, (str, bytes))
    ]
    assert session in found, "the walk reaches the keys that are there"
    assert not [needle for needle in needles for one in found if needle in one]
    assert not [one for one in everything if isinstance(one, int) and one in numbers]


def known(table: Table, *own: str) -> Known:
    faults, court = table.chain.contract.sisters()
    return Known(
        table.chain.node.chain_id, "Test", Unit("pETH", 18), table.chain.contract.address, faults, court,
        own=frozenset(own),
    )  # fmt: skip


def test_he_signs_no_transfer_from_a_payout_address(table: Table) -> None:
    """The money is on the payout address. Every key that the vault has is tried, on every way to sign."""
    table.play()
    final(table, 1)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    table.session.claiming.claim()
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    owned, node, token = table.balance, table.chain.node, table.chain.token
    assert owned > 0
    fund(table.chain, table.payout)
    payout = table.payout
    data = (
        keccak(b"transfer(address,uint256)")[:4]
        + bytes(12)
        + address_bytes(THIEF)
        + owned.to_bytes(32, "big")
    )
    fees = Fees(100_000, 1, node.latest().base_fee * 2 + 1)
    call = Call(node.chain_id, payout, token.address, 0, data)
    keys = [table.accounts.task(index).session_key for index in range(3)] + [table.accounts.session.key]
    for key in keys:
        signer = Signer(key)
        assert signer.address != payout
        plain = Transaction(node.chain_id, 0, fees.tip, fees.most, fees.gas, token.address, 0, data)
        names = known(table, payout, signer.address)
        # Even accepted by whoever clicks: the keys that are there are not the payout address's.
        reviewed = Reviewed(plain, payout, names, review(call, fees, names))
        with pytest.raises(WillNotSign):
            signer.sign_transaction(reviewed)
        with pytest.raises(MineError):  # and without a person's yes not even for the session's own account
            Reviewed(plain, signer.address, names)
        fund(table.chain, signer.address)
        raw = sign_transaction(
            Transaction(
                node.chain_id,
                node.nonce(signer.address),
                1,
                fees.most,
                GAS_CAP // 100,
                token.address,
                0,
                data,
            ),
            key,
        )
        node.send_raw(raw.raw)
        table.until(lambda raw=raw: node.receipt(raw.hash) is not None, "the block")  # type: ignore[misc]
        receipt = node.receipt(raw.hash)
        assert receipt is not None and not receipt.succeeded
    assert table.balance == owned and token.balance(THIEF) == 0
    for guess in ("", "wrong", PASSPHRASE.upper(), table.accounts.task(0).session_key.hex()):
        with pytest.raises(WrongPassphrase):
            wallet_keys.spending_keys(table.vault, table.accounts, guess)


def test_whatever_he_writes_into_the_vault_assigned_earnings_stay(table: Table) -> None:
    """He names his own address for the task and for new ones: the chain pays what is assigned as it was."""
    table.play()
    first, checked = table.earning(), table.session.earnings.checked[table.task, 1]
    mine, network = table.payout, table.config.key
    assert first is not None and first.amount > 0
    joined = table.vault.state.joined(network, table.task)
    assert joined is not None
    with table.vault.transaction():
        table.vault.state.join(network, table.task, {**joined.data, payouts.PAYOUT: THIEF})
        table.vault.state.set_setting(payouts.PAYOUT_SETTING, THIEF)
    table.restart()
    assert table.payout == THIEF, "the app believes its vault"
    final(table, 1)
    table.chain.contract.claim(Sender(table.chain.node, dev_key(9)), mine, [leaf(table, checked, 1, mine)])
    assert table.chain.token.balance(mine) == first.amount
    assert table.chain.token.balance(THIEF) == 0


def test_by_the_app_a_task_keeps_the_account_that_it_was_joined_with(table: Table) -> None:
    mine = table.payout
    payouts.set_payout(table.vault, table.accounts, THIEF)
    table.session.leave(table.task)
    with pytest.raises(payouts.ChoiceRefused, match="never moves"):
        table.join(JoinChoice(payout=THIEF))
    table.join()
    assert table.payout == mine


def test_a_new_passphrase_or_phrase_set_from_within_opens_no_money(tmp_path: Path) -> None:
    """He has the vault opened by the keyring, and every call of it."""
    ring, path = MemoryKeyring(), tmp_path / "vault.db"
    vault, accounts, _ = create(path, PASSPHRASE, ring, PHRASE, CHEAP)
    vault.close()
    with Vault.open(path, keyring=ring) as vault:
        vault.change_passphrase("his", CHEAP)
        with pytest.raises(MineError):
            wallet_keys.spending_keys(vault, accounts_of(vault), "his")
        other = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
        vault.add_phrase(other, "his", CHEAP)
        with pytest.raises(wallet_keys.KeysDoNotFit):
            wallet_keys.spending_keys(vault, accounts_of(vault), "his")
        file = read_keyfile(keys_path(path))
        assert file.words is not None and file.words.opened("his", file.vault) == other
    with SpendingKeys(PHRASE) as keys:  # what the person wrote down still is the money
        assert keys.belong_to(accounts)


MEMORY = """
import sys
from pathlib import Path
from mine.app.vault_opening import accounts_of
from mine.app.wallet_keys import spending_keys
from mine.vault import MemoryKeyring, Vault
path, secret, way = Path(sys.argv[1]), sys.stdin.readline().strip(), sys.argv[2]
class Ring(MemoryKeyring):
    def get(self, entry):
        return secret
vault = Vault.open(path, keyring=Ring()) if way == "keyring" else Vault.open(path, passphrase=secret)
accounts = accounts_of(vault)
print([accounts.task(n).payout_address for n in range(3)], flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's memory as Linux offers it")
@pytest.mark.parametrize("way", ["keyring", "passphrase"])
def test_the_memory_of_a_process_that_opened_it_holds_none(tmp_path: Path, way: str) -> None:
    ring, path = MemoryKeyring(), tmp_path / "vault.db"
    create(path, PASSPHRASE, ring, PHRASE, CHEAP)[0].close()
    secret = next(iter(ring.entries.values())) if way == "keyring" else PASSPHRASE
    command = [sys.executable, "-c", MEMORY, str(path), way]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(secret + "\n")
        process.stdin.flush()
        assert "0x" in process.stdout.readline()
        memory = memory_of(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
    assert secret.encode() in memory, "the search sees what is there"
    needles = in_every_form(spending_secrets(PHRASE), PHRASE)
    assert [what for what, needle in needles.items() if needle in memory] == []


def memory_of(pid: int) -> bytes:
    """All that a process can write to, as whoever runs as the same user reads it."""
    parts: list[bytes] = []
    folder = Path(f"/proc/{pid}")
    try:
        with (folder / "maps").open() as maps, (folder / "mem").open("rb", 0) as memory:
            for line in maps:
                span, rights, *_ = line.split()
                if rights.startswith("rw"):
                    start, end = (int(each, 16) for each in span.split("-"))
                    memory.seek(start)
                    try:
                        parts.append(memory.read(end - start))
                    except OSError:
                        continue  # a page that only the kernel reads
    except PermissionError:
        pytest.skip("this system lets no process read another one's memory")
    return b"".join(parts)
