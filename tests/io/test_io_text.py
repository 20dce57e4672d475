"""Descriptions in JSON: whole, or one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cre_core.data.study import Study
from cre_core.errors import BadFile
from cre_core.io import text
from cre_core.io.text import read_json, shown


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply; wanted a study description in JSON"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (b"{", "is not a study description: it is no JSON"),
        (b"\xff\xfe", "is not a study description: it is no JSON"),
        (b"", "is not a study description: it is no JSON"),
        (b"9" * 5_000, "is not a study description: it is no JSON"),
    ],
)
def test_json_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "study.json").write_bytes(content)
    for read in (lambda: read_json(tmp_path / "study.json", what="study description"), lambda: Study.open(tmp_path)):
        with pytest.raises(BadFile, match=says) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_huge_description_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_JSON_BYTES", 10)
    (tmp_path / "a.json").write_text("[" + "1," * 10 + "1]")
    with pytest.raises(BadFile, match="has more than 10 bytes"):
        read_json(tmp_path / "a.json", what="view")
    with pytest.raises(BadFile, match="cannot read"):
        read_json(tmp_path / "none.json", what="view")


def test_a_cell_is_shown_on_one_short_line() -> None:
    assert shown("a\n b\t c") == "a b c"
    assert len(shown("x" * 5_000)) == 60
