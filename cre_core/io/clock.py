"""When something was made, as files say it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from cre_core.errors import BadInput


def made_at() -> str:
    """Now in UTC, or the second that SOURCE_DATE_EPOCH names, so that a build can be repeated byte for byte.

    Raises:
      BadInput: SOURCE_DATE_EPOCH is no number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        moment = datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"SOURCE_DATE_EPOCH is '{given[:40]}'; wanted whole seconds since 1970") from error
    return moment.isoformat(timespec="seconds")
