"""What each of some kept sets of strengths does to a gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.services.desk import Experiment, run_knock_out


@dataclass(frozen=True)
class SnapshotEffect:
    """One snapshot under the model and mode on display.

    Attributes:
      name: of the snapshot.
      n_out, n_weakened, n_unknown: elements knocked out, weakened, and not in the window (left out).
      before, after, log2_fold_change, effect_fraction: as Perturbation.
    """

    name: str
    n_out: int
    n_weakened: int
    n_unknown: int
    before: float
    after: float
    log2_fold_change: float
    effect_fraction: float


def snapshot_effects(
    experiment: Experiment, snapshots: Sequence[tuple[str, Sequence[tuple[str, float]]]]
) -> list[SnapshotEffect]:
    """The exact effect of each snapshot, in their order."""
    return [_effect(experiment, name, strengths) for name, strengths in snapshots]


def _effect(experiment: Experiment, name: str, pairs: Sequence[tuple[str, float]]) -> SnapshotEffect:
    inside = set(experiment.window.elements["element_id"])
    strengths = experiment.known_strengths(pairs)
    result = run_knock_out(experiment, strengths)
    n_out = sum(strength == 0.0 for strength in strengths.values())
    return SnapshotEffect(
        name=name,
        n_out=n_out,
        n_weakened=len(strengths) - n_out,
        n_unknown=len({element for element, _ in pairs} - inside),
        before=result.before,
        after=result.after,
        log2_fold_change=result.log2_fold_change,
        effect_fraction=result.effect_fraction,
    )
