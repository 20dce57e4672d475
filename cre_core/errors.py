"""Every error the project raises on purpose.

CreError
 +-- BadInput            what came is not what was wanted; the message says both, in one line
 |    +-- UnknownName    a gene, element, study, track or model that is not there
 |    +-- WrongAssembly  coordinates of one assembly where another is wanted
 |    +-- BadFile        a file that is broken, truncated or of another kind
 +-- NotAvailable        a thing this study, model or machine does not have; the message says how to get it
 +-- Cancelled           the person stopped a job

The command line prints the message on one line and exits with 2; a page shows it and keeps its last good view.
"""


class CreError(Exception):
    """Base of the tree above."""


class BadInput(CreError):
    """What came is not what was wanted."""


class UnknownName(BadInput):
    """A name that is not there."""


class WrongAssembly(BadInput):
    """Coordinates of one assembly where another is wanted."""


class BadFile(BadInput):
    """A file that is broken, truncated or of another kind."""


class NotAvailable(CreError):
    """A thing that this study, model or machine does not have."""


class Cancelled(CreError):
    """The person stopped a job."""
