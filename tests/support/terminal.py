"""A program at a terminal, and what a person types and sees there."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios


class Screen:
    """What a process writes, read up to the words that are waited for."""

    def __init__(self, descriptor: int):
        self.descriptor, self.text = descriptor, ""

    def wait_for(self, words: str):
        while words not in self.text:
            assert select.select([self.descriptor], [], [], 30)[0], f"never said {words!r}: {self.text}"
            read = os.read(self.descriptor, 65536)
            assert read, f"ended without {words!r}: {self.text}"
            self.text += read.decode(errors="replace")
        self.text = self.text.split(words, 1)[1]

    def type(self, text: str, *answers: str):
        os.write(self.descriptor, text.encode())
        for answer in answers:
            self.wait_for(answer)


def at_a_terminal():
    """As a login's shell leaves a program: Ctrl-C ends it, also where whoever runs the tests ignores it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def on_terminal(command, folder, **environment) -> tuple:
    """The process, and its screen."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=at_a_terminal,
                               env={**os.environ, "TERM": "xterm", **environment})
    os.close(terminal)
    return process, Screen(master)
