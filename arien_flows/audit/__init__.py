"""The audit log: who asked or did what, when and why, in rows that nobody can change unseen."""
