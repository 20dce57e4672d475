"""Links that others published as ABC's or ENCODE-rE2G's tables of predictions, brought to schema.LINKS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.genome import Assembly
from cre_core.io.rows import at_the_door
from cre_core.io.text import read_columns

_NAMES = {
    "chr": "chrom",
    "TargetGene": "gene_name",
    "TargetGeneTSS": "tss",
    "TargetGeneEnsembl_ID": "published_gene_id",
    "isSelfPromoter": "is_own_promoter",
    "ABC.Score": "abc_score",
    "hic_contact": "contact",
    "contactFrequency": "contact",
    "activity_base": "activity",
}
_SCORES = {"abc_published": "ABC.Score", "re2g_published": "ENCODE-rE2G.Score"}
_MORE = ("contact", "activity", "is_own_promoter", "abc_score")
_PREDICTIONS = schema.TableSpec(
    "predictions",
    {
        "chrom": "text",
        "start": "integer",
        "end": "integer",
        "gene_name": "text",
        "published_gene_id": "text",
        "tss": "integer",
        "is_own_promoter": "flag",
        "contact": "number",
        "score": "number",
    },
)


def read_published_links(
    path: Path, *, method: str, biosample: str, genes: pd.DataFrame, bodies: pd.DataFrame, assembly: Assembly
) -> pd.DataFrame:
    """Read a table of predictions, plain or .gz.

    Args:
      path: tab-separated, with a header line.
      method: `abc_published` or `re2g_published`; says which column is the score.
      biosample: written into the table.
      genes: of the study; their ids are used where the name is known, the table's own elsewhere.
      bodies: annotated genes with their strand, for the sign of the distance.
      assembly: of the coordinates.

    Returns:
      schema.LINKS, plus `contact` (as published, per its own normalisation), `is_own_promoter`, and `activity` and
      `abc_score` where the table has them. Distance is + on a strand that is not known.

    Raises:
      BadFile: not a table. BadInput: a column is missing or a row breaks a rule. WrongAssembly: another assembly.
    """
    table = read_columns(path, [], separator="\t")
    score = {_SCORES[method]: "score"}
    table = table.rename(columns={**_NAMES, **score})
    links = at_the_door(table, _PREDICTIONS, assembly=assembly, source=path.name)
    known = genes.drop_duplicates("gene_name").set_index("gene_name")["gene_id"]
    strands = bodies.drop_duplicates("gene_name").set_index("gene_name")["strand"]
    links["gene_id"] = links["gene_name"].map(known).fillna(links["published_gene_id"])
    links["element_id"] = links["chrom"] + ":" + links["start"].astype(str) + "-" + links["end"].astype(str)
    sign = np.where(links["gene_name"].map(strands) == "-", -1, 1)
    links["tss_distance_bp"] = sign * ((links["start"] + links["end"]) // 2 - links["tss"])
    links = links.assign(biosample=biosample, method=method, fold="")
    return links[[*schema.LINKS.columns, *(name for name in _MORE if name in links)]]
