"""Time what the models cost, each against the plain way in the same run.

    python benchmarks/models.py attention                attention with an additive bias at CREaTor's sizes
    python benchmarks/models.py gene                     one CREaTor gene of 400 elements, nothing cached
    python benchmarks/models.py scan                     all single knock-outs of one CREaTor gene of 400 elements
    python benchmarks/models.py chromosome --study DIR   all genes of a chromosome through the shared element cache
    python benchmarks/models.py epoch --study DIR        a training epoch of neighbouring genes against gene by gene
    python benchmarks/models.py step [--study DIR]       CREaTor's training step on a GPU
    python benchmarks/models.py all --study DIR

Both ways in turn, medians, peak memory beside what the process held before. The plain way is the formula of the
paper, written out: every token through every layer, the matrix of weights in memory, every element of every gene
anew. Weights are random: time does not depend on them.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import load_average, memory_mb, timed
from torch import Tensor

from cre_core.data.dataset import GeneDataset, PlaceSampler
from cre_core.data.study import Study
from cre_core.data.windows import neighbourhood_for
from cre_core.inference.embeddings import EmbeddingCache
from cre_core.models.blocks import Embedding, TransformerLayer
from cre_core.models.creator import Creator, CreatorConfig
from cre_core.schema import Batch, ElementInput
from cre_core.training.recipe import load_recipe

RELEASED_S = 0.97  # the released code, one gene of 400 elements on 2 cores
GENES_PER_BATCH = 64
N_STEPS = 50_000
BF16_FLAGS = ("amx_bf16", "avx512_bf16")


def compare(
    what: str, ways: dict[str, Callable[[], object]], *, repeats: int, target: float | None = None
) -> dict[str, float]:
    """Time the ways in turn, print medians, peaks and how many times the last is faster than the first.

    Returns the median seconds of a core by way.
    """
    peaks = {name: peak_mb(way) for name, way in ways.items()}  # warms them too
    walls: dict[str, list[float]] = {name: [] for name in ways}
    cores: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            before = time.process_time()
            walls[name] += timed(way, repeats=1).tolist()
            cores[name].append(time.process_time() - before)
    for name in ways:
        wall, core = 1e3 * np.median(walls[name]), 1e3 * np.median(cores[name])
        print(
            f"  {name:26s} median {wall:8.1f} ms, {core:8.1f} ms of a core, peak {peaks[name]:4.0f} MB, n {repeats}"
        )
    first, *_, last = ways
    ratios = [float(np.median(times[first]) / np.median(times[last])) for times in (walls, cores)]
    wanted = "" if target is None else f"; target {target:g} x"
    print(f"  {what}: {ratios[0]:.1f} x by the wall, {ratios[1]:.1f} x by the core{wanted}")
    # Beside other work the wall says little, and the core says the same as a quiet wall when one thread works.
    return {name: float(np.median(times)) for name, times in cores.items()}


def peak_mb(function: Callable[[], object]) -> float:
    """Peak memory of a call beside what was held before."""
    ctypes.CDLL(None).malloc_trim(0)  # what the last call freed goes back, else this one would seem to need nothing
    before = memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    function()
    return max(0.0, memory_mb("VmHWM") - before)


# ---------------------------------------------------------------- attention


def plain_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    return (query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5 + bias).softmax(-1) @ value


def fused_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


def attention(repeats: int) -> None:
    for stage, n, k, n_bias in (("second stage, 8 genes x 401 tokens", 8, 401, 8), ("first, 64 x 71", 64, 71, 1)):
        print(f"attention, {stage}, 4 heads x 64")
        torch.manual_seed(0)
        heads = [torch.randn(n, 4, k, 64, requires_grad=True) for _ in range(3)]
        _attention_at(heads, torch.randn(n_bias, 4, k, k, requires_grad=True), repeats)


def _attention_at(heads: list[Tensor], bias: Tensor, repeats: int) -> None:
    """In training the bias learns: its gradient is part of the work."""
    torch.testing.assert_close(plain_attention(*heads, bias), fused_attention(*heads, bias), rtol=1e-4, atol=1e-4)
    fixed = [value.detach() for value in (*heads, bias)]
    rounded = [value.bfloat16() for value in fixed]

    def gradients(form: Callable[..., Tensor], *, learned: bool) -> object:
        loss = form(*heads, bias if learned else bias.detach()).square().sum()
        return torch.autograd.grad(loss, [*heads, bias] if learned else heads)

    def both(way: Callable[[Callable[..., Tensor]], object]) -> dict[str, Callable[[], object]]:
        return {"plain": lambda: way(plain_attention), "scaled_dot_product": lambda: way(fused_attention)}

    with torch.inference_mode():
        forward = both(lambda form: form(*fixed))
        compare("forward", forward, repeats=repeats, target=4)
        forward["scaled_dot_product, bf16"] = lambda: fused_attention(*rounded)
        del forward["scaled_dot_product"]
        compare("forward, bf16", forward, repeats=repeats)
    compare("forward and backward", both(lambda form: gradients(form, learned=False)), repeats=repeats)
    compare("the same, the bias learns", both(lambda form: gradients(form, learned=True)), repeats=repeats)


# ---------------------------------------------------------------- one gene


def drawn_elements(n: int, config: CreatorConfig) -> ElementInput:
    draw = torch.Generator().manual_seed(0)
    sequence = torch.randint(0, 4, (n, config.sequence_bp), generator=draw, dtype=torch.int8)
    return ElementInput(sequence, torch.rand(*sequence.shape, len(config.base_tracks), generator=draw).half())


def plain_gene(model: Creator, inputs: ElementInput, place_bp: Tensor) -> Tensor:
    """Expression of one gene, every layer and token written out."""
    elements = torch.cat([_plain_encode(model, inputs[slice(n, n + 64)]) for n in range(0, len(inputs), 64)])
    tokens = torch.cat((model.gene_token(), elements))[None]  # (1, 1 + E, D)
    place = F.pad(place_bp, (1, 0))  # (1, 1 + E)
    bias = model._between(place) + model._of_keys(torch.ones_like(place_bp), 1)
    for layer in model.regulation_layers:
        tokens = _plain_layer(layer, tokens, bias)  # type: ignore[arg-type]
    return model._express(tokens[:, 0])


def _plain_encode(model: Creator, inputs: ElementInput) -> Tensor:
    step, tokens = model.config.token_bp, model.tokens
    token = F.pad(tokens.token_of_base[inputs.sequence.int()], (0, step), value=5)  # (N, L + 5), the end token is 5
    assert inputs.signal is not None
    signal = F.pad(inputs.signal.float().nan_to_num(nan=0.0), (0, 0, 0, step))  # (N, L + 5, T)
    x = F.embedding(token, tokens.base * tokens._is_base()) + tokens.signal(signal)  # (N, L + 5, D)
    x = tokens.conv(x.transpose(1, 2)).transpose(1, 2)  # (N, 71, D)
    place = model._token_places(x.shape[1], inputs.sequence.shape[1])
    bias = model.token_bias(place[:, None] - place[None])[None]
    for layer in model.element_layers:
        x = _plain_layer(layer, x, bias)  # type: ignore[arg-type]
    return x[:, -1]


def _plain_layer(layer: TransformerLayer, tokens: Tensor, bias: Tensor) -> Tensor:
    return layer.mixed_by(tokens, layer.logits(tokens, bias).softmax(-1))


@torch.inference_mode()
def gene(repeats: int) -> None:
    torch.manual_seed(0)
    model = Creator(CreatorConfig()).eval()
    inputs = drawn_elements(400, model.config)
    place_bp = (torch.rand(1, 400) * 2e6 - 1e6).round().sort().values

    def ours() -> Tensor:
        embedding = Embedding(model.gene_token(), model.encode(inputs)[None])
        return model.regulate(embedding, place_bp=place_bp, strength=torch.ones(1, 400)).expression

    def ours_bf16() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return ours()

    print("CREaTor, one gene, 400 elements x 350 bp x 16 tracks, nothing cached")
    torch.testing.assert_close(plain_gene(model, inputs, place_bp), ours(), rtol=1e-4, atol=1e-4)
    compare("fp32", {"plain": lambda: plain_gene(model, inputs, place_bp), "ours": ours}, repeats=repeats)
    before = time.process_time()
    seconds = float(np.median(timed(ours, repeats=repeats)))
    core = (time.process_time() - before) / repeats
    print(f"  ours {seconds:.2f} s, {core:.2f} s of a core; target: the released code's {RELEASED_S} s on 2 cores")
    flags = [flag for flag in BF16_FLAGS if flag in Path("/proc/cpuinfo").read_text()]
    print(f"  this CPU has {' and '.join(flags) or 'no bf16 instructions: bf16 is not expected to be faster'}")
    compare("bf16", {"fp32": ours, "bf16": ours_bf16}, repeats=repeats, target=2 if flags else None)
    print(
        f"  expression {float(ours()[0]):.4f} in fp32, largest difference in bf16 {_bf16_error(model, place_bp):.4f}"
    )


def _bf16_error(model: Creator, place_bp: Tensor) -> float:
    """Largest difference of expression over 64 drawn genes; half of each one's elements are there."""
    elements = drawn_elements(400, model.config)
    strength = (torch.rand(64, 400) < 0.5).float()

    def express() -> Tensor:
        embedding = Embedding(model.gene_token(), model.encode(elements)[None])
        return model.regulate(embedding, place_bp=place_bp, strength=strength).expression

    with torch.autocast("cpu", torch.bfloat16):
        rounded = express()
    return float((rounded - express()).abs().max())


@torch.inference_mode()
def scan(repeats: int) -> None:
    """Elements are encoded once; some of the variants are timed and multiplied up."""
    torch.manual_seed(0)
    model = Creator(CreatorConfig()).eval()
    n, some = 400, 64
    elements = model.encode(drawn_elements(n, model.config))
    place_bp = (torch.rand(1, n) * 2e6 - 1e6).round().sort().values
    strength = torch.ones(n, n) - torch.eye(n)  # each element out in turn

    def express(rows: Tensor) -> Tensor:
        embedding = Embedding(model.gene_token(), elements[None])
        return model.regulate(embedding, place_bp=place_bp, strength=rows).expression

    def by_formula() -> Tensor:
        found = []
        for row in strength[:8]:
            tokens = torch.cat((model.gene_token(), elements))[None]  # (1, 1 + E, D)
            bias = model._between(F.pad(place_bp, (1, 0))) + model._of_keys(row[None], 1)
            for layer in model.regulation_layers:
                tokens = _plain_layer(layer, tokens, bias)  # type: ignore[arg-type]
            found.append(model._express(tokens[:, 0]))
        return torch.cat(found)

    print(f"CREaTor, all {n} single knock-outs of one gene, embeddings kept; {some} timed, 8 by the formula")
    torch.testing.assert_close(by_formula(), express(strength[:8]), rtol=1e-4, atol=1e-4)
    plain = float(np.median(timed(by_formula, repeats=repeats))) / 8 * n
    ours = float(np.median(timed(lambda: express(strength[:some]), repeats=repeats))) / some * n
    print(f"  formula {plain:.1f} s, ours {ours:.1f} s for {n}: {plain / ours:.1f} x; target 2.5 s")


# ---------------------------------------------------------------- genes that share elements


def demo_model(study: Study, biosample: str, full: bool) -> tuple[Creator, GeneDataset]:
    """CREaTor at the demo recipe's size or the paper's, and the genes of the study's chromosome with most of them."""
    torch.manual_seed(0)
    config = {} if full else load_recipe("creator-demo").config
    model = Creator(CreatorConfig(**{**config, **{k: tuple(v) for k, v in config.items() if isinstance(v, list)}}))
    chrom = study.genes["chrom"].value_counts().index[0]
    genes = study.genes.loc[study.genes["chrom"] == chrom, "gene_id"].tolist()
    around = neighbourhood_for(study, biosample, model.config.reads)
    reach, limit = model.config.max_distance_bp, model.config.n_elements
    dataset = GeneDataset(around, genes, np.ones(len(genes)), reach_bp=reach, limit=limit)
    n, name = float(dataset.n_elements.float().mean()), "the paper's size" if full else "the size of creator-demo"
    print(f"{study.name}, {chrom}: {len(genes)} genes, {n:.0f} elements each, CREaTor of {name}")
    return model, dataset


@torch.inference_mode()
def chromosome(study: Study, biosample: str, repeats: int, *, full: bool) -> None:
    """Gene by gene is timed on a sample of the genes where the model is large, and multiplied."""
    model, dataset = demo_model(study, biosample, full)
    model.eval()
    every = list(range(len(dataset)))
    some = every[:: max(1, len(every) // 8)] if full else every

    def by_gene() -> Tensor:
        return torch.cat([model(dataset[[g]][0]).expression for g in some])

    def by_formula() -> Tensor:
        return torch.cat([_plain_gene_of(model, dataset[[g]][0]) for g in some])

    def cached() -> Tensor:
        cache = EmbeddingCache(model)
        parts = []
        for start in range(0, len(every), GENES_PER_BATCH):
            batch = dataset[every[start : start + GENES_PER_BATCH]][0]
            parts.append(model(batch, cache.embed(batch)).expression)
        return torch.cat(parts)

    torch.testing.assert_close(by_gene(), cached()[some], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(by_formula(), cached()[some], rtol=1e-3, atol=1e-4)
    ways = {"formula, gene by gene": by_formula, "ours, gene by gene": by_gene, "ours, cached": cached}
    seconds = compare(f"{len(some)} genes alone / all {len(every)} cached", ways, repeats=repeats)
    for name in list(ways)[:2]:
        ratio = seconds[name] / seconds["ours, cached"] * len(every) / len(some)
        print(f"  all {len(every)} genes, {name} / cached: {ratio:.1f} x by the core; target 20 x")


def _plain_gene_of(model: Creator, batch: Batch) -> Tensor:
    """The formula for a gene as the dataset gives it."""
    assert batch.inputs is not None
    assert batch.input_row is not None
    there = batch.is_element[0]
    return plain_gene(model, batch.inputs[batch.input_row[0, there]], batch.offset_bp[:, there])


@contextmanager
def counted(model: Creator) -> Iterator[list[int]]:
    """How many elements each call of the first stage is given."""
    counts: list[int] = []
    encode = model.encode

    def counting(inputs: ElementInput) -> Tensor:
        counts.append(len(inputs))
        return encode(inputs)

    model.encode = counting  # type: ignore[method-assign]
    try:
        yield counts
    finally:
        del model.encode


def epoch(study: Study, biosample: str, repeats: int) -> None:
    """Forward and backward of an epoch's steps; the gradient is the same."""
    model, dataset = demo_model(study, biosample, full=False)
    model.eval()  # without dropout, so that both ways give one gradient
    size = load_recipe("creator-demo").batch_size
    batches = list(PlaceSampler(dataset, batch_size=size, seed=0))

    def learn(genes: list[int], share: float) -> None:
        batch, target = dataset[genes]
        (F.poisson_nll_loss(model(batch).expression, target, log_input=False) * share).backward()

    def together() -> None:
        for genes in batches:
            model.zero_grad()
            learn(genes, 1.0)

    def alone() -> None:
        for genes in batches:
            model.zero_grad()
            for g in genes:
                learn([g], 1 / len(genes))

    encoded = {}
    for name, way in (("alone", alone), ("together", together)):
        with counted(model) as counts:
            way()
        encoded[name] = sum(counts)
    print(f"  an epoch of {len(batches)} steps of {size} genes, forward and backward")
    ratio = encoded["alone"] / encoded["together"]
    print(f"  elements encoded: {encoded['alone']:,} gene by gene, {encoded['together']:,} together: {ratio:.1f} x")
    compare("time", {"gene by gene": alone, "together": together}, repeats=repeats)


# ---------------------------------------------------------------- a training step on a GPU


def step(study: Study | None, biosample: str, device: str, *, n_genes: int = 8, n_elements: int = 400) -> None:
    """A step of bf16 with everything that belongs to it, and how long it would wait for its data."""
    if device == "cuda" and not torch.cuda.is_available():
        print("no GPU on this machine: the training step of 8 genes x 400 elements was not timed")
        return
    torch.manual_seed(0)
    model = Creator(CreatorConfig()).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    batch = drawn_genes(model.config, n_genes, n_elements)
    n_inputs = len(batch.inputs)  # type: ignore[arg-type]
    moved = batch.to(device)
    target = torch.ones(n_genes, device=device)

    def learn() -> None:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            loss = F.poisson_nll_loss(model(moved).expression, target, log_input=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()  # waits for the device

    timed(learn, repeats=3)
    seconds = float(np.median(timed(learn, repeats=20)))
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(f"CREaTor's training step, {n_genes} genes x {n_elements} elements ({n_inputs:,} different), bf16, {name}")
    print(
        f"  median {1e3 * seconds:.1f} ms; {N_STEPS:,} steps: {N_STEPS * seconds / 60:.1f} min; target 20 on an H200"
    )
    if device == "cuda":
        print(f"  peak {torch.cuda.max_memory_allocated() / 2**30:.1f} GB on the device")
    wait = float(np.median(timed(lambda: batch.to(device).strength.sum().item(), repeats=20)))
    text = f"copy to the device {1e3 * wait:.2f} ms"
    if study is not None:
        _, dataset = demo_model(study, biosample, full=True)
        batches = list(PlaceSampler(dataset, batch_size=n_genes, seed=0))[:20]
        gather = float(np.median([timed(lambda b=b: dataset[b], repeats=1)[0] for b in batches]))
        wait, text = wait + gather, f"{text}, gather of {n_genes} genes of {study.name} {1e3 * gather:.2f} ms"
    print(f"  {text}: {100 * wait / (wait + seconds):.1f} % of a step; target 5 %")


def drawn_genes(config: CreatorConfig, n_genes: int, n_elements: int) -> Batch:
    """Neighbouring genes, each a tenth of a window farther: most elements are shared."""
    shift = n_elements // 10
    total = n_elements + shift * (n_genes - 1)
    row = torch.arange(n_elements) + shift * torch.arange(n_genes)[:, None]  # (G, E)
    centre = (torch.rand(total) * 2e6).sort().values.round()  # (total,)
    place = centre[row] - centre[row].mean(1, keepdim=True).round()  # (G, E)
    there = torch.ones(n_genes, n_elements)
    inputs = drawn_elements(total, config)
    nothing = torch.zeros(n_genes, n_elements, 0)
    return Batch(
        distance_bp=place, is_element=there.bool(), strength=there, width_bp=there, signal=nothing,
        promoter_signal=nothing[:, 0], gene_features=nothing[:, 0], strand=torch.ones(n_genes), inputs=inputs,
        input_row=row,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("attention", "gene", "scan", "chromosome", "epoch", "step", "all"))
    parser.add_argument("--study", type=Path, default=Path("precomputed/demo"))
    parser.add_argument("--biosample", default="SimA")
    parser.add_argument("--full", action="store_true", help="chromosome: CREaTor of the paper's size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cuda", help="of the training step")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    threads = f"{given.threads} threads of {os.cpu_count()} cores"
    print(f"{threads}, torch {torch.__version__}; load average before: {load_average()}")
    study = Study.open(given.study) if given.study.is_dir() else None
    if study is None and given.what in ("chromosome", "epoch", "all"):
        parser.error(f"no study in {given.study}; give --study")
    if given.what in ("attention", "all"):
        attention(given.repeats)
    if given.what in ("gene", "all"):
        gene(given.repeats)
    if given.what in ("scan", "all"):
        scan(given.repeats)
    if study is not None and given.what in ("chromosome", "all"):
        for full in (given.full,) if given.what == "chromosome" else (False, True):
            chromosome(study, given.biosample, 1 if full else given.repeats, full=full)
    if study is not None and given.what in ("epoch", "all"):
        epoch(study, given.biosample, given.repeats)
    if given.what in ("step", "all"):
        step(study, given.biosample, given.device)
    print(f"load average after: {load_average()}")


if __name__ == "__main__":
    main()
