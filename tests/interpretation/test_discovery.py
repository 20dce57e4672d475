"""TF-MoDISco in its own process: what goes in, what comes out, and that it ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cre_core.errors import BadInput, NotAvailable
from cre_core.interpretation import discovery
from cre_core.interpretation.discovery import discover_motifs, main

BASES = np.eye(4)[np.random.default_rng(0).integers(0, 4, (3, 50))]  # (3, 50, 4)
CONTRIBUTIONS = np.ones_like(BASES)


def as_child(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let a script be the child; it is given the two paths."""
    (folder / "child.py").write_text(script)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(discovery, "MODULE", "child")


def test_a_child_that_hangs_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    as_child(monkeypatch, tmp_path, script)
    start = time.monotonic()
    with pytest.raises(NotAvailable, match="TF-MoDISco did not end within 2 s; allow more time or fewer seqlets"):
        discover_motifs(BASES, CONTRIBUTIONS, time_limit_s=2)
    assert time.monotonic() - start < 20
    for _ in range(100):
        if not is_running(int(pid.read_text())):
            return
        time.sleep(0.05)
    raise AssertionError("what the child started still runs")


def is_running(pid: int) -> bool:
    """Whether a process runs; one that is ended and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_child(monkeypatch, tmp_path, "raise ValueError('no seqlets')")
    with pytest.raises(NotAvailable, match="TF-MoDISco failed: ValueError: no seqlets"):
        discover_motifs(BASES, CONTRIBUTIONS)


def test_what_goes_in_and_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child gives back what it was given: the sequences that are read, and their rows are ours again."""
    as_child(
        monkeypatch,
        tmp_path,
        "import sys, numpy as np\n"
        "a = np.load(sys.argv[1])\n"
        "assert a['max_seqlets'] == 7\n"
        "seqlets = np.array([[1, 2, 12, 0]])\n"
        "parts = {'probabilities': a['bases'][1].T, 'contributions': a['hypothetical'][1].T, 'seqlets': seqlets}\n"
        "np.savez(sys.argv[2], **{'n+': 0, 'n-': 1}, **{f'-0.{k}': v for k, v in parts.items()})\n",
    )
    contributions, bases = CONTRIBUTIONS.copy(), BASES.copy()
    contributions[1] = np.nan  # not read: left out
    bases[2, 0], contributions[2, 0] = 0, np.nan  # N
    (found,) = discover_motifs(bases, contributions, max_seqlets=7)
    assert (found.name, found.sign) == ("negative 1", -1)
    np.testing.assert_array_equal(found.probabilities, bases[2].T)
    np.testing.assert_array_equal(found.contributions, np.where(np.arange(50) > 0, 1, 0) * np.ones((4, 1)))
    assert found.seqlets.tolist() == [[2, 2, 12, 0]]


def test_the_child_s_own_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patterns arrive as arrays, without TF-MoDISco itself."""
    seqlet = SimpleNamespace(example_idx=1, start=5, end=10, is_revcomp=True)
    pattern = SimpleNamespace(sequence=BASES[0, :5], contrib_scores=BASES[1, :5], seqlets=[seqlet])
    told: dict[str, object] = {}

    def fake(**given: object) -> tuple[list[SimpleNamespace], None]:
        told.update(given)
        return [pattern], None

    monkeypatch.setitem(sys.modules, "modiscolite", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", SimpleNamespace(TFMoDISco=fake))
    np.savez(tmp_path / "given.npz", bases=BASES, hypothetical=CONTRIBUTIONS, max_seqlets=9)
    main(tmp_path / "given.npz", tmp_path / "made.npz")
    assert told["max_seqlets_per_metacluster"] == 9
    with np.load(tmp_path / "made.npz", allow_pickle=False) as arrays:
        (found,) = discovery._patterns(arrays)
    assert (found.name, found.sign, found.seqlets.tolist()) == ("positive 1", 1, [[1, 5, 10, 1]])
    np.testing.assert_array_equal(found.probabilities, BASES[0, :5].T)
    np.testing.assert_array_equal(found.contributions, BASES[1, :5].T)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.npz", "made.npz"]


@pytest.mark.slow  # TF-MoDISco itself: ten seconds, most of them numba's
def test_a_planted_motif_is_found() -> None:
    """Every base of a site of 10 contributes 0.7 for itself and takes 0.3 for another; the rest is noise."""
    draw, n, length, word = np.random.default_rng(0), 200, 120, "TGACTCAGCA"
    site = np.eye(4)[["ACGT".index(base) for base in word]]
    bases = np.eye(4)[draw.integers(0, 4, (n, length))]
    hypothetical = draw.normal(0, 0.05, (n, length, 4))
    starts = draw.integers(30, length - 40, n)
    for row, start in enumerate(starts):
        bases[row, start : start + 10] = site
        hypothetical[row, start : start + 10] += site - 0.3
    first, *others = discover_motifs(bases, hypothetical, time_limit_s=300)
    assert (first.sign, others) == (1, [])
    shown = "".join("ACGT"[base] for base in first.probabilities.argmax(0))
    reverse = shown[::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert word in shown or word in reverse
    rows, begin, end, _ = first.seqlets.T
    assert len(np.unique(rows)) > n / 2
    holds_site = (begin <= starts[rows]) & (end >= starts[rows] + 10)
    assert holds_site.mean() > 0.95


@pytest.mark.parametrize(
    ("bases", "contributions", "message"),
    [
        (BASES[:2], CONTRIBUTIONS, r"bases \(2, 50, 4\) and contributions \(3, 50, 4\) came"),
        (BASES[:, :40], CONTRIBUTIONS[:, :40], "sequences of 40 bp came; wanted 41 or more"),
        (BASES, np.full_like(BASES, np.nan), "no sequence has contributions; wanted one or more"),
        (
            BASES,
            np.where(np.arange(50)[:, None] == 7, np.nan, CONTRIBUTIONS),
            "3 known bases have no contribution; first: sequence 0, base 7",
        ),
    ],
)
def test_what_cannot_be_searched(bases: np.ndarray, contributions: np.ndarray, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        discover_motifs(bases, contributions)
