"""The answers that leave the program: one definition for the command line and the service."""
