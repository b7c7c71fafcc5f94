"""The record of a run describes this machine."""

from __future__ import annotations

import os

import numpy as np
import psutil
import pytest

from toolkit.hardware import PACKAGES, machine


def test_machine() -> None:
    """The record names this processor, its cores and memory, and the versions that are installed."""
    found = machine()
    assert set(found) == {"platform", "python", "processor", "cores", "memory_gb", "versions"}
    assert found["versions"]["numpy"] == np.__version__ and set(found["versions"]) == set(PACKAGES)
    assert 1 <= found["cores"] <= os.cpu_count() and found["processor"]
    assert found["memory_gb"] * 1e9 == pytest.approx(psutil.virtual_memory().total, rel=0.1)
