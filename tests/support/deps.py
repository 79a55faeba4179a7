"""Where tools/setup has put what the tests need."""

import os
import pathlib

DEPS = pathlib.Path(os.environ.get("SLUICE_DEPS") or os.path.expanduser("~/.cache/sluice"))
