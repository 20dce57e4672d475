"""What models read of an element itself: bases, signals per base, motif scores; each made once and shared."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cre_core.data.motif_scores import motif_scores
from cre_core.data.store import FeatureStore, base_level
from cre_core.data.store_build import build_store
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.io.motifs import read_motifs
from cre_core.progress import unheard
from cre_core.schema import ElementInput

# Stored widths: a model is given the middle of the next wider one. 1 kb holds CREaTor's 350, ScPGE's 600 and CREATE's
# 1,000 bp with their signals; EPInformer's 2 kb and more hold bases alone.
SIGNAL_BP = 1_000


class ElementInputs:
    """Elements and promoters of a study as one model reads them, for one biosample."""

    def __init__(
        self,
        study: Study,
        biosample: str,
        *,
        width_bp: int,
        tracks: tuple[str, ...] = (),
        n_motifs: int = 0,
        flanks: bool = False,
    ) -> None:
        """Open the study's feature store; what it lacks is built.

        Args:
          study: with sequence.
          biosample: whose signals.
          width_bp: bases around the centre of an element, and around a TSS.
          tracks: base-level signals in the model's order. One that the biosample lacks is NaN.
          n_motifs: scores of so many motifs, all of the study's; 0 = none.
          flanks: an element narrower than `width_bp` goes on into its flanks; otherwise it keeps to itself, 4 and NaN
            on both sides.

        Raises:
          NotAvailable: the study has no sequence, or no motifs where a model wants them.
          BadInput: the study has another number of motifs.
        """
        if study.info.sequence is None:
            raise NotAvailable(
                f"study {study.name} has no sequence, and this model reads it; "
                "use a model of element counts (--recipe counts)"
            )
        self.width_bp, self.tracks, self.biosample, self.flanks = width_bp, tracks, biosample, flanks
        stored_bp = width_bp if not tracks else max(width_bp, SIGNAL_BP)
        there = {track.assay.casefold() for track in base_level(study, biosample)}
        known = tuple(name for name in tracks if name.casefold() in there)
        self.store: FeatureStore = build_store(
            study,
            width_bp=stored_bp,
            tracks=known,
            biosample=biosample if known else None,
            report=unheard,
        )
        self.has_signal = bool(known)  # whether any of the tracks exists
        self._motifs = _MotifShelf(study, self.store, width_bp, n_motifs) if n_motifs else None

    def elements(self, rows: np.ndarray) -> ElementInput:
        """Inputs of elements by their row in `Study.elements`: (n,) -> n."""
        found = self.store.elements(
            rows,
            width_bp=self.width_bp,
            tracks=self.tracks if self.has_signal else (),
            biosample=self.biosample,
            own_only=not self.flanks,
        )
        return self._completed(found, rows, 0)

    def promoters(self, rows: np.ndarray) -> ElementInput:
        """Inputs of the stretch around the TSS, by the gene's row in `Study.genes`: (n,) -> n."""
        tracks = self.tracks if self.has_signal else ()
        found = self.store.promoters(rows, width_bp=self.width_bp, tracks=tracks, biosample=self.biosample)
        return self._completed(found, rows, self.store.info.n_elements)

    def with_sequence(self, found: ElementInput, sequence: Tensor) -> ElementInput:
        """The same elements with other bases (n, L), and the motif scores of those."""
        motif = None if self._motifs is None else motif_scores(sequence, self._motifs.motifs)
        return ElementInput(sequence, found.signal, motif)

    def background_per_base(self, rows: np.ndarray, *, quantile: float) -> Tensor | None:
        """What an inactive element shows of each track: a quantile over elements of their mean signal per base.

        Args:
          rows: of `Study.elements`, enough of them to tell.
          quantile: 0..1.

        Returns:
          (T,) float32, NaN for a track without data; None where no track of the model exists.
        """
        if not self.has_signal:
            return None
        signal = self.elements(rows).signal
        assert signal is not None
        means = torch.nanmean(signal.float(), dim=1)  # (n, L, T) -> (n, T)
        return torch.nanquantile(means, quantile, dim=0)

    def _completed(self, found: ElementInput, rows: np.ndarray, first: int) -> ElementInput:
        motif = None if self._motifs is None else self._motifs(found.sequence, rows + first)
        signal = found.signal
        if signal is None and self.tracks:  # no track of the model exists here: no data, in every one of them
            signal = torch.full((*found.sequence.shape, len(self.tracks)), torch.nan, dtype=torch.float16)
        return ElementInput(found.sequence, signal, motif)


class _MotifShelf:
    """Motif scores of what has been asked for."""

    def __init__(self, study: Study, store: FeatureStore, width_bp: int, n_motifs: int) -> None:
        if study.info.motifs is None:
            raise NotAvailable(f"study {study.name} has no motifs, and this model reads scores of {n_motifs}")
        self.motifs = read_motifs(study.folder / study.info.motifs)
        if len(self.motifs) != n_motifs:
            raise BadInput(f"study {study.name} has {len(self.motifs)} motifs; this model reads {n_motifs}")
        self.content = torch.empty(len(store), n_motifs)  # memory is taken as rows are written
        self.is_known = np.zeros(len(store), bool)

    def __call__(self, sequence: Tensor, rows: np.ndarray) -> Tensor:
        """(n, L) bases of the rows -> (n, K)."""
        new = np.flatnonzero(~self.is_known[rows])
        if len(new):
            self.content[torch.from_numpy(rows[new])] = motif_scores(sequence[torch.from_numpy(new)], self.motifs)
            self.is_known[rows[new]] = True  # last, so that another thread never sees a half-written row
        return self.content[torch.from_numpy(rows)]


def shared_inputs(
    study: Study, biosample: str, width_bp: int, tracks: tuple[str, ...], n_motifs: int, flanks: bool
) -> ElementInputs:
    """One set of inputs per open study, biosample and way of reading."""

    def made() -> ElementInputs:
        return ElementInputs(study, biosample, width_bp=width_bp, tracks=tracks, n_motifs=n_motifs, flanks=flanks)

    return study.kept.get(("element inputs", biosample, width_bp, tracks, n_motifs, flanks), made)
