"""What live checks measure against: `policies/catalogue/parameters.yaml`."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from gdcc.errors import GdccError
from gdcc.model import StackError
from gdcc.model.record import Context, Record, decode, wrong
from gdcc.model.source import parse
from gdcc.model.types import DnsLabel, SomeOf

FILE = "policies/catalogue/parameters.yaml"


class LogRetention(Record):
    """How long logs are kept, in days."""

    minimum: Annotated[int, Field(ge=90)]
    """By law at least 90: Computer Crime Act, section 26; minimum standards, B.E. 2566."""
    maximum: Annotated[int, Field(ge=90)]
    """Documented here: NCSA cloud security standard 5.2.6.5."""

    @field_validator("maximum")
    @classmethod
    def _is_not_less(cls, maximum: int, info: ValidationInfo[Any]) -> int:
        if maximum < info.data.get("minimum", 0):
            raise wrong("less than the minimum", "at least the minimum")
        return maximum


class Parameters(Record):
    """``policies/catalogue/parameters.yaml``."""

    thai_regions: SomeOf[DnsLabel]
    """As `topology.kubernetes.io/region` of nodes and storage names them."""
    log_retention_days: LogRetention
    encryption_key_days: Annotated[int, Field(ge=1, le=3660)]
    """How old the key that seals Secrets may become."""
    service_account_token_hours: Annotated[int, Field(ge=1, le=24 * 366)]
    """Longest life of a service-account token."""


@lru_cache(maxsize=4)
def parameters(root: Path) -> Parameters:
    """Reads the file.

    Raises:
        StackError: it has problems.
        GdccError: it is not there.
    """
    try:
        content = (root / FILE).read_bytes()
    except OSError as error:
        raise GdccError(f"{FILE}: {error.strerror}", "Run in a checkout of the project.") from error
    read = decode(Parameters, parse(content, FILE), Context(date.max))
    if isinstance(read, list):
        raise StackError(read)
    return read
