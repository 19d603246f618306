"""An Electrum server as a source of single addresses and transactions."""
