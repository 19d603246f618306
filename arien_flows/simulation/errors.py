"""Errors of the simulation.

```
SimulationError           anything expected that goes wrong while a chain is made
├── ParameterError        a parameter is outside of its bounds
└── EconomyError          the economy ran dry before it had made all transactions
```
"""


class SimulationError(Exception):
    """Base class of expected errors of the simulation."""


class ParameterError(SimulationError):
    """A parameter is outside of its bounds; the message says which and what is allowed."""


class EconomyError(SimulationError):
    """No coin could be spent any more, or a scripted event found no money; try another seed."""
