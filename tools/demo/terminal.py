"""What a person sees: one line per step, colour only where there is a terminal."""

import contextlib
import os
import sys
import time

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def styled(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def bold(text: str) -> str:
    return styled("1", text)


def dim(text: str) -> str:
    return styled("2", text)


def green(text: str) -> str:
    return styled("32", text)


def red(text: str) -> str:
    return styled("31", text)


def say(text: str = ""):
    print(text, flush=True)


def heading(text: str):
    say(f"\n{bold(text)}")


@contextlib.contextmanager
def step(doing: str):
    """`doing …`, then the line again with ✓ and its seconds. The block may set `done` to say more."""
    result = Step(doing)
    if COLOUR:
        print(f"  {dim('·')} {doing} …", end="", flush=True)
    start = time.monotonic()
    yield result
    clear = "\r\033[K" if COLOUR else ""
    say(f"{clear}  {green('✓')} {result.done} {dim(f'{time.monotonic() - start:.1f} s')}")


class Step:
    def __init__(self, done: str):
        self.done = done
