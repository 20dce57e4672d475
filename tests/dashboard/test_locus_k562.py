"""What the screen of K562 found is on the page: every significant pair, and MYC's strongest one as measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from cre_core.data.study import Study
from cre_core.evaluation import baselines
from dashboard.components.exchange import Question
from dashboard.pages.locus import figure, inspector, table
from dashboard.services.library import Library
from dashboard.services.links import PAIR_ROW, element_table, pairs_of
from dashboard.services.view import complete
from dashboard.settings import Settings
from dashboard.state import ViewState
from tests.dashboard.conftest import served
from tests.dashboard.test_locus_page import hover, mark_of, open_locus, ring_of, until

STRONGEST = "chr8:127960391-127960502"  # of MYC: e3 of Fulco 2019, -63.6 %
SIGNIFICANT = 546  # rows of the table with `Significant` TRUE


@pytest.fixture(scope="module")
def library(k562: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library of K562 without a model process: what is asked here needs no model."""
    cache = tmp_path_factory.mktemp("cache")
    library = Library(
        Settings(studies=(k562.folder,), cache_dir=cache, studies_dir=cache / "none", model_process=False)
    )
    yield library
    library.close()


@pytest.fixture(scope="module")
def study(library: Library) -> Study:
    """K562 itself."""
    return library.default()


@pytest.fixture(scope="module")
def significant(study: Study) -> pd.DataFrame:
    """The significant pairs, straight from the table."""
    return study.crispr[study.crispr["is_significant"]]


def asked(library: Library, **changes: str) -> Question:
    return Question(complete(library, ViewState(methods=("distance",), **changes), wants=("place",))[0])


def panel(library: Library, question: Question) -> str:
    return str(inspector.inspect(library, question).sets["inspector"]["children"])


def test_every_significant_pair_is_in_a_row_of_its_gene(study: Study, significant: pd.DataFrame) -> None:
    genes = study.annotated_genes
    genes = genes[genes["gene_id"].isin(significant["gene_id"])].drop_duplicates("gene_id")
    elements = baselines.with_counts(study.elements, study.element_signal, biosample="K562")
    links = baselines.link_scores(
        elements, genes, biosample="K562", methods=["distance"], reach_bp=2_000_000
    )  # of all genes at once, as the page has them one by one
    reached = set[tuple[str, str]]()
    for gene_id, of_gene in links.groupby("gene_id"):
        pairs, _ = pairs_of(study, str(gene_id), biosample="K562")
        table = element_table(study, {"distance": of_gene}, pairs, biosample="K562")
        rows = table["element_id"] + (table["element_class"] == PAIR_ROW).astype(str)
        assert rows.is_unique
        reached |= {(str(gene_id), pair_id) for ids in table["pair_ids"] for pair_id in ids}
    places = significant["chrom"] + ":" + significant["start"].astype(str) + "-" + significant["end"].astype(str)
    wanted = set(zip(significant["gene_id"], places, strict=True))
    assert len(wanted) == SIGNIFICANT
    assert wanted <= reached


def test_every_gene_with_a_significant_pair_opens_by_its_name(library: Library, significant: pd.DataFrame) -> None:
    study = library.default()
    for gene_id, pairs in significant.groupby("gene_id"):
        name = str(pairs["gene_name"].iloc[0])
        state, _ = complete(library, ViewState(gene=name), wants=("place",))
        assert study.annotated_gene(state.gene)["gene_id"] == gene_id


def test_the_strongest_pair_of_myc_reads_as_measured(library: Library) -> None:
    question = asked(library, gene="MYC", pair=STRONGEST)
    assert "−63.6 % of MYC expression" in panel(library, question)
    reply = table.tabulate(library, question)
    rows, title = reply.sets[table.TABLE_ID]["rowData"], reply.sets["locus-table-title"]["children"]
    here = next(row for row in rows if STRONGEST in row["pair_ids"])
    assert (here["pair_ids"][0], round(100 * here["measured_fraction"], 1)) == (STRONGEST, -63.6)
    assert len(here["pair_ids"]) == 3
    assert sum(row["kind"] == "pair" for row in rows) == 27
    assert "27 pairs under none of them" in title
    layout = figure.draw(library, question).shown[figure.FIGURE_ID].figure["layout"]
    ring = next(shape for shape in layout["shapes"] if shape.get("name") == "mark")
    assert ring["yanchor"] == pytest.approx(-63.6, abs=0.05)
    texts = next(band["words"] for band in layout["meta"]["bands"] if band["id"] == "crispr")
    assert any(text.startswith("−63.6 %, significant decrease") for text in texts)
    assert not any(text.startswith("−8.46 %") and "pairs here" in text for text in texts)


def test_the_element_of_mycs_strongest_pair_lists_all_three(library: Library) -> None:
    text = panel(library, asked(library, gene="MYC", element="chr8:127959395-127961523"))
    places = [text.index(f"{effect} % of MYC expression") for effect in ("−63.6", "−11.3", "−8.46")]
    assert places == sorted(places)


def test_a_tested_gene_that_no_model_knows_is_told_about(library: Library) -> None:
    question = asked(library, gene="NEAT1")
    assert "annotated, no model knows it" in panel(library, question)
    reply = table.tabulate(library, question)
    assert "CRISPRi: 7 pairs" in reply.sets["locus-table-title"]["children"]
    assert sum(len(row["pair_ids"]) > 0 for row in reply.sets[table.TABLE_ID]["rowData"]) >= 1


@pytest.mark.browser
def test_a_click_on_mycs_strongest_mark_reads_as_measured(page: Page, k562: Study, tmp_path: Path) -> None:
    with served(tmp_path, "--study", str(k562.folder)) as url:
        open_locus(page, f"{url}/locus?study=k562&gene=MYC&methods=distance")
        x, y = mark_of(page, STRONGEST)
        hover(page, x, y)
        labels = page.locator("#locus-figure .cs-cross-value", has_text="−63.6 %, significant decrease")
        expect(labels.first).to_be_visible(timeout=30_000)
        page.mouse.click(x, y)
        expect(page.locator("#selected-pair")).to_have_text("chr8:127,960,392-127,960,502", timeout=30_000)
        expect(page.locator("#inspector .cs-effect")).to_have_text("−63.6 % of MYC expression")
        assert ring_of(page) == pytest.approx((x, y), abs=2)
        selected = page.locator("#locus-table .ag-row-selected [col-id=measured_fraction]")
        expect(selected.first).to_have_text("−63.6 % ● 1 of 3", timeout=30_000)
        # A row that is a tested place of its own.
        for _ in ("ascending", "descending"):
            page.locator("#locus-table .ag-header-cell[col-id=element_class]").click()
        page.locator("#locus-table .ag-body-viewport").evaluate("viewport => { viewport.scrollTop = 0; }")
        row = page.locator("#locus-table .ag-center-cols-container .ag-row", has_text="tested place").first
        row.click()
        expect(page.locator("#inspector")).to_contain_text("no element of this study lies here", timeout=30_000)
        # The table and the address stay as they are: the selected row's echo is no second press.
        until(page, f"decodeURIComponent(location.href).includes('pair=') && !location.href.includes('{STRONGEST}')")
        expect(page.locator("#locus-table .ag-row-selected", has_text="tested place").first).to_be_visible()
