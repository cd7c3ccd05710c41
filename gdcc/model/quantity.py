"""Amounts as Kubernetes writes them, with the unit in the value: ``"500m"``, ``"4Gi"``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gdcc.model.record import wrong


@dataclass(frozen=True, order=True)
class Quantity:
    """An amount; equal and ordered by its value, shown as it was written."""

    value: int
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, written: object) -> Self:
        """Reads an amount.

        Raises:
            PydanticCustomError: (a ValueError) it is none; says what to write.
        """
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())


class Cpu(Quantity):
    """Processor time, ``"500m"`` or whole cores ``"4"``; ``value`` is in thousandths of a core."""

    pattern: ClassVar[str] = r"^([1-9][0-9]{0,8}m|[1-9][0-9]{0,5})$"

    @classmethod
    def parse(cls, written: object) -> Self:
        """Reads ``"500m"``, ``"4"`` or a whole number of cores."""
        if isinstance(written, cls):
            return written
        text = "" if isinstance(written, bool) else str(written)
        if not re.fullmatch(cls.pattern, text):
            raise wrong(f"`{written}` is no amount of processor time", '`"500m"` (half a core) or `"4"` (four cores)')
        return cls(int(text.removesuffix("m")) * (1 if text.endswith("m") else 1000), text)

    @classmethod
    def of(cls, thousandths: int) -> Self:
        """The amount of so many thousandths of a core."""
        return cls(thousandths, f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000))

    @property
    def cores(self) -> float:
        """The amount in cores."""
        return self.value / 1000

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = {"type": "integer", "minimum": 1, "maximum": 999_999}
        return {"anyOf": [{"type": "string", "pattern": cls.pattern}, whole]}


_POWERS = {unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), 1)}


class Bytes(Quantity):
    """Memory or storage with its unit, ``"512Mi"``; ``value`` is in bytes."""

    pattern: ClassVar[str] = r"^[1-9][0-9]{0,8}(Ki|Mi|Gi|Ti|Pi)$"

    @classmethod
    def parse(cls, written: object) -> Self:
        """Reads a number with one of the units Ki, Mi, Gi, Ti, Pi."""
        if isinstance(written, cls):
            return written
        text = str(written)
        if re.fullmatch(cls.pattern, text):
            return cls(int(text[:-2]) * _POWERS[text[-2:]], text)
        if re.fullmatch(r"[1-9][0-9]{0,8}", text):
            raise wrong(f"`{text}` has no unit", f'`"{text}Gi"` or `"{text}Mi"`')
        if near := re.fullmatch(r"([1-9][0-9]{0,8}) ?([kmgtp])i?b?", text, re.IGNORECASE):
            raise wrong(f"`{text}` has no unit that is known here", f'`"{near[1]}{near[2].upper()}i"`')
        raise wrong(f"`{text[:60]}` is no amount of memory or storage", '`"512Mi"` or `"4Gi"`')

    @classmethod
    def of(cls, count: int) -> Self:
        """The amount of so many bytes (at least a KiB), in the largest unit that divides it."""
        unit, power = [item for item in _POWERS.items() if item[0] == "Ki" or count % item[1] == 0][-1]
        return cls(count, f"{count // power}{unit}")

    def share(self, percent: int) -> Self:
        """A part of it, to the KiB."""
        kib = _POWERS["Ki"]
        return self.of(max(self.value * percent // 100 // kib, 1) * kib)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": cls.pattern}
