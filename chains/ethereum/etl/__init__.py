"""Blocks from files in the layout of ethereum-etl."""
