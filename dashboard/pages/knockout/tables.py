"""The numbers behind the figures of the knock-out page as data: units in names, places as in BED."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dashboard.services.desk import Experiment
from dashboard.services.model_panels import ModelPanel

PLACE = ["chrom", "start", "end"]
MEASURED = {
    "crispri_effect_percent": "effect_fraction",
    "crispri_call": "call",
    "crispri_p_adjusted": "p_adjusted",
    "crispri_power_at_25_percent": "power_at_25",
    "crispri_reference": "reference",
}


def about(experiment: Experiment) -> dict[str, str]:
    """Gene, biosample, model and mode, the same in every row."""
    gene, predictor = experiment.window.gene, experiment.predictor
    names = {"gene_name": str(gene["gene_name"]), "gene_id": str(gene["gene_id"])}
    return {**names, "biosample": predictor.biosample, "model": predictor.name, "mode": experiment.mode}


def effects_data(experiment: Experiment, strengths: Mapping[str, float]) -> pd.DataFrame:
    """A row per element and measured pair over it, and one per pair under which no element lies.

    Args:
      strengths: element id -> strength of what is changed now.

    Returns:
      chrom, start, end, element_id (empty for a pair without element), element_class, what `about` tells,
      tss_distance_bp, strength (1 = as measured), predicted_alone_percent, predicted_alone_log2_fold_change (NaN =
      not read), attention, and pair_chrom, pair_start, pair_end with MEASURED; empty = not tested.
    """
    table, pairs = experiment.scan.table, experiment.scan.pairs
    elements = table[[*PLACE, "element_id", "element_class"]].assign(**about(experiment))
    elements["tss_distance_bp"] = table["tss_distance_bp"].astype("Int64")
    elements["strength"] = [float(strengths.get(name, 1.0)) for name in table["element_id"]]
    elements["predicted_alone_percent"] = 100.0 * table["single_fraction"]
    elements["predicted_alone_log2_fold_change"] = table["single_log2"]
    elements["attention"] = table["attention"]
    rows = elements.assign(pair_id=[list(ids) for ids in table["pair_ids"]]).explode("pair_id", ignore_index=True)
    rows = rows.merge(_measured(pairs), on="pair_id", how="left")
    return pd.concat([rows, _without_element(experiment)], ignore_index=True).drop(columns="pair_id")


def _measured(pairs: pd.DataFrame) -> pd.DataFrame:
    places = {f"pair_{name}": pairs[name] for name in PLACE}
    places |= {name: values.astype("Int64") for name, values in places.items() if name != "pair_chrom"}
    measured = {name: pairs[column] for name, column in MEASURED.items() if column in pairs}
    measured["crispri_effect_percent"] = 100.0 * pairs["effect_fraction"]
    return pd.DataFrame({"pair_id": pairs["pair_id"], **places, **measured})


def _without_element(experiment: Experiment) -> pd.DataFrame:
    pairs = experiment.scan.pairs
    alone = pairs[pairs["element_id"] == ""]
    rows = alone[PLACE].assign(element_id="", element_class="", **about(experiment))
    rows["tss_distance_bp"] = alone["tss_distance_bp"].astype("Int64")
    return rows.assign(pair_id=alone["pair_id"]).merge(_measured(alone), on="pair_id")


def attention_data(experiment: Experiment, after: np.ndarray) -> pd.DataFrame:
    """A row per element: attention before and after the change; NaN = the model does not read it."""
    table = experiment.scan.table
    rows = table[[*PLACE, "element_id"]].assign(**about(experiment))
    rows["tss_distance_bp"] = table["tss_distance_bp"].astype("Int64")
    before = table["attention"].to_numpy(float)
    return rows.assign(attention_before=before, attention_after=np.where(np.isnan(before), np.nan, after))


def pairs_data(experiment: Experiment, pairs: pd.DataFrame) -> pd.DataFrame:
    """A row per measured pair beside its prediction; of all genes with each pair's own gene."""
    same = {**about(experiment), **{name: pairs[name] for name in ("gene_name", "gene_id") if name in pairs}}
    rows = pairs[PLACE].assign(**same)
    rows["tss_distance_bp"] = pairs["tss_distance_bp"].astype("Int64")
    measured = {name: pairs[column] for name, column in MEASURED.items() if column in pairs}
    rows = rows.assign(**measured)
    rows["crispri_effect_percent"] = 100.0 * pairs["effect_fraction"]
    return rows.assign(predicted_together_percent=100.0 * pairs["predicted_fraction"].astype(float))


def models_data(experiment: Experiment, panels: Sequence[ModelPanel]) -> pd.DataFrame:
    """A row per element and model: each element alone knocked out; NaN = that model does not read it."""
    parts = [
        panel.table[[*PLACE, "element_id"]].assign(
            **{**about(experiment), "model": panel.model},
            fold=panel.fold,
            tss_distance_bp=panel.table["tss_distance_bp"].astype("Int64"),
            predicted_alone_percent=100.0 * panel.table["single_fraction"],
        )
        for panel in panels
        if panel.table is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def matrix_data(experiment: Experiment, table: pd.DataFrame) -> pd.DataFrame:
    """A row per pair of elements, with the places of both; NaN = no data."""
    places = experiment.scan.table.set_index("element_id")[PLACE]
    first, second = (places.loc[table[name]].reset_index() for name in ("element_id", "other_id"))
    second.columns = pd.Index([f"other_{name.removeprefix('element_')}" for name in second.columns])
    rows = pd.concat([first[[*PLACE, "element_id"]], second], axis=1).assign(**about(experiment))
    effects = ("log2_fold_change", "expected_log2", "interaction_log2")
    return rows.assign(**{name: table[name].to_numpy() for name in effects})
