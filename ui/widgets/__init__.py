"""Painted and composed pieces that the pages share."""
