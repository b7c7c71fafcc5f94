"""A real JupyterLab on a free port, and a headless Chromium that runs a notebook in it: for tests/test_browser.py."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",  # which a container of CI forbids
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # a page that needs another machine breaks
]
# A notebook's cells outside the window are not in the page, so the model that Lab keeps is asked.
CELLS = """() => {
    const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
    const model = panel && panel.content && panel.content.model;
    if (!model) return null;
    return [...model.cells].filter(c => c.type === 'code' && c.sharedModel.getSource().trim()).map(c => ({
        source: c.sharedModel.getSource(), count: c.executionCount, outputs: c.outputs.toJSON()}));
}"""
DONE = f"""() => {{
    const cells = ({CELLS})();
    return cells && cells.length > 0
        && (cells.every(c => c.count) || cells.some(c => c.outputs.some(o => o.output_type === 'error')));
}}"""


@contextmanager
def lab(root: Path, home: Path) -> Iterator[str]:
    """Serve the notebooks under `root`, with settings of nobody; gives the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), encoding="utf-8")
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "spaces",
        "IPYTHONDIR": "ipython",
    }
    command = f"""-m jupyterlab --no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0
        --IdentityProvider.token= --ServerApp.password= --ServerApp.disable_check_xsrf=True --ServerApp.allow_root=True
        --LabApp.extension_manager=readonly --LabApp.news_url= --expose-app-in-browser""".split()
    log = home / "jupyter.log"
    with log.open("w", encoding="utf-8") as said:
        server = subprocess.Popen(
            [sys.executable, *command, f"--ServerApp.root_dir={root}"],
            env={**os.environ, **{name: str(home / folder) for name, folder in folders.items()}},
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: _answers(server, f"{address}/api/status", log), 300, "JupyterLab did not start")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server and its kernels
        server.wait(30)


@dataclass
class Opened:
    """A notebook in the browser, and what went wrong on its page."""

    page: Any
    panel: Any
    address: str
    name: str
    outside: list[str]
    problems: list[str]

    def run_all(self, seconds: float = 1500) -> list[dict[str, Any]]:
        """Run > Run All Cells; gives the code cells as Lab holds them then: ``source count outputs``."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(DONE, timeout=seconds * 1000)
        wait(lambda: _idle(self.address, self.name), 300, "the kernel did not come to rest")
        cells: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return cells

    def close(self) -> None:
        """Shut the kernel down, since each holds a gigabyte, and close the page."""
        for session in _json(f"{self.address}/api/sessions"):
            request = urllib.request.Request(f"{self.address}/api/sessions/{session['id']}", method="DELETE")
            urllib.request.urlopen(request, timeout=30).close()
        self.page.close()


def opened(browser: Any, address: str, name: str) -> Opened:
    """Open a notebook and wait for its kernel."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(300_000)  # in ms: a busy machine takes its time
    here = (address, address.replace("http", "ws", 1), "data:", "blob:")
    outside: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(here) else outside.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{address}/lab/workspaces/{Path(name).stem}/tree/{quote(name)}?reset", wait_until="domcontentloaded")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    panel.wait_for()
    # The page says Idle before there is a kernel, and Run All then asks which: so ask the server first.
    wait(lambda: _idle(address, name), 300, "no kernel started: does the notebook name python3 as its kernel?")
    page.get_by_text("| Idle").wait_for()
    return Opened(page, panel, address, name, outside, problems)


def chromium(playwright: Any) -> str | None:
    """Path of a browser: ``CHROMIUM``, one of the system, or the one that playwright installed."""
    places = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), playwright.chromium.executable_path]
    return next((place for place in places if place and Path(place).is_file()), None)


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _answers(server: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    if server.poll() is not None:
        raise RuntimeError(f"JupyterLab stopped: {log.read_text(encoding='utf-8')[-2000:]}")
    try:
        _json(url)
    except OSError:
        return False
    return True


def _idle(address: str, name: str) -> bool:
    sessions = _json(f"{address}/api/sessions")
    return any(s["path"] == name and s["kernel"]["execution_state"] == "idle" for s in sessions)


def wait(until: Callable[[], bool], seconds: float, problem: str) -> None:
    """Ask again and again until the answer is yes; `TimeoutError` with the problem after so many seconds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(problem)
        time.sleep(0.25)
