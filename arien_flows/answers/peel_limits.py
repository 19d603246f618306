"""How many hops of a peel chain are followed.

In a module of its own, because the command line's help tells it, and has to start without the
libraries that an answer needs.
"""

DEFAULT_HOPS = 1_000
MOST_HOPS = 10_000
