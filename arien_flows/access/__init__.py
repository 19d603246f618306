"""Who may do what: roles, permissions, clearances, and the rule that decides about cases."""
