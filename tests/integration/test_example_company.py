"""The example company of the demo, whose tables have the shapes that hurt."""

import subprocess

import pytest

from support.sluice import OK, ROOT


@pytest.mark.slow
def test_all_of_its_tables_are_copied_and_verified(source, sluice, compare):
    for script in ("schema.sql", "fill.sql"):
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", ROOT / "tools/demo" / script, source.dsn()], check=True, stdout=subprocess.DEVNULL)
    sluice.init()
    sluice.sync()
    sluice.command("verify", expect=OK)
    compare()
