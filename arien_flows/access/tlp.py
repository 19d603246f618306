"""The Traffic Light Protocol (FIRST, version 2.0): how far something may be passed on."""

from enum import StrEnum


class Tlp(StrEnum):
    """A label; later ones are stricter."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"

    def covers(self, other: "Tlp") -> bool:
        """Tell whether a clearance of this label lets somebody see what bears the other."""
        order = list(Tlp)
        return order.index(self) >= order.index(other)
