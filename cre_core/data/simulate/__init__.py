"""A small genome with known truth: motifs decide activity, domains decide contact, both decide expression.

config.py      how much of everything
factors.py     transcription factors: motif, amount in each biosample, what they do
landscape.py   domains, genes, exons, elements, stretches without data
sequence.py    planted motifs and the bases around them
regulation.py  activity, contact, expression, and what removing an element changes
assays.py      reads, measured expression and Hi-C, drawn from the truth
hichip.py      loops between acetylated elements
screen.py      a CRISPRi screen with noise and power, and the true effects beside it
truth.py       the study's tables
examples.py    genes worth opening first
write.py       the study folder
"""

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.screen import TRUE_LINKS
from cre_core.data.simulate.write import simulate

__all__ = ["TRUE_LINKS", "SimulationConfig", "simulate"]
