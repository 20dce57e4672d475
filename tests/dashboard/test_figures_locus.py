"""The locus figure from hand-made tables: what is drawn where, and what is not drawn."""

from __future__ import annotations

import base64
import itertools

import numpy as np
import pandas as pd
import pytest

from dashboard.figures.locus import arcs, band, elements, genes, intervals, methods, scales, signals, truth
from dashboard.figures.locus import stack as locus
from dashboard.theme import CLASS_COLOURS, DECREASE, INCREASE, PALETTES

LIGHT = PALETTES["light"]
PROBES = np.array([50.0, 150.0, 250.0, 350.0, 450.0])


def counts(*values: float) -> pd.DataFrame:
    """Elements of 20 bp at 140, 240, 340, ..."""
    start = 140 + 100 * np.arange(len(values))
    return pd.DataFrame({"start": start, "end": start + 20, "mean": values, "max": values})


def gene_table(*rows: tuple[str, int, int, str, bool]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["gene_name", "start", "end", "strand", "is_modelled"])
    tss = np.where(table["strand"] == "+", table["start"], table["end"] - 1)
    return table.assign(chrom="chr1", gene_id=table["gene_name"], tss=tss)


def link_table(*scores: float, start: tuple[int, ...] | None = None, tss: int = 0) -> pd.DataFrame:
    starts = np.array(start or [10_000 * (i + 1) for i in range(len(scores))])
    return pd.DataFrame(
        {
            "element_id": [f"e{i}" for i in range(len(scores))],
            "chrom": "chr1",
            "start": starts,
            "end": starts + 500,
            "tss_distance_bp": starts + 250 - tss,
            "score": scores,
        }
    )


def pair_table(*calls: tuple[str, float]) -> pd.DataFrame:
    start = 1_000 * np.arange(1, len(calls) + 1)
    return pd.DataFrame(
        {
            "chrom": "chr1",
            "start": start,
            "end": start + 500,
            "pair_id": [f"p{i}" for i in range(len(calls))],
            "call": [call for call, _ in calls],
            "effect_fraction": [effect for _, effect in calls],
            "power_at_25": 0.98,
        }
    )


def probe(one: band.Band) -> list[str]:
    return list(one.says)


def frame(**changes: object) -> locus.Frame:
    values = {"chrom": "chr1", "start": 100, "end": 400, "loaded_start": 0, "loaded_end": 500, "assembly": "hg38"}
    return locus.Frame(**{**values, **changes})  # type: ignore[arg-type]


# ---- signal


def test_counts_are_boxes_and_no_data_is_a_gap() -> None:
    made = signals.signal_band(
        counts(7, np.nan, 0),
        band_id="dnase",
        title="DNase",
        unit="reads per element",
        assay="dnase",
        top=7,
        probes=PROBES,
    )
    drawn = made.traces[0]
    # Two boxes of five points: the element without data is left out, the one with 0 reads is not.
    np.testing.assert_array_equal(drawn["x"], [140, 140, 160, 160, np.nan, 340, 340, 360, 360, np.nan])
    np.testing.assert_array_equal(drawn["y"], [0, 7, 7, 0, np.nan, 0, 0, 0, 0, np.nan])
    assert probe(made) == ["no element", "7 reads", "no data", "0 reads", "no element"]
    assert made.note == "0 – 7"
    assert made.unit == "reads per element"


def test_bins_are_steps_with_gaps() -> None:
    table = pd.DataFrame({"start": [0, 10, 20, 30], "end": [10, 20, 30, 40], "mean": [1, 1, np.nan, 2.0], "max": 3.0})
    path = signals.steps(table, "mean", "linear")
    np.testing.assert_array_equal(path["x"], [0, 20, 20, 30, 30, 40])
    np.testing.assert_array_equal(path["y"], [1, 1, np.nan, np.nan, 2, 2])


def test_binned_signal_keeps_mean_and_maximum() -> None:
    table = pd.DataFrame({"start": [100, 200], "end": [200, 300], "mean": [1.0, np.nan], "max": [4.0, np.nan]})
    made = signals.signal_band(
        table, band_id="a", title="A", unit="reads", assay="ctcf", top=4, probes=PROBES, is_binned=True
    )
    assert [np.nanmax(trace["y"]) for trace in made.traces[:2]] == [4, 1]
    assert probe(made)[1:3] == ["mean 1, max 4", "no data"]


def test_log_scale_says_so() -> None:
    made = signals.signal_band(
        counts(99),
        band_id="a",
        title="A",
        unit="reads",
        assay="rna",
        top=99,
        probes=PROBES,
        ruler=scales.Ruler("log"),
    )
    assert np.nanmax(made.traces[0]["y"]) == pytest.approx(2)
    assert made.note == "0 – 99, log(1 + x)"


def test_largest_counts_the_view_only() -> None:
    assert signals.largest(counts(5, 9, 70), start=100, end=300) == 9
    assert signals.largest(counts(np.nan), start=0, end=900) == 0


# ---- genes


def test_names_in_a_row_never_overlap() -> None:
    rows = [(f"GENE{i}", 1_000 * i, 1_000 * i + 900, "+-"[i % 2], True) for i in range(40)]
    table = gene_table(*rows)
    layout = genes.lay_out(table, chosen="GENE7", start=0, end=40_000, width_px=900)
    assert 0 < layout.is_named.sum() < 40
    assert layout.is_named[7]  # the chosen gene comes first
    for row in range(genes.MOST_ROWS):
        here = (layout.row == row) & layout.is_named
        spans = sorted(zip(layout.name_left[here], layout.name_right[here], strict=True))
        assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert not layout.is_named[layout.row == genes.MOST_ROWS].any()


def test_hidden_names_are_counted() -> None:
    rows = [(f"GENE{i}", 100 * i, 100 * i + 90, "+", True) for i in range(100)]
    made = genes.gene_band(
        gene_table(*rows), pd.DataFrame({"start": [], "end": []}), chosen="GENE3", start=0, end=10_000, width_px=300,
        probes=PROBES, palette=LIGHT,
    )  # fmt: skip
    shown = next(trace for trace in made.traces if trace.get("meta") == "names")
    assert made.unit == f"{100 - len(shown['text'])} names hidden"
    assert "<b>GENE3 ›</b>" in shown["text"]


def test_strand_exons_and_modelled_genes() -> None:
    table = gene_table(("UP", 100, 200, "+", True), ("DOWN", 300, 400, "-", False))
    exons = pd.DataFrame({"start": [110, 150, 390], "end": [120, 260, 400]})
    made = genes.gene_band(table, exons, chosen="UP", start=0, end=1_000, width_px=900, probes=PROBES, palette=LIGHT)
    marks = {
        trace["marker"]["symbol"]: trace["x"]
        for trace in made.traces
        if trace.get("meta") == "tss" and len(trace["x"])
    }
    assert marks["triangle-right"].tolist() == [100]
    assert marks["triangle-left"].tolist() == [399]
    names = next(trace for trace in made.traces if trace.get("meta") == "names")
    assert names["customdata"] == ["UP", "DOWN"]  # a gene that no model knows can be chosen too
    exon_x = np.concatenate([trace["x"] for trace in made.traces if trace.get("fill") and np.isin(110, trace["x"])])
    assert 150 not in exon_x  # it ends outside the gene
    assert "UP (+), 100 bp" in probe(made)[1]


def test_a_name_stays_inside_the_view() -> None:
    layout = genes.lay_out(gene_table(("EDGE", 900, 1_500, "+", True)), chosen="", start=0, end=1_000, width_px=500)
    assert layout.name_right[0] < 900


# ---- elements, peaks, motifs, domains, loops


def test_elements_by_class() -> None:
    table = pd.DataFrame(
        {"element_id": ["a", "b"], "chrom": "chr1", "start": [140, 240], "end": [160, 260],
         "element_class": ["promoter", "distal"]}
    )  # fmt: skip
    made = elements.element_band(table, probes=PROBES)
    colours = {trace["name"]: trace["fillcolor"] for trace in made.traces if "name" in trace}
    assert colours == {name: CLASS_COLOURS[name] for name in ("promoter", "distal")}
    assert probe(made)[1:3] == ["promoter chr1:141-160", "distal chr1:241-260"]


def test_motif_sites_show_strand() -> None:
    sites = pd.DataFrame({"chrom": "chr1", "start": [140, 240], "end": [160, 260], "strand": ["+", "-"]})
    made = intervals.motif_band(
        sites, band_id="m", title="CTCF sites", unit="", assay="ctcf", probes=PROBES, view_bp=300
    )
    assert [trace["marker"]["symbol"] for trace in made.traces[:2]] == ["triangle-right", "triangle-left"]
    assert probe(made)[1].startswith("+ site")


def test_rows_of_domains_never_overlap() -> None:
    rows, hidden = intervals.stacked_rows(np.array([0, 5, 20, 0]), np.array([10, 15, 30, 40]), 2)
    assert rows.tolist() == [1, -1, 1, 0]
    assert hidden == 1


def test_loops_start_and_end_at_their_anchors() -> None:
    loops = pd.DataFrame({"chrom": "chr1", "start": [100], "end": [120], "start2": [300], "end2": [320]})
    made = intervals.loop_band(loops, band_id="l", title="Loops", unit="", probes=PROBES, view_bp=300)
    assert (made.traces[0]["x"][0], made.traces[0]["x"][-2]) == (110, 310)


def test_an_empty_set_says_so() -> None:
    nothing = pd.DataFrame({"chrom": [], "start": [], "end": []})
    made = intervals.peak_band(nothing, band_id="p", title="P", unit="", assay="ctcf", probes=PROBES, view_bp=300)
    assert made.badge == "no peaks in this window"
    assert probe(made) == ["no peak"] * len(PROBES)


# ---- links


def test_arcs_join_tss_and_element_centres() -> None:
    path = arcs.arc_path(np.array([1_000.0, 1_000.0]), np.array([5_000.0, 200.0]))
    x, y = path["x"].reshape(2, -1), path["y"].reshape(2, -1)
    assert x[:, 0].tolist() == [1_000, 1_000]
    assert x[:, -2].tolist() == [5_000, 200]
    assert np.isnan(x[:, -1]).all()
    np.testing.assert_allclose(y[:, [0, -2]], 0, atol=1e-6)
    assert np.nanmax(y[0]) == pytest.approx(1)


def test_top_k_and_threshold() -> None:
    links = link_table(0.1, 0.9, np.nan, 0.5, 0.0)
    assert arcs.strongest(links, top=2, threshold=0)["element_id"].tolist() == ["e1", "e3"]
    assert arcs.strongest(links, top=9, threshold=0)["element_id"].tolist() == ["e1", "e3", "e0"]
    assert arcs.strongest(links, top=9, threshold=0.5)["element_id"].tolist() == ["e1", "e3"]


def test_of_equally_strong_links_the_nearest_are_drawn() -> None:
    links = link_table(1.0, 1.0, 0.0, 1.0, tss=40_250)  # e0 .. e3 begin at 10, 20, 30 and 40 kb
    assert arcs.strongest(links, top=2, threshold=0)["element_id"].tolist() == ["e1", "e0"]


def test_a_yes_or_no_is_a_step_with_arcs_for_yes_only() -> None:
    made = methods.method_band(
        link_table(1.0, 0.0, np.nan, 1.0), method="within_100kb", gene_name="MYC", tss=0, top=9, threshold=0,
        probes=np.array([10_250.0, 20_250.0, 30_250.0, 90_000.0]),
    )  # fmt: skip
    assert np.nanmax(made.traces[0]["y"]) == 1
    assert made.y_range == pytest.approx((0, 1.02))
    assert made.unit == "yes or no"
    assert made.note == "2 of 3 elements in view linked"
    assert {name for trace in made.upper for name in trace["customdata"]} == {"e0", "e3"}
    assert probe(made) == ["yes", "no", "no score", "no link to MYC"]


def test_attention_is_called_a_weight() -> None:
    made = methods.method_band(
        link_table(0.5), method="epinformer.attention", gene_name="MYC", tss=0, top=5, threshold=0, probes=PROBES
    )
    assert made.unit == "weight, √ scale"


def test_own_promoter_has_no_arc_and_does_not_set_the_range() -> None:
    links = link_table(1.0, 0.04, 0.01, start=(0, 20_000, 40_000), tss=250)
    made = methods.method_band(
        links,
        method="abc",
        gene_name="MYC",
        tss=250,
        top=12,
        threshold=0,
        probes=np.array([250.0, 20_250.0, 90_000.0]),
    )
    assert made.note == "0 – 0.04 · own promoter 1 left out · 2 of 3 links in view"
    assert made.y_range == pytest.approx((0, 1.02 * 0.2))  # the root of 0.04
    assert sum(np.isnan(trace["x"]).sum() for trace in made.upper) == 2
    assert probe(made) == ["1, rank 1 of 3", "0.04, rank 2 of 3", "no link to MYC"]


def test_predicted_knock_out_is_drawn_around_zero() -> None:
    # A score is the share of expression lost: a loss points down, as CRISPRi draws it.
    made = methods.method_band(
        link_table(0.25, -0.04), method="epinformer.perturbation", gene_name="MYC", tss=0, top=5, threshold=0,
        probes=np.array([10_250.0]),
    )  # fmt: skip
    drawn = {trace["name"]: trace for trace in made.traces if "name" in trace}
    assert drawn["decrease"]["fillcolor"] == DECREASE
    assert np.nanmin(drawn["decrease"]["y"]) == pytest.approx(-5)
    assert drawn["increase"]["fillcolor"] == INCREASE
    assert np.nanmax(drawn["increase"]["y"]) == pytest.approx(2)
    assert made.y_range[0] == -made.y_range[1]
    assert made.has_zero_line
    assert probe(made) == ["−25 %, rank 1 of 2"]


def test_a_method_without_links_says_so() -> None:
    made = methods.method_band(link_table(), method="abc", gene_name="TAL1", tss=0, top=5, threshold=0, probes=PROBES)
    assert made.badge == "ABC (power law) gives no link for TAL1"


# ---- truth


def test_three_glyphs_with_their_counts() -> None:
    pairs = pair_table(("decrease", -0.5), ("decrease", -0.2), ("increase", 0.3), ("not significant", 0.01))
    made = truth.truth_band(pairs, gene_name="MYC", probes=np.array([1_250.0, 9_000.0]), palette=LIGHT, view_bp=5_000)
    marks = {trace["name"]: trace for trace in made.traces if trace.get("mode") == "markers"}
    decrease, increase, rest = (marks[truth.WORDS[call]] for call in ("decrease", "increase", "not significant"))
    assert decrease["y"].tolist() == [-50, -20]
    assert (len(increase["x"]), len(rest["x"])) == (1, 1)
    assert len({decrease["marker"]["symbol"], increase["marker"]["symbol"], rest["marker"]["symbol"]}) == 3
    assert rest["marker"]["symbol"].endswith("open")
    assert [list(trace["customdata"]) for trace in (decrease, increase, rest)] == [["p0", "p1"], ["p2"], ["p3"]]
    assert all(trace["meta"] == "marks" for trace in marks.values())
    expected = (
        "● 2 significant decrease · ▲ 1 significant increase · ○ 1 tested, not significant · not tested: no mark"
    )
    assert made.foot == expected
    assert probe(made) == ["−50 %, significant decrease, power 0.98, chr1:1,001-1,500", "not tested"]


def test_of_pairs_at_one_place_the_strongest_significant_one_is_told() -> None:
    pairs = pair_table(("decrease", -0.0846), ("decrease", -0.636), ("not significant", -0.9), ("increase", 0.1))
    pairs[["start", "end"]] = [[1_000, 3_500], [3_100, 3_200], [3_000, 3_600], [9_000, 9_100]]
    probes = np.array([1_500.0, 3_150.0, 3_550.0, 9_050.0])
    made = truth.truth_band(pairs, gene_name="MYC", probes=probes, palette=LIGHT, view_bp=600)
    first, middle, third, last = probe(made)
    assert first.startswith("−8.46 %")
    assert "pairs here" not in first + last
    assert middle.startswith("−63.6 %, significant decrease")
    assert middle.endswith("1 of 3 pairs here")
    assert third.startswith("−90 %, tested, not significant")


def test_pairs_of_another_biosample_are_named_on_the_band() -> None:
    given = {"gene_name": "MYC", "probes": PROBES, "palette": LIGHT, "view_bp": 500}
    pairs = pair_table(("decrease", -0.5)).assign(biosample="K562")
    assert truth.truth_band(pairs, **given, biosample="HepG2").unit == "% of MYC, MEASURED IN K562"
    assert truth.truth_band(pairs, **given, biosample="K562").unit == "% of MYC expression"


def test_without_truth_the_band_says_so() -> None:
    made = truth.truth_band(pair_table(), gene_name="TAL1", probes=PROBES, palette=LIGHT, view_bp=500)
    assert made.badge == "no CRISPRi pairs were tested for TAL1"
    assert made.foot == ""


# ---- the whole


def some_bands() -> list[band.Band]:
    return [
        signals.signal_band(
            counts(7, 3),
            band_id="dnase",
            title="DNase",
            unit="reads per element",
            assay="dnase",
            top=7,
            probes=PROBES,
        ),
        methods.method_band(
            link_table(0.5, 0.2), method="abc", gene_name="G", tss=0, top=5, threshold=0, probes=PROBES
        ),
        band.broken("rna", "RNA", "reads", probes=PROBES, reason="rna.bw is truncated"),
    ]


def test_one_x_axis_and_bands_that_do_not_overlap() -> None:
    figure = locus.locus_figure(some_bands(), frame())
    assert {trace.xaxis for trace in figure.data} == {"x"}
    assert "xaxis2" not in figure.layout.to_plotly_json()
    places = [(entry["from"], entry["to"]) for entry in figure.layout.meta["bands"]]
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(places))
    assert figure.layout.xaxis.range == (100, 400)


def test_every_band_has_a_crosshair_text_a_title_and_a_unit() -> None:
    figure = locus.locus_figure(some_bands(), frame(probes=PROBES))
    bands = figure.layout.meta["bands"]
    told = [[entry["words"][index] for index in entry["says"]] for entry in bands]
    assert told[0] == ["no element", "7 reads", "3 reads", "no element", "no element"]
    assert told[2] == ["no data"] * len(PROBES)
    assert list(figure.layout.meta["probes"]) == list(PROBES)
    texts = " ".join(text.text for text in figure.layout.annotations)
    for word in ("DNase", "reads per element", "ABC (power law)", "score", "RNA", "rna.bw is truncated"):
        assert word in texts


def test_the_axis_names_the_assembly_and_the_bin() -> None:
    assert (
        locus.locus_figure([], frame(bin_bp=1024)).layout.xaxis.title.text
        == "chr1 · hg38 · signal in bins of 1,024 bp"
    )


def test_simulated_is_written_on_the_figure() -> None:
    def written(**changes: object) -> list[str]:
        return [text.text for text in locus.locus_figure(some_bands(), frame(**changes)).layout.annotations]

    assert any("simulated" in text for text in written(is_simulated=True))
    assert not any("simulated" in text for text in written())
    assert "made by hand" in written(provenance="made by hand")


def test_a_figure_marks_what_is_highlighted_and_nothing_else() -> None:
    figure = locus.locus_figure(some_bands(), frame(highlights=[(200, 220)]))
    named = [shape for shape in figure.layout.shapes if shape.name]
    assert [(shape.name, shape.x0, shape.x1) for shape in named] == [("highlight", 200, 220)]
    assert not [shape for shape in locus.locus_figure(some_bands(), frame()).layout.shapes if shape.name]


def test_what_is_selected_is_marked_by_its_stretch_its_middle_and_the_outline_of_its_mark() -> None:
    place, middle, ring = locus.selection_shapes((1_000, 1_500), mark=(1_250, -50), axis="y7", palette=LIGHT)
    assert (place["x0"], place["x1"], middle["x0"]) == (1_000, 1_500, 1_250)
    assert (ring["xanchor"], ring["yanchor"], ring["yref"]) == (1_250, -50, "y7")
    assert len(locus.selection_shapes((1, 2), palette=LIGHT)) == 2


def test_arrays_are_packed_as_plotly_does_it() -> None:
    plain = locus.packed(locus.locus_plot(some_bands(), frame(probes=PROBES)))
    whole = locus.locus_figure(some_bands(), frame(probes=PROBES)).to_plotly_json()
    for ours, theirs in zip(plain["data"], whole["data"], strict=True):
        for name in ("x", "y"):
            is_empty = ours[name]["bdata"] == ""  # plotly leaves such an array as it is
            assert is_empty or ours[name] == theirs[name]
    packed = locus.packed({"a": np.array([1, -1]), "b": np.array(["x"], object), "c": [np.float32([0.5])]})
    assert base64.b64decode(packed["a"]["bdata"]) == b"\x01\x00\x00\x00\xff\xff\xff\xff"
    assert (packed["a"]["dtype"], packed["b"], packed["c"][0]["dtype"]) == ("i4", ["x"], "f4")


# ---- scales


def test_heights_by_hand() -> None:
    values = np.array([0.0, 9.0, -4.0, np.nan])
    assert scales.heights(values, "linear")[:3].tolist() == [0, 9, -4]
    assert scales.heights(values, "log")[:3].tolist() == [0, 1, 0]
    assert scales.heights(values, "root")[:3].tolist() == [0, 3, -2]
    # Of three values 0 is the smallest, 4 the next, 9 the largest; the sign stays.
    np.testing.assert_allclose(scales.heights(values, "rank")[:3], [0, 1, -2 / 3])
    assert all(np.isnan(scales.heights(values, scale)[3]) for scale in ("linear", "log", "root", "rank"))


def test_a_range_follows_the_view_or_is_fixed_or_is_ranks() -> None:
    assert scales.axis_range(4, scales.Ruler("root")) == pytest.approx((0, 2.04))
    assert scales.axis_range(4, scales.Ruler("linear"), is_signed=True) == pytest.approx((-4.08, 4.08))
    assert scales.axis_range(4, scales.Ruler("root", (1, 9))) == (1, 3)
    assert scales.axis_range(4, scales.Ruler("rank")) == (0, 1.02)
    assert scales.range_text(4, scales.Ruler("linear", (0, 50))) == "0 to 50, fixed"
    assert scales.range_text(4, scales.Ruler("log")) == "0 – 4, log(1 + x)"
    assert scales.range_text(4, scales.Ruler("rank")) == "last to first rank"
    assert [scales.Ruler(scale).follows for scale in ("linear", "rank")] == [True, False]
    assert not scales.Ruler("linear", (0, 50)).follows


def test_range_and_count_are_of_the_view() -> None:
    links = link_table(1.0, 0.25, 0.04)  # at 10, 20 and 30 kb
    given = {"method": "abc", "gene_name": "MYC", "tss": 0, "top": 2, "threshold": 0, "probes": PROBES}
    made = methods.method_band(links, **given, view=(15_000, 40_000))
    assert made.note == "0 – 0.25 · 1 of 2 links in view"
    assert made.y_range == pytest.approx((0, 1.02 * 0.5))
    middle, counted, says = made.links
    assert (middle.tolist(), counted.tolist(), says) == (
        [10_250, 20_250, 30_250],
        [True, True, False],
        "links in view",
    )


def test_palettes_differ_in_ink_only() -> None:
    light, dark = (locus.locus_figure(some_bands(), frame(), palette=PALETTES[name]) for name in ("light", "dark"))
    assert light.layout.paper_bgcolor != dark.layout.paper_bgcolor
    assert [trace.fillcolor for trace in light.data] == [trace.fillcolor for trace in dark.data]
