"""Runs a script with Spark, in the Python that has it."""

import json
import pathlib
import subprocess
import tempfile

from support.deps import DEPS

FOLDER = pathlib.Path(__file__).parent


def by_spark(script: str, *arguments, text: str = "", timeout: float = 150):
    """`script`: of this folder; it gets Iceberg's runtime jar, then `arguments`, and `text` as its input. Returns what its last line says in JSON."""
    spark = DEPS / "spark"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([spark / "venv/bin/python", FOLDER / script, next((spark / "jars").glob("*.jar")), *map(str, arguments)],
                              cwd=folder, input=text, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
