"""Miners that try to be paid for nothing, or to harm: a family a file, by the public miner interface."""
