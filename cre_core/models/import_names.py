"""Names of the tensors in the authors' checkpoints of CREaTor and ScPGE: ours -> theirs, several stacked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def creator_names(*, n_element_layers: int, n_regulation_layers: int, n_scales: int) -> dict[str, tuple[str, ...]]:
    """CREaTor: every tensor of ours to the one, or the three projections, of the authors'."""
    names = {
        "tokens.base": ("embed_genome.0.weight",),
        "token_bias.table": ("rp_bias_1.relative_attention_bias.weight",),
        **_pairs("tokens.signal", "embed_chipseq.0"),
        **_pairs("tokens.conv", "projection.conv"),
        **_pairs("norm", "layer_norm_after"),
        **_pairs("head", "fc.0"),
    }
    for n in range(n_scales):
        names[f"place_bias.{n}.table"] = (f"rp_bias_2.rp_bias.{n}.relative_attention_bias.weight",)
    for n in range(n_element_layers):
        names |= _layer(f"element_layers.{n}", f"encoder1.layers.{n}")
    for n in range(n_regulation_layers):
        names |= _layer(f"regulation_layers.{n}", f"encoder2.layers.{n}")
    return names


def scpge_names(*, n_layers: int, n_blocks: int) -> dict[str, tuple[str, ...]]:
    """ScPGE: every tensor of ours to the authors'."""
    names = {
        "rank_bias.table": ("rp_bias.relative_attention_bias.weight",),
        **_pairs("encoder.project", "projection.0"),
        **_pairs("norm", "layer_norm"),
        **_pairs("head.0", "fc.0"),
        **_pairs("head.3", "fc.3"),
    }
    for ours, theirs in (("sequence", "stem_seq"), ("motif", "stem_motif"), ("signal", "stem_fea")):
        names |= _pairs(f"encoder.stems.{ours}.conv", f"{theirs}.0")
        names |= _residual(f"encoder.stems.{ours}.residual", f"{theirs}.1")
    for n in range(n_blocks):
        ours, theirs = f"encoder.tower.{n}", f"conv_tower.{n}"
        names |= {f"{ours}.norm.{own}": (f"{theirs}.0.{own}",) for own in _NORM}
        names |= _pairs(f"{ours}.conv", f"{theirs}.2")
        names |= _residual(f"{ours}.residual", f"{theirs}.3")
    for n in range(n_layers):
        names |= _layer(f"layers.{n}", f"transformer.layers.{n}")
    return names


def _pairs(ours: str, theirs: str) -> dict[str, tuple[str, ...]]:
    return {f"{ours}.{own}": (f"{theirs}.{own}",) for own in ("weight", "bias")}


def _residual(ours: str, theirs: str) -> dict[str, tuple[str, ...]]:
    norm = {f"{ours}.norm.{own}": (f"{theirs}.conv_block.0.{own}",) for own in _NORM}
    return {**norm, f"{ours}.pointwise.weight": (f"{theirs}.conv_block.2.weight",)}


def _layer(ours: str, theirs: str) -> dict[str, tuple[str, ...]]:
    projections = tuple(f"{theirs}.attn.fc_{name}.weight" for name in ("query", "key", "value"))
    return {
        f"{ours}.query_key_value.weight": projections,
        f"{ours}.out.weight": (f"{theirs}.attn.fc_out.weight",),
        **dict(_each(ours, theirs, {"norm1": "norm1", "norm2": "norm2"})),
        **dict(_each(ours, theirs, {"feed_forward.0": "ffn.ff.0", "feed_forward.3": "ffn.ff.3"})),
    }


def _each(ours: str, theirs: str, parts: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for own, their in parts.items():
        yield from _pairs(f"{ours}.{own}", f"{theirs}.{their}").items()
