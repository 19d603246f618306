"""The only code that talks to a chain: sources fetch, decoders turn bytes into tables."""
