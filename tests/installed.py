"""A package of somebody else's that adds a model and a link method: its files, as an installer would lay them."""

from __future__ import annotations

from pathlib import Path

DECLARED = """
from pathlib import Path

from cre_core.evaluation.methods import LinkMethod
from cre_core.models.registry import ModelSpec

method = LinkMethod("dnase_nearby", "DNase within 50 kb", "toy_lab.links:score", how_to_join="sum")
model = ModelSpec(
    name="toy-counts", title="Toy counts", module_at="toy_lab.model:Toy", config_at="toy_lab.model:ToyConfig",
    recipe=str(Path(__file__).with_name("toy.yaml")),
)
"""
LINKS = '''
import numpy as np


def score(pairs):
    """DNase reads of the elements within 50 kb of the TSS, 0 of the others."""
    (reads,) = pairs.counts("dnase")
    return np.where(np.abs(pairs.distance_bp) <= 50_000, reads[pairs.every["element"].to_numpy()[pairs.asked]], 0.0)
'''
MODEL = '''
from dataclasses import dataclass

import torch
from torch import nn

from cre_core.schema import Prediction, Reads


@dataclass(frozen=True)
class ToyConfig:
    tracks: tuple[str, ...] = ("dnase",)
    max_distance_bp: int = 150_000

    @property
    def reads(self):
        return Reads(reach_bp=self.max_distance_bp, assays=self.tracks)


class Toy(nn.Module):
    """Expression is a line in the sum of log(1 + reads); an element's attention is its part of that sum and 1."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.line = nn.Linear(1, 1)

    def uses(self, batch):
        return batch.is_element & batch.signal.isfinite().all(-1)

    def forward(self, batch):
        amount = batch.signal.nan_to_num().log1p().sum(-1) * self.uses(batch) * batch.strength  # (B, E)
        parts = torch.cat((torch.ones_like(amount[:, :1]), amount), 1)  # (B, 1 + E)
        attention = (parts / parts.sum(1, keepdim=True))[:, None, None]
        return Prediction(self.line(amount.sum(1, keepdim=True))[:, 0], attention)
'''
RECIPE = "model: toy-counts\nloss: mse\nbatch_size: 2\nepochs: 1\nsteps: 1\n"


def install(site: Path, name: str, files: dict[str, str], entry_points: str) -> None:
    """Lay a package and its metadata in a folder that is, or will be, on the path."""
    package = name.replace("-", "_")
    for file, text in {f"{package}/{file}": text for file, text in files.items()}.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)
    about = site / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)


def install_toy_lab(site: Path) -> None:
    """The package `toy-lab`."""
    files = {"__init__.py": DECLARED, "links.py": LINKS, "model.py": MODEL, "toy.yaml": RECIPE}
    entries = "[crescope.methods]\ndnase_nearby = toy_lab:method\n[crescope.models]\ntoy-counts = toy_lab:model\n"
    install(site, "toy-lab", files, entries)
