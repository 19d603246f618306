"""The sample investigation's folder: made from nothing, and made again without asking.

Everything lies in one folder of its own, so that a demonstration never touches a real ledger. A
mark in the folder says that it may be made anew; a folder without it is left alone.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from arien_flows.errors import InputError
from arien_flows.simulation.errors import SimulationError
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.simulate import Summary, simulate

MARK = "demonstration.json"
NETWORK = "bitcoin-regtest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the parts of the sample investigation are."""

    folder: Path

    @property
    def simulation(self) -> Path:
        """Return the folder of the simulated chain, its documents and its truth."""
        return self.folder / "simulation"

    @property
    def data(self) -> Path:
        """Return the data folder, as `--data` takes it."""
        return self.folder / "data"

    @property
    def tags(self) -> Path:
        """Return the TagPack that names services, as an analyst would know them beforehand."""
        return self.simulation / "tags.yaml"

    @property
    def listings(self) -> Path:
        """Return the folder of pages and posts, as an investigator collects them."""
        return self.simulation / "listings"

    @property
    def prices(self) -> Path:
        """Return the file of made-up prices of the simulated coin."""
        return self.simulation / "prices.csv"

    @property
    def results(self) -> Path:
        """Return the folder of graphs and pictures."""
        return self.folder / "results"

    @property
    def report(self) -> Path:
        """Return the page that tells the whole story."""
        return self.folder / "report.html"


def fresh_scene(folder: Path) -> Scene:
    """Return an empty folder for a demonstration; `InputError` where it holds something else."""
    if folder.exists():
        if not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).exists()):
            raise InputError(
                f"{folder} holds something that is no demonstration: name another with --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text('{"made_by": "arien-flows demo"}\n', encoding="utf-8")
    return Scene(folder=folder)


def play(scene: Scene, parameters: Parameters) -> Summary:
    """Simulate the chain."""
    try:
        summary = simulate(parameters, scene.simulation)
    except SimulationError as error:
        raise InputError(str(error)) from error
    (scene.folder / MARK).write_text(
        json.dumps({"made_by": "arien-flows demo", "summary": asdict(summary)}, indent=1) + "\n",
        encoding="utf-8",
    )
    return summary
