"""A model of sequence: an element is encoded once, and knock-outs run the second stage alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_inputs import study_with_weights, with_contacts

from cre_core.data.batches import batch_of
from cre_core.data.study import Study
from cre_core.errors import NotAvailable
from cre_core.evaluation.scores import gene_links
from cre_core.inference.embeddings import EmbeddingCache
from cre_core.inference.known import label_of
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.perturb import scan_singles
from cre_core.models import checkpoint
from cre_core.models.epinformer import EPInformer
from cre_core.models.registry import build
from cre_core.schema import ElementInput, Mode


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    study = study_with_weights(tmp_path_factory.mktemp("sequence_models") / "study", {"variant": "pe-activity"})
    return open_predictor(study, "epinformer", biosample="ToyCell")


def count_encoded(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counts: list[int] = []
    encode = EPInformer.encode

    def counted(self: EPInformer, sequence: torch.Tensor) -> torch.Tensor:
        counts.append(len(sequence))
        return encode(self, sequence)

    monkeypatch.setattr(EPInformer, "encode", counted)
    predictor._loaded.clear()
    predictor._caches.clear()
    return counts


def test_each_element_is_encoded_once(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_encoded(predictor, monkeypatch)
    window = predictor.window("G1")
    before = predictor.predict([window]).expression
    assert sum(counts) == 4  # the promoter and e2, e3, e4; e1 lies inside the promoter sequence
    modes: tuple[Mode, ...] = ("mask", "silence")
    for mode in modes:
        scan_singles(predictor, window, mode=mode)
    # Base for base, geneM's promoter is e4 and its element e1 is geneA's promoter: nothing is new.
    predictor.predict([predictor.window("G2")])
    assert sum(counts) == 4
    torch.testing.assert_close(predictor.predict([window]).expression, before)


def test_the_cache_gives_what_the_model_gives(predictor: Predictor) -> None:
    batch = batch_of([predictor.window("G1"), predictor.window("G2")])
    with torch.inference_mode():
        plain = predictor.models_of("fold_1")[0](batch)
    cached = predictor.run("fold_1", batch)
    torch.testing.assert_close(cached.expression, plain.expression)
    torch.testing.assert_close(cached.attention, plain.attention)


def test_a_scan_gives_what_single_predictions_give(predictor: Predictor) -> None:
    window = predictor.window("G1")
    scan = scan_singles(predictor, window).set_index("element_id")["after"]
    for row, name in ((1, "e2"), (2, "e3"), (3, "e4")):
        without = replace(window, elements=window.elements.drop(index=row).reset_index(drop=True))
        assert scan[name] == pytest.approx(float(predictor.predict([without]).expression), abs=1e-5)


def test_a_gap_leaves_its_element_out_and_nothing_else(predictor: Predictor) -> None:
    window = predictor.window("G1")
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    without = window.elements.drop(index=1).reset_index(drop=True)
    gap = predictor.predict([replace(window, elements=blank)]).expression
    torch.testing.assert_close(gap, predictor.predict([replace(window, elements=without)]).expression)
    modes: tuple[Mode, ...] = ("mask", "silence")
    for mode in modes:
        scan = scan_singles(predictor, replace(window, elements=blank), mode=mode)
        assert scan["after"].isna().tolist() == [False, True, False, False]


def test_silencing_leaves_the_sequence(predictor: Predictor) -> None:
    window = predictor.window("G1")
    silenced = predictor.predict_variants(window, np.array([[1, 1, 0, 1]]), mode="silence")
    changed = window.elements.astype({"dnase": np.float32, "h3k27ac": np.float32})
    changed.loc[2, ["dnase", "h3k27ac"]] = predictor.background.counts_per_bp.numpy() * 1000  # e3 is 1,000 bp wide
    expected = predictor.predict([replace(window, elements=changed)])
    torch.testing.assert_close(silenced.expression, expected.expression)
    torch.testing.assert_close(silenced.attention, expected.attention)
    assert predictor.mode_text("silence").endswith("its sequence stays as it is")


def test_a_million_reads_per_track_is_reads(predictor: Predictor, tmp_path: Path) -> None:
    """Weights of reads per million, at a depth of 1 million, see the counts themselves; at 4 million a quarter."""
    study = study_with_weights(tmp_path / "study", {"variant": "pe-activity", "signal_unit": "RPM"})
    with pytest.raises(NotAvailable, match="study toy does not say how many reads of dnase were mapped in ToyCell"):
        open_predictor(study, "epinformer", biosample="ToyCell")
    of_depth = {}
    for n in (1, 4):
        depth = {"ToyCell": {"dnase": n * 1e6, "h3k27ac": n * 1e6}}
        deep = Study(study.folder, replace(study.info, library_reads=depth))
        of_depth[n] = open_predictor(deep, "epinformer", biosample="ToyCell")
    modes: tuple[Mode, ...] = ("mask", "silence")
    for mode in modes:
        wanted = scan_singles(predictor, predictor.window("G1"), mode=mode)["after"]
        found = scan_singles(of_depth[1], of_depth[1].window("G1"), mode=mode)["after"]
        assert found.tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
    torch.testing.assert_close(of_depth[4].background.counts_per_bp, predictor.background.counts_per_bp / 4)
    assert of_depth[4].mode_text("mask").endswith("; counts enter per million reads (dnase 4 M, h3k27ac 4 M)")
    assert of_depth[4].label == "EPInformer (PE-Activity, signal in RPM)"
    assert "million" not in predictor.mode_text("mask")


def test_silencing_is_in_the_unit_that_the_model_reads(tmp_path: Path) -> None:
    study = study_with_weights(tmp_path / "study", {"variant": "pe-activity", "signal_unit": "RPM"})
    depth = {"ToyCell": {"dnase": 50e6, "h3k27ac": 20e6}}
    deep = Study(study.folder, replace(study.info, library_reads=depth))
    predictor = open_predictor(deep, "epinformer", biosample="ToyCell")
    # reads per bp of the six elements over 50 million reads, by hand
    dnase = np.array([0, 10, 100, 400 / 2, 800, 900]) / 500 / 50
    assert predictor.background.counts_per_bp[0].item() == pytest.approx(np.quantile(dnase, 0.05))
    window = predictor.window("G1")
    batch = predictor._varied(window, torch.tensor([[1.0, 1, 0, 1]]), "silence")
    assert window.elements.loc[2, ["dnase", "h3k27ac"]].tolist() == pytest.approx([400 / 50, 100 / 20])
    assert batch.signal[0, 2, 0].item() == pytest.approx(1000 * np.quantile(dnase, 0.05))  # e3 is 1,000 bp wide


def info_of(provenance: dict[str, object], unit: str, **config: object) -> checkpoint.CheckpointInfo:
    return checkpoint.CheckpointInfo("epinformer", config, "K562", unit, provenance=provenance)


@pytest.mark.parametrize(
    ("info", "label"),
    [
        (
            info_of({"imported_from": "x.pt"}, "log10(1 + CAGE reads)", variant="pe-activity", signal_unit="reads"),
            "EPInformer (published, CAGE, PE-Activity)",
        ),
        (
            info_of({"imported_from": "x.pt"}, "log10(RPKM)", variant="pe-activity-hic", signal_unit="RPM"),
            "EPInformer (published, RNA, PE-Activity-HiC, signal in RPM)",
        ),
        (info_of({}, "log10(RPKM)", variant="pe", signal_unit="RPM"), "EPInformer (PE)"),  # reads no signal
        (checkpoint.CheckpointInfo("scpge", {"form": "lp"}, "K562", "log10(TPM + 1)"), "ScPGE-LP"),
        (
            checkpoint.CheckpointInfo("scpge", {"inputs": ["motif", "signal"]}, "K562", "log10(TPM + 1)"),
            "ScPGE (motif and signal alone)",
        ),
        (
            checkpoint.CheckpointInfo("creator", {}, "A+B", "ln(TPM + 1)"),
            "CREaTor (trained on A and B, never on K562)",
        ),
    ],
)
def test_a_label_tells_models_of_one_kind_apart(info: checkpoint.CheckpointInfo, label: str) -> None:
    assert label_of(info, biosample="K562") == label


def test_weights_that_name_no_fold_do_not_answer(tmp_path: Path) -> None:
    study = study_with_weights(tmp_path / "study", {"variant": "pe"})
    folder = study.folder / "models/epinformer/ToyCell"
    (folder / "fold_2-seed_0.safetensors").unlink()
    (folder / "fold_1-seed_0.safetensors").rename(folder / "unknown-seed_0.safetensors")
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    with pytest.raises(NotAvailable, match="not say which genes they never saw; import them with --fold fold_1"):
        predictor.predict([predictor.window("G1")])


def test_many_genes_give_what_each_gives(predictor: Predictor) -> None:
    table = predictor.predict_genes(["G3", "G1", "G2"])
    alone = [float(predictor.predict([predictor.window(gene)]).expression) for gene in ("G3", "G1", "G2")]
    assert table["predicted"].tolist() == pytest.approx(alone, abs=1e-5)


def test_without_signal_there_is_nothing_to_silence(tmp_path: Path) -> None:
    study = study_with_weights(tmp_path / "study", {"variant": "pe"})
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    assert predictor.modes == ("mask", "scramble")
    scan = scan_singles(predictor, predictor.window("G1"))
    assert scan["after"].notna().all()


def test_what_the_model_does_not_read_has_no_attention_score(predictor: Predictor) -> None:
    assert predictor.looks_at(predictor.window("G1")).tolist() == [False, True, True, True]  # e1 lies on the TSS
    links = gene_links(predictor.study, "G1", biosample="ToyCell", methods=["epinformer.attention"])
    scores = links.set_index("element_id")["score"]
    assert np.isnan(scores["e1"])
    assert (scores[["e2", "e3", "e4"]] > 0).all()


def test_what_the_model_does_not_read_has_no_effect(predictor: Predictor) -> None:
    window = predictor.window("G1")
    beside = window.elements.assign(is_own_promoter=False)  # e1 as an element that the promoter's sequence covers
    scan = scan_singles(predictor, replace(window, elements=beside))
    assert scan["effect_fraction"].isna().tolist() == [True, False, False, False]
    assert scan_singles(predictor, window)["effect_fraction"].notna().all()  # its own promoter's counts are read


def test_a_batch_without_sequence_is_refused(predictor: Predictor) -> None:
    batch = batch_of([predictor.window("G1")]).with_(inputs=None)
    with pytest.raises(NotAvailable, match="this model reads sequence and the study has none"):
        predictor.run("fold_1", batch)


def test_an_element_whose_contact_is_masked_is_left_out(tmp_path: Path) -> None:
    study = with_contacts(study_with_weights(tmp_path / "study", {"variant": "pe-activity-hic"}))
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    modes: tuple[Mode, ...] = ("mask", "silence")
    for mode in modes:
        scan = scan_singles(predictor, predictor.window("G1"), mode=mode)
        assert scan["after"].isna().tolist() == [False, False, True, False]  # e3 lies in the masked bin


def test_the_cache_forgets_the_least_recently_used() -> None:
    cache = EmbeddingCache(build("epinformer", {"sequence_bp": 400}).eval(), limit=2)  # type: ignore[arg-type]
    bases = torch.arange(3, dtype=torch.int8)[:, None].expand(3, 400)
    one, two, three = (ElementInput(row[None]) for row in bases)
    with torch.inference_mode():
        first = cache.encode(one)
        cache.encode(two)
        torch.testing.assert_close(cache.encode(one), first)
        cache.encode(three)  # two goes
        seen = len(cache._kept)
        torch.testing.assert_close(
            cache.encode(one.joined(two).joined(one)), torch.cat([first, cache.encode(two), first])
        )
    assert seen == 2
