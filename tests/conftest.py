"""What all tests share: a fresh cache, no network, the embedded model once a session."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in every run, so that a failure is of the change at hand; others with --hypothesis-profile=explore.
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

# Before anything of the toolkit is imported: a warm cache would hide a broken encode.
_CACHE = tempfile.TemporaryDirectory(prefix="toolkit-tests-")
os.environ["TOOLKIT_CACHE"] = _CACHE.name
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to connect to another machine fails the test, unless it is marked `network`."""
    if request.node.get_closest_marker("network"):
        return
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    local = ("127.0.0.1", "::1", "localhost")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in local:
            raise OSError(f"a test tried to connect to {address}")
        connect(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in local:
            raise OSError(f"a test tried to look up {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TOOLKIT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def model() -> Any:
    """The embedded model, on the processor. Do not change it: copy it (copy.deepcopy) for a test that does."""
    from toolkit import vectors

    return vectors.load(device="cpu")


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """Folder of real data sets, from TOOLKIT_DATA; tests that use it carry the marker `realdata`."""
    named = os.environ.get("TOOLKIT_DATA")
    if not named:
        pytest.skip("TOOLKIT_DATA is not set: it names a folder of real data sets")
    yield Path(named)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests on real data ran, so that a run without any cannot pass for one with them."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    ran = sum("realdata" in report.keywords for report in reports if getattr(report, "when", "") == "call")
    terminalreporter.write_line(f"realdata tests run: {ran}")
