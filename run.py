"""Make the environment and start things. Standard library only: a bare Python 3.11 or newer is all it needs.

    python3 run.py                       install what is missing, then run recipes/semantic_search.py
    python3 run.py run --data my.csv     the same with a file of your own; what follows "run" goes to the recipe
    python3 run.py test -k stats         the tests; what follows goes to pytest
    python3 run.py slow                  tests that need minutes, a browser or another environment
    python3 run.py lab                   Jupyter Lab in this folder
    python3 run.py check                 ruff and mypy
    python3 run.py install text engines  only install, here with two of the optional extras
    python3 run.py --gpu                 as the first, with the CUDA build of PyTorch even where no GPU is seen

On Windows: py run.py ...  Everything goes into .venv beside this file; delete that folder to start over.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any


def version_problem(major: int, minor: int) -> str:
    """What to say to a Python that is too old, or an empty string."""
    if (major, minor) >= (3, 11):
        return ""
    return (
        f"This is Python {major}.{minor} ({sys.executable}); 3.11 or newer is needed. If you have one, name it: "
        "make run PY=python3.11 (Windows: py -3.11 run.py). If not, get it from https://www.python.org/downloads/."
    )


if version_problem(*sys.version_info[:2]):  # up to here an older Python 3 can read; and no syntax below that it cannot
    sys.exit(version_problem(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
TESTED = ["test", "train", "text", "choose", "mteb", "notebooks"]
# The worked notebooks, and the students' copies unsolved; only tagged outputs are compared.
NOTEBOOKS = "-m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -p no:cacheprovider notebooks".split()
NEEDS = {"run": [], "test": TESTED, "slow": [*TESTED, "browser"], "lab": ["notebooks", "choose", "mteb"],
         "check": TESTED, "install": []}  # fmt: skip
ADVICE = {  # what pip says -> what to do about it
    "No space left": "The disk is full: the environment needs about 3 GB, with CUDA about 8 GB.",
    "CERTIFICATE_VERIFY": "Something on the way replaces certificates: set PIP_CERT to the file of your site.",
    "ProxyError": "The proxy refuses: look at HTTPS_PROXY (http://user:password@host:port).",
    "NewConnectionError": "No way to the package index: look at the network (behind a proxy: set HTTPS_PROXY).",
    "imed out": "The network is slow or gone.",
    "No matching distribution": f"A package has no build for Python {VERSION} on this machine, or there is no network.",
    "ResolutionImpossible": f"There is no network, or a package has no build for Python {VERSION} on this machine.",
}


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


# What is there, and what is missing


def python() -> Path:
    """The Python of the environment."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def packages() -> Path:
    """The folder of the environment that holds its packages."""
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(VENV), "platbase": str(VENV)}))


def digest(extras: Iterable[str]) -> str:
    """SHA-256 of all that decides what gets installed."""
    files = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*files, VERSION.encode(), ",".join(sorted(extras)).encode()])).hexdigest()


def read_stamp() -> dict[str, Any]:
    """What was noted in .venv: place, python, build, extras, digest. Empty when it never came that far."""
    try:
        return dict(json.loads((VENV / "stamp.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(stamp: dict[str, Any]) -> None:
    """Note what is installed, whole or not at all."""
    temporary = VENV / "stamp.json.tmp"
    temporary.write_text(json.dumps(stamp), encoding="utf-8")
    temporary.replace(VENV / "stamp.json")


def fault(stamp: dict[str, Any], gpu: bool = False) -> str:
    """Why .venv cannot be used, as the end of a sentence, or an empty string."""
    if not VENV.exists():
        return "is not there yet"
    if not stamp:
        return "is half-made"
    if stamp["place"] != str(VENV):
        return f"was moved here from {stamp['place']}"
    if stamp["python"] != VERSION:
        return f"was made with Python {stamp['python']}, and this is {VERSION}"
    if gpu and stamp["build"] == "CPU":
        return "holds the CPU build of PyTorch"
    try:
        subprocess.run([python(), "-ISc", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "does not start any more"
    return ""


def venv_problem() -> str:
    """What to say where Python came without the means to make an environment (Debian, Ubuntu), or an empty string."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return ""
    return (
        f"This Python ({sys.executable}) came without venv. On Debian and Ubuntu: sudo apt install "
        f"python{VERSION}-venv. Elsewhere: the package of that name, or https://www.python.org/downloads/."
    )


def extras_problem(names: Iterable[str]) -> str:
    """What to say about extras that pyproject.toml does not have, or an empty string; pip would only warn."""
    import tomllib

    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    wrong = sorted(set(names) - set(known))
    return f"There is no extra {', '.join(wrong)}; there are {', '.join(known)}." if wrong else ""


# PyTorch: several builds under one name


def torch_build(gpu: bool, platform: str = sys.platform) -> str:
    """Which build of PyTorch to take: "CPU", "CUDA", or "only" where there is just one (macOS)."""
    seen = gpu or Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")
    return "only" if platform == "darwin" else "CUDA" if seen else "CPU"


def answers(url: str, seconds: float = 3) -> bool:
    """Whether `url` answers within `seconds`. In a thread: looking up a name knows no time limit."""
    import urllib.request

    reached = []

    def ask() -> None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
            reached.append(url)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(reached)


def torch_options(build: str, platform: str = sys.platform, answers: Callable[[str], bool] = answers) -> list[str]:
    """Options by which pip finds `build`. The usual index stays in use: it has CUDA for Linux, CPU for the others."""
    special = {("linux", "CPU"): "cpu", ("win32", "CUDA"): "cu130"}.get((platform, build))
    index = f"https://download.pytorch.org/whl/{special}"
    if special and not answers(index + "/"):
        say(f"{index} does not answer: taking the build that pip finds elsewhere, on Linux perhaps several GB.")
        special = None
    return ["--extra-index-url", index] if special else []


def torch_missing() -> bool:
    """Whether .venv lacks the version of PyTorch that constraints.txt names, in whatever build."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pin = next(pin for pin in pins if pin.startswith("torch=="))
    return not any(packages().glob(pin.replace("==", "-") + "*.dist-info"))


# Installing


def try_lock(file: IO[str]) -> bool:
    """Lock an open file, or return False when another process has it. The system frees it when its holder ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks: better unprotected than not at all
    return True


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Only one installs at a time; the others wait, and say so."""
    with (ROOT / ".venv.lock").open("w", encoding="utf-8") as file:
        if not try_lock(file):
            say("Another run.py is installing here: waiting for it ...")
            while not try_lock(file):
                time.sleep(0.3)
        yield


def finish(process: "subprocess.Popen[bytes]", sign_of_life: Callable[[], None] = lambda: None) -> int:
    """Wait for a child and return its exit code. Ctrl-C reaches the child by itself, and it ends in its own way."""
    interrupted, code = False, None
    while code is None:
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            sign_of_life()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and code:
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code


def advice(log: str) -> str:
    """What to do about what pip says."""
    return next((text for sign, text in ADVICE.items() if sign in log), "The lines above say why.")


def pip(*arguments: str) -> None:
    """Install quietly, with a sign of life every 30 seconds; when pip fails, show its last lines and leave."""
    log, started = VENV / "pip.log", time.monotonic()

    def sign_of_life() -> None:
        say(f"   {time.monotonic() - started:.0f} s: {' '.join(last_lines(log, 1)).strip()[:100]}")

    command = [str(python()), *"-I -X utf8 -m pip install --no-input --progress-bar off -c constraints.txt".split()]
    with log.open("wb") as file:
        process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        code = finish(process, sign_of_life)
    if code:
        say("\n".join(last_lines(log, 15)))
        hint = advice("\n".join(last_lines(log, 60)))
        sys.exit(f"pip failed; all it said is in {log}. {hint} Call again to carry on.")


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-count:]


def make_venv(reason: str, gpu: bool) -> None:
    """Make .venv, in place of one that cannot be used for `reason`. The stamp comes last: it says that pip is in."""
    if venv_problem():
        sys.exit(venv_problem())
    import venv

    say(f"{VENV} {reason}: making it, some seconds ...")
    venv.create(VENV, clear=True, with_pip=True, symlinks=os.name != "nt")
    write_stamp({"place": str(VENV), "python": VERSION, "build": torch_build(gpu), "extras": [], "digest": ""})


def install(extras: Iterable[str], gpu: bool = False) -> None:
    """Bring .venv up to what pyproject.toml and constraints.txt ask for now; at once when nothing is missing."""

    def missing() -> list[str] | None:
        stamp = read_stamp()
        wanted = sorted({*stamp.get("extras", []), *extras})  # what was asked for once is kept
        return None if stamp.get("digest") == digest(wanted) and not fault(stamp, gpu) else wanted

    if missing() is None:
        return
    with locked():
        wanted, started = missing(), time.monotonic()  # once more: another may have installed while this one waited
        if wanted is None:
            return
        if fault(read_stamp(), gpu):
            make_venv(fault(read_stamp(), gpu), gpu)
        stamp = read_stamp()
        for folder in packages().glob("*.dist-info"):
            if not (folder / "RECORD").exists():
                shutil.rmtree(folder)  # interrupted before its last file: pip would take the package for installed
        if torch_missing():
            options = torch_options(stamp["build"])
            size = "some GB: many minutes" if stamp["build"] == "CUDA" else "200 MB: one to three minutes"
            if stamp["build"] == "CPU" and sys.platform == "linux" and not options:
                size = "200 MB, or several GB where there is but the build for CUDA"
            say(f"Installing PyTorch ({stamp['build']} build), about {size} ...")
            pip(*options, "torch")
        named = f"[{','.join(wanted)}]" if wanted else ""
        say(f"Installing the toolkit{named} and what it needs: one to three minutes ...")
        pip("-e", "." + named)
        write_stamp({**stamp, "extras": wanted, "digest": digest(wanted)})
        say(f"Installed in {time.monotonic() - started:.0f} s.")


# Starting


def parse(arguments: list[str]) -> tuple[str, bool, list[str]]:
    """Split the command line into a command, --gpu, and what is passed on (for `install`: the extras)."""
    gpu = arguments[:1] == ["--gpu"]
    command, *rest = arguments[gpu:] or ["run"]
    if command in ("-h", "--help"):
        say(__doc__)
        sys.exit(0)
    if command.startswith("-"):
        command, rest = "run", [command, *rest]
    if command not in NEEDS:
        sys.exit(f"run.py knows {', '.join(NEEDS)}, not {command!r}; --help says more.")
    if command == "install" and "--gpu" in rest:
        gpu, rest = True, [name for name in rest if name != "--gpu"]
    return command, gpu, rest


def start(command: str, rest: list[str]) -> int:
    """Run what `command` stands for, in an environment as if activated; the first exit code that is not 0."""
    lines = {
        "run": [[str(ROOT / "recipes" / "semantic_search.py"), *rest]],
        "test": [["-m", "pytest", *rest], *([] if rest else [NOTEBOOKS])],
        "slow": [["-m", "pytest", "-m", "slow", "-rs", *rest]],
        "lab": [["-m", "jupyterlab", f"--notebook-dir={ROOT}", *rest]],
        "check": [["-m", *line.split()] for line in ("ruff check", "ruff format --check", "mypy")],
        "install": [],
    }[command]
    path = f"{python().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    activated = {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": path}
    folder = None if command == "run" else ROOT  # paths given to a recipe are meant from where its caller stands
    codes = [finish(subprocess.Popen([str(python()), *line], cwd=folder, env=activated)) for line in lines]
    return next((code for code in codes if code), 0)


def main(arguments: list[str]) -> int:
    """Install what the command needs, run it, and return its exit code."""
    command, gpu, rest = parse(arguments)
    extras = rest if command == "install" else NEEDS[command]
    if command == "install" and extras_problem(extras):
        sys.exit(extras_problem(extras))
    try:
        install(extras, gpu)
        return start(command, rest)
    except KeyboardInterrupt:
        return 130
    except (OSError, subprocess.CalledProcessError) as error:  # the second from ensurepip
        sys.exit(f"{error}. This folder must be one that you may write to, on a disk with some GB free.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
