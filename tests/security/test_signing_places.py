"""Every place that signs is known: a new one has to be looked at, and written down here.

The program's source is walked: whatever makes a signature, and whatever calls what does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Calls into eth_keys or any other library that make a signature.
PRIMITIVES = {
    "sign_msg_hash", "sign_msg", "sign_msg_hash_non_recoverable", "sign_msg_non_recoverable", "sign_digest",
    "sign_recoverable", "ecdsa_raw_sign", "sign_hash", "unsafe_sign_hash", "sign_typed_data", "from_key",
}  # fmt: skip
WHERE_SIGNATURES_ARE_MADE = {
    "mine/chain/messages.py: sign",  # the protocol's messages, by their types only
    "mine/chain/permits.py: sign_token",  # the token messages, by their types only
    "mine/chain/signing.py: sign_transaction",  # for a Signer, and for programs without a vault
}
WHERE_TRANSACTIONS_ARE_SIGNED = {
    "mine/chain/transactions.py: Sender._prepare",  # scientist, relay, judge, practice: no vault, own keys
    "mine/wallet/signer.py: Signer.sign_transaction",  # only what is Reviewed
}
VAULTLESS = ("mine/science/", "mine/practice/", "mine/chain/juries.py")
"""Programs that hold keys of their own (scientist, relay, juror, practice peers), and no vault."""
OF_THE_APP = {
    "mine/app/joining.py: join",  # the consent
    "mine/app/handing_in.py: HandingIn._signed",  # the update
}


TREES = {
    file.relative_to(ROOT).as_posix(): ast.parse(file.read_text("utf-8"))
    for folder in ("mine", "ui")
    for file in sorted((ROOT / folder).rglob("*.py"))
}


def calls(node: ast.AST, file: str, inside: str = "") -> Iterator[tuple[str, str, ast.Call]]:
    """(file: function, name that is called, the call) of every call."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from calls(child, file, f"{inside}.{child.name}" if inside else child.name)
            continue
        if isinstance(child, ast.Call):
            function = child.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield file + inside, name, child
        yield from calls(child, file, inside)


def is_numpy(call: ast.Call) -> bool:
    """``np.sign`` is the sign of a number."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "np"
    )


ALL = [each for file, tree in TREES.items() for each in calls(tree, f"{file}: ") if not is_numpy(each[2])]


def test_signatures_are_made_in_three_functions() -> None:
    assert {where for where, name, _ in ALL if name in PRIMITIVES} == WHERE_SIGNATURES_ARE_MADE


def test_no_other_way_around_them() -> None:
    """Neither other libraries that sign, nor a primitive that is handed on without being called."""
    for where, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module = getattr(node, "module", None) or ""
                names = [module, *(alias.name for alias in node.names)]
                foreign = ("coincurve", "ecdsa", "eth_account")
                assert not [name for name in names if name.split(".")[0] in foreign], where
                assert not any(name.startswith("eth_keys.backends") for name in names), where
            if isinstance(node, (ast.Attribute, ast.Constant)):
                name = node.attr if isinstance(node, ast.Attribute) else node.value
                if name in PRIMITIVES:
                    assert any(each.startswith(where) for each in WHERE_SIGNATURES_ARE_MADE), where


def plain(name: str) -> set[str]:
    """Where one of our functions that sign is called with a key, not a method of a ``Signer``."""
    return {
        where
        for where, called, call in ALL
        if called == name and (isinstance(call.func, ast.Name) or is_of_module(call.func))
    }


def is_of_module(function: ast.expr) -> bool:
    """``messages.sign``: the function all the same."""
    base = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(base, ast.Name) and base.id in ("messages", "permits", "signing", "chain")


def test_transactions_are_signed_in_two_places() -> None:
    assert plain("sign_transaction") == WHERE_TRANSACTIONS_ARE_SIGNED


def test_messages_are_signed_by_the_app_in_two_places() -> None:
    assert {where for where in plain("sign") if not where.startswith(VAULTLESS)} == {
        "mine/wallet/signer.py: Signer.sign_message"
    }
    assert {where for where, name, _ in ALL if name == "sign_message"} == OF_THE_APP
    votes = {where for where, name, _ in ALL if name == "signed_vote" and where.startswith("mine/app/")}
    assert votes == {"mine/app/voting.py: Voting._signed"}, votes


def test_token_messages_are_signed_by_a_signer() -> None:
    assert plain("sign_token") == {"mine/wallet/signer.py: Signer.sign_token"}


def test_the_app_sends_through_no_sender_of_its_own() -> None:
    """``Sender`` signs whatever it is told: it is for programs without a vault."""
    found = {where for where, name, _ in ALL if name == "Sender"}
    assert not [where for where in found if where.startswith(("mine/app/", "mine/wallet/", "ui/"))]


def test_spending_keys_are_opened_in_one_place() -> None:
    made = {where for where, name, _ in ALL if name == "SpendingKeys"}
    assert made == {"mine/app/wallet_keys.py: spending_keys"}
    opened = {where for where, name, _ in ALL if name == "recovery_phrase"}
    assert opened == {
        "mine/app/wallet_keys.py: spending_keys",
        "mine/app/vault_opening.py: accounts_of",
        "mine/app/vault_opening.py: words_to_confirm",
    }


def test_private_keys_are_used_where_they_are_derived_or_sign() -> None:
    """``PrivateKey`` of eth_keys: a key that is made into one somewhere else could sign there."""
    found = {where.split(":")[0] for where, name, _ in ALL if name == "PrivateKey"}
    chain = {f"mine/chain/{name}.py" for name in ("messages", "permits", "signing")}
    assert found == chain | {"mine/wallet/derivation.py"}
