"""Pretraining of the activity encoder: its tiles by hand, what it learns, and that an EPInformer starts from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy import TOY, make_toy_study
from toy_inputs import TINY, genome, with_sequence

from cre_core.data import activity_tiles
from cre_core.data.activity_tiles import ActivityDataset, EvenBatches, Tiling, tiles_of
from cre_core.data.study import IntervalSet, Study, Track, write_info
from cre_core.errors import BadInput, NotAvailable
from cre_core.inference.known import trained_models
from cre_core.io.bigwig import write_bigwig
from cre_core.io.fasta import encode
from cre_core.models import checkpoint
from cre_core.models.registry import build
from cre_core.training.activity import ActivityModule, correlation, train_activity
from cre_core.training.run import train_model

DEMO = Path(__file__).resolve().parents[2] / "precomputed/demo"
PAIR = ("dnase", "h3k27ac")
WEIGHTS = "epinformer-activity/ToyCell/fold_2-seed_0.safetensors"
SHORT = ("n_tiles=1", "epochs=2", "batch_size=2")


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def with_signal(study: Study) -> Study:
    """DNase 3 everywhere, H3K27ac 12 and, from 110 kb on, 48; neither on the first 99,800 bases of chrA."""
    h3k27ac = {chrom: np.full(size, 12.0, np.float32) for chrom, size in TOY.chrom_sizes.items()}
    h3k27ac["chrA"][110_000:] = 48.0
    h3k27ac["chrA"][:99_800] = np.nan
    dnase = {chrom: np.where(np.isnan(values), np.nan, 3.0) for chrom, values in h3k27ac.items()}
    tracks = []
    for assay, values in (("dnase", dnase), ("h3k27ac", h3k27ac)):
        write_bigwig(study.folder / f"{assay}.bw", TOY.chrom_sizes, values)
        tracks.append(Track(f"{assay}.signal", assay, assay, "ToyCell", "bigwig", "reads per base", f"{assay}.bw"))
    write_info(study.folder, replace(study.info, tracks=(*study.info.tracks, *tracks)))
    return Study.open(study.folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return with_signal(with_sequence(make_toy_study(tmp_path_factory.mktemp("activity") / "study")))


def train(study: Study, out: Path, *changes: str, folds: str = "2", recipe: str = "activity") -> list[dict[str, Any]]:
    return train_activity(
        study, "epinformer-activity", biosample="ToyCell", out=out, folds=folds, recipe=recipe, changes=changes,
        device="cpu", report=quiet,
    )  # fmt: skip


# ---------------------------------------------------------------- tiles


def test_tiles_of_elements_by_hand(study: Study) -> None:
    tiles = tiles_of(study, "ToyCell", tracks=PAIR, tiling=Tiling())
    assert (tiles.places, tiles.n_outside) == ("elements", 0)
    assert tiles.unit == "log2(sqrt(dnase x h3k27ac) + 1), reads per base"
    # e1 is centred on 100,000: its tiles start at 99,716, 99,872 and 100,028, and the first lacks 84 bases of signal.
    assert tiles.place.iloc[0].tolist() == ["chrA:99716", "chrA", 99_716]
    expected = encode(genome()["chrA"][99_716 : 99_716 + 568])
    np.testing.assert_array_equal(tiles.sequence[0], expected)
    np.testing.assert_allclose(tiles.activity[0], np.log2(6 + 1), rtol=1e-6)
    # e2 is centred on 110,000, where H3K27ac rises from 12 to 48: before, half of each, behind.
    h3k27ac = np.array([12.0, 30.0, 48.0])
    np.testing.assert_allclose(tiles.activity[1], np.log2(np.sqrt(3 * h3k27ac) + 1), rtol=1e-6)


def test_one_track_and_no_data(study: Study) -> None:
    tiles = tiles_of(study, "ToyCell", tracks=["h3k27ac"], tiling=Tiling(256, 5, 192))
    assert tiles.unit == "log2(h3k27ac + 1), reads per base"
    # The first of five tiles of e1 ends at 99,744, before the signal begins; the second starts at 99,680.
    assert tiles.activity[0].isnan().tolist() == [True, False, False, False, False]
    dataset = ActivityDataset([tiles], [np.ones(6, bool)], tiling=Tiling(256, 5, 192), both=True)
    assert (len(dataset), dataset.n_without_data) == (2 * 29, 1)


def test_a_copy_on_the_other_strand(study: Study) -> None:
    tiling = Tiling()
    tiles = tiles_of(study, "ToyCell", tracks=PAIR, tiling=tiling)
    dataset = ActivityDataset([tiles], [np.arange(6) == 1], tiling=tiling, both=True)
    assert len(dataset) == 6
    bases, target = dataset[[2, 3]]  # e2's middle tile, both strands
    text = genome()["chrA"][109_872:110_128]
    turned = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    np.testing.assert_array_equal(bases, np.stack([encode(text), encode(turned)]))
    assert target[0] == target[1] == tiles.activity[1, 1]


def test_summits_of_peaks_come_first(study: Study, tmp_path: Path) -> None:
    columns = {"chrom": ["chrA", "chrA", "chrB", "chrA"], "start": [100, 5_000, 7_000, 5_000]}
    peaks = pd.DataFrame({**columns, "end": [300, 6_000, 8_000, 6_000], "summit": [200, 5_900, np.nan, 5_900]})
    (study.folder / "intervals").mkdir(exist_ok=True)
    peaks.to_parquet(study.folder / "intervals/peaks.parquet")
    entry = IntervalSet("k27", "H3K27ac peaks", "peaks", "h3k27ac", "ToyCell", "intervals/peaks.parquet")
    other = Study(study.folder, replace(study.info, intervals=(entry,)))
    tiles = tiles_of(other, "ToyCell", tracks=PAIR, tiling=Tiling(256, 1, 1))
    assert tiles.places == "peaks k27"
    # The third has no summit: its middle. The fourth is the second. Three tiles of the first would begin before 0.
    assert tiles.place["start"].tolist() == [200 - 128, 5_900 - 128, 7_500 - 128]
    wide = tiles_of(other, "ToyCell", tracks=PAIR, tiling=Tiling())
    assert (len(wide.place), wide.n_outside) == (2, 1)


def test_no_batch_of_one() -> None:
    for n, batch_size in ((3, 2), (5, 4), (65, 64), (2, 64), (7, 3)):
        batches = list(EvenBatches(n, batch_size=batch_size, seed=1))
        assert min(map(len, batches)) >= 2
        assert sorted(row for batch in batches for row in batch) == list(range(n))
        assert len(batches) == len(EvenBatches(n, batch_size=batch_size, seed=1))


# ---------------------------------------------------------------- the run


def test_a_fold_leaves_an_encoder_that_says_what_it_is(study: Study, tmp_path: Path) -> None:
    (row,) = train(study, tmp_path, *SHORT)
    assert row["fold"] == "fold_2"
    info = checkpoint.read_info(tmp_path / WEIGHTS)
    assert (info.model, info.biosample, info.fold) == ("epinformer-activity", "ToyCell", "fold_2")
    assert info.expression_unit == "log2(sqrt(dnase x h3k27ac) + 1), reads per base"
    made = info.provenance
    assert made["unseen_chroms"] == ["chrB"]
    assert (made["n_train"], made["n_valid"], made["n_test"]) == (6, 1, 2)  # three places of chrA on both strands
    assert made["test_r"] is None  # activity is the same all over chrB
    assert made["recipe"] == "activity with batch_size=2, epochs=2, n_tiles=1"
    assert train(study, tmp_path, *SHORT)[0]["state"] == "was there already"
    with pytest.raises(BadInput, match="was made by recipe activity with batch_size=2, epochs=2, n_tiles=1, not"):
        train(study, tmp_path, *SHORT, "stride_bp=150")
    json.dumps(made, allow_nan=False)


def test_it_is_no_model_of_expression(study: Study, tmp_path: Path) -> None:
    train(study, study.folder / "models", *SHORT)
    assert trained_models(study, "ToyCell") == []


def test_the_test_chromosomes_are_never_learned(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other bases and another signal on chrB the weights of the fold that tests chrB are the same."""
    train(study, tmp_path / "one", *SHORT)
    read = activity_tiles.tiles_of

    def spoilt(*given: Any, **named: Any) -> activity_tiles.Tiles:
        tiles = read(*given, **named)
        on_b = torch.from_numpy((tiles.place["chrom"] == "chrB").to_numpy())
        activity = torch.where(on_b[:, None], 99.0, tiles.activity)
        return tiles._replace(sequence=torch.where(on_b[:, None], 0, tiles.sequence), activity=activity)

    monkeypatch.setattr("cre_core.training.activity.tiles_of", spoilt)
    train(study, tmp_path / "two", *SHORT)
    one, two = (checkpoint.load(tmp_path / name / WEIGHTS)[0].state_dict() for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_loss_falls(tmp_path: Path) -> None:
    """Activity that follows the bases: 40 elements, those with an A-rich middle are active."""
    study = with_sequence(make_toy_study(tmp_path / "study"))
    draw, bases = np.random.default_rng(1), dict(genome())
    rows, signal = [], {chrom: np.zeros(size, np.float32) for chrom, size in TOY.chrom_sizes.items()}
    for n in range(80):
        chrom, middle = ("chrA", "chrB")[n % 2], 5_000 * (n // 2 + 1)
        if draw.random() < 0.5:
            bases[chrom] = bases[chrom][: middle - 128] + "ACAAAAGA" * 32 + bases[chrom][middle + 128 :]
            signal[chrom][middle - 128 : middle + 128] = 30.0
        rows.append((f"x{n}", chrom, middle - 250, middle + 250, "distal"))
    elements = pd.DataFrame(rows, columns=["element_id", "chrom", "start", "end", "element_class"])
    elements.sort_values(["chrom", "start"]).to_parquet(study.folder / "elements.parquet")
    (study.folder / "sequence.fa").write_text("".join(f">{chrom}\n{text}\n" for chrom, text in bases.items()))
    (study.folder / "sequence.fa.fai").unlink(missing_ok=True)
    write_bigwig(study.folder / "dnase.bw", TOY.chrom_sizes, signal)
    track = Track("d", "DNase", "dnase", "ToyCell", "bigwig", "reads", "dnase.bw")
    write_info(study.folder, replace(study.info, tracks=(track,)))
    changes = ("tracks=[dnase]", "n_tiles=1", "epochs=4", "batch_size=8", "patience=9")
    (row,) = train(Study.open(study.folder), tmp_path / "m", *changes)
    (log,) = (tmp_path / "m").rglob("metrics.csv")
    losses = pd.read_csv(log)["train_loss"].dropna().tolist()
    assert losses[-1] < 0.5 * losses[0]
    assert row["test_r"] > 0.8  # on chrB, which it never saw


def test_a_killed_run_gives_the_weights_of_an_uninterrupted_one(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (*SHORT, "epochs=3", "schedule=one_cycle")
    train(study, tmp_path / "whole", *changes)

    def killed(self: ActivityModule, batch: object, index: int) -> None:
        if (self.current_epoch, index) == (2, 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ActivityModule, "on_train_batch_start", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(study, tmp_path / "killed", *changes)
    assert not (tmp_path / "killed" / WEIGHTS).exists()
    torch.manual_seed(99)
    train(study, tmp_path / "killed", *changes)
    whole, killed_one = (checkpoint.load(tmp_path / n / WEIGHTS)[0].state_dict() for n in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed_one[name]) for name in whole)
    assert not list((tmp_path / "killed").rglob(".fold*"))


def test_what_is_not_there(study: Study, tmp_path: Path) -> None:
    with pytest.raises(
        NotAvailable, match="study toy has 0 base-level ctcf tracks of ToyCell, and activity wants one"
    ):
        train(study, tmp_path, "tracks=[ctcf]")
    with pytest.raises(NotAvailable, match="study toy has no sequence, and an encoder of sequence learns from it"):
        train(make_toy_study(tmp_path / "bare"), tmp_path)
    with pytest.raises(NotAvailable, match="no place of elements of ToyCell has 2000256 bp of sequence around it"):
        train(study, tmp_path, "stride_bp=1000000")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_r_by_hand(study: Study) -> None:
    class Given(torch.nn.Module):
        def forward(self, bases: torch.Tensor) -> torch.Tensor:
            return torch.tensor([1.0, 2.0, 4.0])[: len(bases)]

    tiles = tiles_of(study, "ToyCell", tracks=PAIR, tiling=Tiling())
    dataset = ActivityDataset([tiles], [np.arange(6) == 1], tiling=Tiling(), both=False)
    dataset.target = torch.tensor([1.0, 3.0, 2.0])
    assert correlation(Given(), dataset) == pytest.approx(np.corrcoef([1, 2, 4], [1, 3, 2])[0, 1])
    dataset.target = torch.ones(3)
    assert np.isnan(correlation(Given(), dataset))


@pytest.mark.slow
def test_on_the_demo_it_beats_chance_on_a_chromosome_it_never_saw(tmp_path: Path) -> None:
    """r of about 0.24 from 734 stretches; of so many without any relation, r stays below 0.1 in 99 of 100."""
    (row,) = train_activity(
        Study.open(DEMO), "epinformer-activity", biosample="SimA", out=tmp_path, folds="1", recipe="activity-demo",
        device="cpu", report=quiet,
    )  # fmt: skip
    assert row["test_r"] > 0.1


# ---------------------------------------------------------------- an EPInformer starts from it


def start_from(study: Study, folder: Path, encoder: str, *, folds: str = "2", n_seeds: int = 1) -> None:
    config = {**TINY, "encoder_is_frozen": True}
    settings = {"model": "epinformer", "config": config, "epochs": 1, "batch_size": 2, "n_seeds": n_seeds}
    (folder / "start.yaml").write_text(yaml.safe_dump({**settings, "pretrained_encoder": encoder}))
    train_model(
        study, "epinformer", biosample="ToyCell", out=folder / "m", folds=folds, recipe=str(folder / "start.yaml"),
        device="cpu", report=quiet,
    )  # fmt: skip


def save_encoder(path: Path, *, number: int, fold: str = "", **provenance: object) -> torch.Tensor:
    torch.manual_seed(number)
    encoder = build("epinformer-activity")
    info = checkpoint.describe(
        encoder, biosample="ToyCell", expression_unit="log2(dnase + 1)", fold=fold, provenance=provenance
    )
    checkpoint.save(path, encoder, info)
    return encoder.encoder.stem.weight  # type: ignore[union-attr, return-value]


def stem(folder: Path, fold: str, seed: int = 0) -> torch.Tensor:
    model, _ = checkpoint.load(folder / f"m/epinformer/ToyCell/{fold}-seed_{seed}.safetensors")
    return model.encoder.stem.weight  # type: ignore[union-attr, return-value]


def test_every_fold_starts_from_its_own(study: Study, tmp_path: Path) -> None:
    weights = {
        fold: save_encoder(tmp_path / f"e/{fold}-seed_0.safetensors", number=n, fold=fold, unseen_chroms=[chrom])
        for n, (fold, chrom) in enumerate((("fold_1", "chrA"), ("fold_2", "chrB")))
    }
    own = save_encoder(tmp_path / "e/fold_1-seed_1.safetensors", number=7, fold="fold_1", unseen_chroms=["chrA"])
    study = Study(study.folder, study.info)
    folds = study.folds.assign(fold_1=["test", "test", "train", "valid"], fold_2=["train", "valid", "test", "test"])
    study.__dict__["folds"] = folds
    start_from(study, tmp_path, "e", folds="1,2", n_seeds=2)
    assert torch.equal(stem(tmp_path, "fold_1"), weights["fold_1"])
    assert torch.equal(stem(tmp_path, "fold_1", 1), own)  # of the same seed
    assert torch.equal(stem(tmp_path, "fold_2", 1), weights["fold_2"])  # of which there is one seed
    info = checkpoint.read_info(tmp_path / "m/epinformer/ToyCell/fold_2-seed_1.safetensors")
    assert info.provenance["pretrained_encoder"] == "fold_2-seed_0.safetensors of ToyCell, not known"


def test_an_encoder_that_saw_test_genes_is_refused(study: Study, tmp_path: Path) -> None:
    save_encoder(tmp_path / "e/fold_1-seed_0.safetensors", number=0, fold="fold_1", unseen_chroms=["chrA"])
    with pytest.raises(NotAvailable, match=r"e has no fold_2-seed_0\.safetensors; an encoder of another fold would"):
        start_from(study, tmp_path, "e")
    with pytest.raises(BadInput, match=r"saw chrB, which fold_2 of study toy tests; wanted an encoder of fold_2"):
        start_from(study, tmp_path, "e/fold_1-seed_0.safetensors")
    save_encoder(tmp_path / "other.safetensors", number=0, fold="fold_1")
    with pytest.raises(BadInput, match=r"other\.safetensors is of fold_1 and would have seen test genes of fold_2"):
        start_from(study, tmp_path, "other.safetensors")
    # Of another study's folds, under the same name: by its chromosomes.
    save_encoder(tmp_path / "far/fold_2-seed_0.safetensors", number=0, fold="fold_2", unseen_chroms=["chrA"])
    with pytest.raises(BadInput, match="saw chrB, which fold_2 of study toy tests"):
        start_from(study, tmp_path, "far")
    assert not (tmp_path / "m").exists()


def test_from_pretraining_to_expression(study: Study, tmp_path: Path) -> None:
    train(study, tmp_path, *SHORT)
    start_from(study, tmp_path, "epinformer-activity/ToyCell")
    pretrained, _ = checkpoint.load(tmp_path / WEIGHTS)
    model, _ = checkpoint.load(tmp_path / "m/epinformer/ToyCell/fold_2-seed_0.safetensors")
    theirs = pretrained.encoder.state_dict()  # type: ignore[union-attr, operator]
    for name, value in model.encoder.state_dict().items():  # type: ignore[union-attr, operator]
        assert torch.equal(value, theirs[name]), name
