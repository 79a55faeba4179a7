"""Reads tables of a lake's folder with ClickHouse: python clickhouse_read.py TABLE_FOLDER... (below the working directory) prints a JSON object of count and sum of id by folder."""

import json
import sys

from chdb import session

clickhouse = session.Session()
found = {folder: str(clickhouse.query(f"SELECT count(), sum(id) FROM icebergLocal('{folder}')", "CSV")).strip().split(",") for folder in sys.argv[1:]}
print(json.dumps({folder: [int(value) for value in row] for folder, row in found.items()}))
