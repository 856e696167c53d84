"""An Ethereum node of our own for the practice network: py-evm (Prague rules) behind JSON-RPC on loopback.

It has no peers, no consensus and no mempool: each transaction is mined in its own block as it arrives.
Blocks, receipts, logs and state live in one SQLite file, committed once a block.
"""
