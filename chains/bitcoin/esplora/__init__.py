"""An Esplora explorer as a source of single addresses and transactions."""
