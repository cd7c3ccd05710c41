"""Amounts: their value, their text, their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcc.model import Bytes, Cpu


@pytest.mark.parametrize(("written", "value"), [("500m", 500), ("4", 4000), (4, 4000), ("1500m", 1500)])
def test_processor_time_is_counted_in_thousandths_of_a_core(written: object, value: int) -> None:
    assert Cpu.parse(written).value == value


@pytest.mark.parametrize("written", ["", "0", "-1", "4 ", "4\n", "0.5", 0.5, True, None, "4Gi", "m", "1e3", "๔"])
def test_what_is_no_processor_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="no amount of processor time"):
        Cpu.parse(written)


@pytest.mark.parametrize("written", ["", "0Gi", "-1Gi", "1.5Gi", "4Gi\n", 4, "4", "4G", "4gb", True, None, "Gi", [1]])
def test_what_is_no_memory_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"no unit|no amount of memory"):
        Bytes.parse(written)


@given(st.integers(1, 999_999_999))
def test_an_amount_made_of_a_value_reads_back_as_that_value(value: int) -> None:
    assert Cpu.parse(Cpu.of(value).text).value == value
    assert Bytes.parse(Bytes.of(value * 1024).text).value == value * 1024


def test_amounts_compare_by_value_whatever_their_text() -> None:
    assert Cpu.parse("1000m") == Cpu.parse("1")
    assert Bytes.parse("1Gi") == Bytes.parse("1024Mi") < Bytes.parse("1Ti")
    assert str(Bytes.parse("1024Mi")) == "1024Mi"
