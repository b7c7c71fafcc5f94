"""run.py, without installing anything: what it says, what it would start, and what it notices."""

from __future__ import annotations

import ast
import importlib.util
import io
import shutil
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "run.py").read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path) -> ModuleType:
    """run.py as if it lay in a folder of its own, with an awkward name."""
    folder = tmp_path / "a böx"
    folder.mkdir()
    for name in ("run.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    spec = importlib.util.spec_from_file_location("run_copy", folder / "run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_venv(run: ModuleType) -> dict[str, Any]:
    """A real environment, without pip since that takes seconds, and its stamp."""
    venv.create(run.VENV, with_pip=False, symlinks=sys.platform != "win32")
    stamp = {"place": str(run.VENV), "python": run.VERSION, "build": "CPU", "extras": [], "digest": ""}
    run.write_stamp(stamp)
    return stamp


@pytest.fixture
def pip_calls(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What `install` would have asked pip for."""
    calls: list[tuple[str, ...]] = []

    def fake_pip(*arguments: str) -> None:
        calls.append(arguments)
        if arguments[-1] == "torch":
            pins = (run.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
            pin = next(pin for pin in pins if pin.startswith("torch=="))
            folder = run.packages() / (pin.replace("==", "-") + "+cpu.dist-info")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "RECORD").touch()

    monkeypatch.setattr(run, "pip", fake_pip)
    monkeypatch.setattr(run, "make_venv", lambda reason, gpu: make_venv(run))
    monkeypatch.setattr(run, "torch_options", lambda build: [])
    return calls


def test_needs_the_standard_library_only():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."])
    }
    assert "subprocess" in imported
    assert imported <= set(sys.stdlib_module_names)


def test_an_old_python_can_read_it_far_enough_to_say_what_to_do(run: ModuleType):
    ast.parse(SOURCE, feature_version=(3, 7))  # a match or a walrus would hide the message behind a SyntaxError
    assert not run.version_problem(3, 11) and not run.version_problem(3, 14) and not run.version_problem(4, 0)
    assert "Python 3.10" in run.version_problem(3, 10) and "make run PY=" in run.version_problem(3, 10)
    # and nothing above the check is too new for it: run that part with the check made to fail
    head = SOURCE[: SOURCE.index("\nROOT = ")].replace(">= (3, 11)", ">= (99, 0)")
    done = subprocess.run([sys.executable, "-c", head], capture_output=True, text=True)
    assert done.returncode == 1 and "or newer is needed" in done.stderr


def test_a_python_without_venv_is_told_what_to_install(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    assert run.venv_problem() == ""
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    assert f"apt install python{run.VERSION}-venv" in run.venv_problem()
    with pytest.raises(SystemExit, match="apt install"):
        run.make_venv("is not there yet", gpu=False)


@pytest.mark.parametrize(
    ("build", "platform", "reachable", "expected"),
    [
        ("CPU", "linux", True, ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]),
        ("CPU", "linux", False, []),
        ("CUDA", "linux", True, []),
        ("CUDA", "win32", True, ["--extra-index-url", "https://download.pytorch.org/whl/cu130"]),
        ("CPU", "win32", True, []),
        ("only", "darwin", True, []),
    ],
)
def test_each_machine_gets_its_build_of_torch(
    run: ModuleType, build: str, platform: str, reachable: bool, expected: list[str]
):
    assert run.torch_options(build, platform, lambda url: reachable) == expected


def test_the_build_follows_the_machine(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run.Path, "exists", lambda path: False)
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    assert run.torch_build(False, "linux") == "CPU"
    assert run.torch_build(True, "linux") == "CUDA"
    assert run.torch_build(True, "darwin") == "only"
    monkeypatch.setattr(run.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert run.torch_build(False, "linux") == "CUDA"


def test_an_index_that_never_answers_is_given_up(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    given_up = threading.Event()  # an answer that comes only after nobody waits for it any more

    def urlopen(*args: object, **kwargs: object) -> io.BytesIO:
        given_up.wait()
        return io.BytesIO()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    assert not run.answers("https://example.org/", seconds=0.1)
    given_up.set()


def test_the_digest_follows_all_that_decides(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    seen = {run.digest([]), run.digest(["test"])}
    for name in ("constraints.txt", "pyproject.toml"):
        path = run.ROOT / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        seen.add(run.digest([]))
    monkeypatch.setattr(run, "VERSION", "3.99")
    seen.add(run.digest([]))
    assert len(seen) == 5
    assert run.digest(["a", "b"]) == run.digest(["b", "a"])


def test_an_environment_that_cannot_be_used_is_noticed(run: ModuleType):
    assert "not there" in run.fault({})
    run.VENV.mkdir()
    assert "half-made" in run.fault(run.read_stamp())
    (run.VENV / "stamp.json").write_text('{"place": ')
    assert "half-made" in run.fault(run.read_stamp())
    stamp = make_venv(run)
    assert run.fault(run.read_stamp()) == ""
    assert "moved" in run.fault({**stamp, "place": "/elsewhere/.venv"})
    assert "Python 3.0" in run.fault({**stamp, "python": "3.0"})
    assert "CPU build" in run.fault(stamp, gpu=True) and not run.fault({**stamp, "build": "CUDA"}, gpu=True)
    run.python().unlink()
    assert "start" in run.fault(run.read_stamp())


def test_extras_add_up_and_nothing_is_installed_twice(run: ModuleType, pip_calls: list[tuple[str, ...]]):
    run.install([])
    assert pip_calls == [("torch",), ("-e", ".")]
    run.install([])
    assert len(pip_calls) == 2
    run.install(["test", "train"])
    assert pip_calls[2:] == [("-e", ".[test,train]")]
    run.install(["notebooks"])
    assert pip_calls[3:] == [("-e", ".[notebooks,test,train]")]
    run.install(["test"])
    assert len(pip_calls) == 4

    pins = run.ROOT / "constraints.txt"
    pins.write_text(pins.read_text(encoding="utf-8").replace("\ntorch==", "\ntorch==1"), encoding="utf-8")
    run.install([])
    assert pip_calls[4:] == [("torch",), ("-e", ".[notebooks,test,train]")]


def test_an_interrupted_installation_is_taken_up_again(
    run: ModuleType, pip_calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
):
    working = run.pip

    def interrupted(*arguments: str) -> None:
        if "-e" in arguments:
            raise KeyboardInterrupt
        working(*arguments)

    monkeypatch.setattr(run, "pip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.install([])
    cut_off = run.packages() / "numpy-1.dist-info"  # pip writes RECORD last
    cut_off.mkdir()
    (cut_off / "METADATA").touch()
    monkeypatch.setattr(run, "pip", working)
    run.install([])
    assert pip_calls == [("torch",), ("-e", ".")]  # not PyTorch again
    assert not cut_off.exists()


def test_unknown_extras_are_refused(run: ModuleType, pip_calls: list[tuple[str, ...]]):
    assert run.extras_problem(["text", "engines"]) == ""
    with pytest.raises(SystemExit, match=r"no extra txt; there are .*text"):
        run.main(["install", "txt"])
    assert not pip_calls


def test_two_at_once_wait_for_each_other(run: ModuleType, capsys: pytest.CaptureFixture[str]):
    order: list[str] = []

    def second() -> None:
        with run.locked():
            order.append("second")

    with run.locked():
        thread = threading.Thread(target=second)
        thread.start()
        while "waiting" not in capsys.readouterr().out:
            time.sleep(0.01)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([], ("run", False, [])),
        (["--tiny"], ("run", False, ["--tiny"])),
        (["run", "--help"], ("run", False, ["--help"])),
        (["--gpu", "test", "-k", "x"], ("test", True, ["-k", "x"])),
        (["--gpu"], ("run", True, [])),
        (["install", "text", "--gpu"], ("install", True, ["text"])),
        (["test", "install", "--gpu"], ("test", False, ["install", "--gpu"])),
    ],
)
def test_the_command_line(run: ModuleType, line: list[str], expected: tuple[str, bool, list[str]]):
    assert run.parse(line) == expected


def test_a_mistyped_command_is_not_passed_to_the_recipe(run: ModuleType):
    with pytest.raises(SystemExit, match="not 'tset'"):
        run.parse(["tset"])


def test_the_exit_code_is_that_of_the_child(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "install", lambda extras, gpu: None)
    monkeypatch.setattr(run, "python", lambda: Path(sys.executable))
    recipe = run.ROOT / "recipes" / "semantic_search.py"
    recipe.parent.mkdir()
    recipe.write_text("import sys\nsys.exit(int(sys.argv[1]))", encoding="utf-8")
    assert run.main(["run", "0"]) == 0
    assert run.main(["run", "7"]) == 7


@pytest.mark.skipif(sys.platform == "win32", reason="signals are named otherwise there")
def test_a_child_that_was_killed_counts_as_failed(run: ModuleType):
    killed = subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert run.finish(killed) == 137


def test_ctrl_c_ends_quietly_once_the_child_has_ended(run: ModuleType, monkeypatch: pytest.MonkeyPatch):
    class Child:
        def __init__(self, code: int):
            self.answers: list[Any] = [KeyboardInterrupt(), subprocess.TimeoutExpired("child", 30), code]

        def wait(self, timeout: float) -> int:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return int(answer)

    signs: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run.finish(Child(1), lambda: signs.append("still there"))
    assert signs == ["still there"]
    assert run.finish(Child(0)) == 0  # Jupyter asks, and ends well

    def interrupted(extras: list[str], gpu: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "install", interrupted)
    assert run.main(["run"]) == 130


def test_when_pip_fails_its_last_lines_and_a_way_out_are_shown(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    fake = run.ROOT / "fake-pip.py"
    fake.write_text("for i in range(50): print('line', i)\nprint('No space left on device')\nraise SystemExit(2)")
    real = subprocess.Popen
    monkeypatch.setattr(run.subprocess, "Popen", lambda line, **options: real([sys.executable, str(fake)], **options))
    run.VENV.mkdir()
    with pytest.raises(SystemExit, match="disk is full"):
        run.pip("torch")
    said = capsys.readouterr().out
    assert "No space left on device" in said and "line 49" in said and "line 2\n" not in said


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("broken by 'ProxyError('Cannot connect to proxy.', NewConnectionError('", "proxy"),
        ("broken by 'NewConnectionError('<pip._vendor", "network"),
        ("ReadTimeoutError: Read timed out.", "network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build"),
        ("something else", "above"),
    ],
)
def test_advice(run: ModuleType, log: str, expected: str):
    assert expected in run.advice(log)
