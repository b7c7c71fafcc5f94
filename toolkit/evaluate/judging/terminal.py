"""Ask a judge in a terminal, a key for each answer, or read answers from a pipe, one per line."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from toolkit.evaluate.judging.session import Session

KEYS: dict[str, bool | None] = {"y": True, "n": False, "s": None}
ASK = "Does it answer the search?  y yes  n no  s unsure  b back  q stop"
NOTHING, END = "\n", ""  # a key without a meaning, and the end of input


def ask(session: Session) -> None:
    """Show document after document until all are judged, the input ends, or the judge stops.

    Raises
    ------
    ValueError
        For a line of a pipe that is not an answer. The answers before it are saved.
    """
    if session.done:
        return
    width = min(110, shutil.get_terminal_size().columns)
    with _keys() as key_of:
        while (item := session.next()) is not None:
            lines = [textwrap.fill(line, width, replace_whitespace=False) for line in str(item).split("\n")]
            show("\n" + "-" * width, *lines, "", f"{ASK}   [{session.progress}]")
            while (key := key_of()) not in (*KEYS, "b", "q", END):
                if key != NOTHING:
                    show(f"Expected y, n, s, b or q, got {key!r}.")
            if key in ("q", END):
                return
            if key == "b":
                session.back()
            else:
                session.answer(KEYS[key])


def show(*parts: str) -> None:
    """Print lines, replacing what the terminal cannot show."""
    coding = sys.stdout.encoding or "utf-8"
    sys.stdout.write("\n".join(parts).encode(coding, "replace").decode(coding) + "\n")
    sys.stdout.flush()


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Yield a function that waits for a key of a terminal, or for a line of anything else."""
    if not sys.stdin.isatty():
        yield _line
    elif sys.platform == "win32":
        yield _windows_key
    else:
        import termios
        import tty

        def key() -> str:
            typed = os.read(sys.stdin.fileno(), 1).decode(errors="replace")
            if typed == "\x1b":  # an arrow or function key: its other letters are not answers
                termios.tcflush(sys.stdin, termios.TCIFLUSH)
                return NOTHING
            return _key(typed)

        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setcbreak(sys.stdin)  # keys come without Enter; Ctrl-C still interrupts
            yield key
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _line() -> str:
    """Read the answer on the next line. Only whole words count, so that a search piped here is not an answer."""
    line = sys.stdin.readline()
    word = line.strip().lower()
    if not word:
        return NOTHING if line else END
    word = {"yes": "y", "no": "n"}.get(word, word)
    if word not in (*KEYS, "b", "q"):
        got = f"{line.strip()[:60]!r} is not an answer"
        raise ValueError(f"{got}: expected y, n, s, b or q, one a line; --queries FILE adds searches")
    return word


def _windows_key() -> str:
    import msvcrt

    key: str = msvcrt.getwch()  # type: ignore[attr-defined, unused-ignore]  # exists only on Windows
    if key == "\x03":
        raise KeyboardInterrupt
    if key in ("\x00", "\xe0"):  # an arrow or function key: a letter follows
        msvcrt.getwch()  # type: ignore[attr-defined, unused-ignore]
        return NOTHING
    return _key(key)


def _key(key: str) -> str:
    if key in ("\x04", "\x1a"):  # Ctrl-D and Ctrl-Z
        return END
    return NOTHING if key in ("\r", "\n") else key.lower()
