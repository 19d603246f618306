"""Who acts on a chain of accounts: kinds of actor, and accounts that rules join into entities."""
