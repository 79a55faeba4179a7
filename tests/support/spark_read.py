"""Reads tables with Spark from a REST catalog: python spark_read.py RUNTIME_JAR URL CREDENTIAL TABLE... prints a JSON object of count and sum of id by table."""

import json
import sys

from spark_session import open_spark

jar, url, credential, *tables = sys.argv[1:]
spark = open_spark(jar, url, credential=credential, scope="catalog")
found = {table: spark.sql(f"SELECT count(*), sum(id) FROM lake.{table}").first() for table in tables}
try:
    spark.sql(f"DELETE FROM lake.{tables[0]} WHERE id = 1")
    refusal = ""
except Exception as e:
    refusal = str(e)
print(json.dumps({"tables": {table: [int(value) for value in row] for table, row in found.items()}, "namespaces": [row[0] for row in spark.sql("SHOW NAMESPACES IN lake").collect()], "refusal": refusal}))
spark.stop()
