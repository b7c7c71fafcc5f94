"""How nbval runs the notebooks: fast, offline, from an empty folder, and without waiting for a kernel that died."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="toolkit-notebooks-"))
# Read by every Python at its start, so that the kernels have no network either; only this machine answers.
(_HOME / "sitecustomize.py").write_text(
    """
import socket

_connect = socket.socket.connect

def connect(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"a notebook tried to connect to {address}")
    return _connect(self, address)

socket.socket.connect = connect
""",
    encoding="utf-8",
)
os.environ |= {
    "TOOLKIT_CACHE": os.environ.get("TOOLKIT_NOTEBOOK_CACHE", str(_HOME / "cache")),  # a warm one hides a broken encode
    "TOOLKIT_MODE": "fast",
    "TOOLKIT_STATIC": "1",  # a control without a browser is a dead box
    "TQDM_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONPATH": os.pathsep.join([str(_HOME), str(Path(__file__).resolve().parent.parent)]),
}
SKIPPED = ("stderr", "image/png", "image/svg+xml", "text/html")  # never compared: what moves between versions


def pytest_collectstart(collector: Any) -> None:
    """Leave figures, tables as html and warnings out of every comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += SKIPPED


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest) -> Any:
    """Wait for late outputs for a minute, and notice within seconds when the kernel has died."""
    item: Any = request.node
    kernel = getattr(item.parent, "kernel", None)
    item.output_timeout = 60
    done = threading.Event()

    def watch() -> None:
        while not done.wait(2):
            if kernel is not None and not kernel.is_alive():
                os.environ["TOOLKIT_KERNEL_DIED"] = item.nodeid
                kernel.kc.stop_channels()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    done.set()


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    time.sleep(0.1)
    shutil.rmtree(_HOME, ignore_errors=True)
