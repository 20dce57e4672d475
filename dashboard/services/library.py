"""The studies at hand, opened once, and results computed once.

`library.study(name)` gives the open Study; `library.memo(study, key, function)` gives a result from the disk cache,
computing it at the first call. A study that is prepared anew, models that are trained anew and a program that changed
have another stamp, so that old results are never shown.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cre_core.data.study import EMBEDDED, Study, studies_in
from cre_core.errors import CreError, NotAvailable, UnknownName
from cre_core.kept import Kept
from dashboard.services.cache import Cache
from dashboard.services.jobs import Jobs
from dashboard.services.models.client import ModelClient
from dashboard.services.stamps import code_stamp, stamp_of
from dashboard.settings import EMBEDDED_STUDIES, Settings

T = TypeVar("T")


class Library:
    """Every study of the settings, by name.

    Attributes:
      settings: what the dashboard was started with.
      problems: study folder -> one line why it could not be opened.
      jobs: studies being made.
      cache: the disk cache; results only, private to the user.
      models: the way to the process that holds the models; None = each web worker holds its own.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cache = Cache(settings.cache_dir)
        self.problems: dict[Path, str] = {}
        self.jobs = Jobs(on_end=self.refresh)
        self.models = ModelClient(settings) if settings.model_process else None
        self.kept = Kept()  # what others make of this library
        self._studies: dict[str, Study] = {}
        self._stamps: dict[str, str] = {}
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Look again for studies: those of the settings, then those in `studies_dir`; changed ones are reopened.

        Of two studies of one name the first counts, but one that came with the program gives way, in its place.
        """
        studies: dict[str, Study] = {}
        stamps: dict[str, str] = {}
        problems: dict[Path, str] = {}
        for folder in self._folders():
            try:
                stamp = _stamp(folder)
                study = self._opened(folder, stamp)
            except CreError as error:
                problems[folder] = str(error)
                continue
            if study.name in studies and studies[study.name].folder not in EMBEDDED_STUDIES:
                problems[folder] = f"study {study.name} is open already, from {studies[study.name].folder}"
            else:  # a study of one's own takes the place of the embedded one
                studies[study.name], stamps[study.name] = study, stamp
        with self._lock:
            self._studies, self._stamps, self.problems = studies, stamps, problems

    def names(self) -> list[str]:
        """Names of the studies, the default first."""
        return list(self._studies)

    def study(self, name: str = "") -> Study:
        """The open study of a name; the default one for an empty name.

        Raises:
          UnknownName: no such study here.
        """
        if not name:
            return self.default()
        if name not in self._studies:
            known = ", ".join(self._studies) or "none"
            raise UnknownName(f"no study '{name}' here; there are: {known}")
        return self._studies[name]

    def default(self) -> Study:
        """The first study of the settings.

        Raises:
          NotAvailable: there is none.
        """
        for study in self._studies.values():
            return study
        raise NotAvailable("no study here; python -m cre_core simulate --out studies/demo makes one")

    def memo(self, study: str, key: tuple[object, ...], function: Callable[[], T]) -> T:
        """`function()`, computed once per study, its stamp and key, and then read from the disk cache.

        Args:
          study: name of the study the result belongs to.
          key: what else the result depends on: the function's name first, then its arguments.
          function: pure; its result is kept.
        """
        name = self.study(study).name
        text = repr((code_stamp(), name, self._stamps[name], *key))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.cache.made_once(digest, function)

    def describe(self) -> dict[str, dict[str, object]]:
        """What the header's selects need to know of each study."""
        return {
            name: {
                "title": study.info.title,
                "assembly": study.info.assembly_name,
                "biosamples": list(study.info.biosamples),
                "is_simulated": study.info.is_simulated,
            }
            for name, study in self._studies.items()
        }

    def close(self) -> None:
        """Stop the jobs and close the cache's file."""
        self.jobs.close()
        if self.models is not None:
            self.models.close()
        self.cache.close()

    def _folders(self) -> list[Path]:
        found = studies_in(self.settings.studies_dir)
        given = [folder for folder in self.settings.studies if (folder / "study.json").is_file()]
        return list(dict.fromkeys([*given, *found]))

    def _opened(self, folder: Path, stamp: str) -> Study:
        for name, study in self._studies.items():
            if study.folder == folder and self._stamps[name] == stamp:
                return study
        return Study.open(folder)


def _stamp(folder: Path) -> str:
    """What changes when a study is prepared anew, or its models are trained anew."""
    weights = {path for home in (folder, EMBEDDED / folder.name) for path in home.glob("models/*/*/*")}
    return f"{folder.resolve()}:{stamp_of([folder / 'study.json', *weights])}"
