"""Runs statements with Spark on a REST catalog named lake: python spark_write.py RUNTIME_JAR URL STATEMENT... prints a JSON list of the rows that each gave."""

import json
import sys

from spark_session import open_spark

jar, url, *statements = sys.argv[1:]
spark = open_spark(jar, url)
print(json.dumps([[[str(value) for value in row] for row in spark.sql(statement).collect()] for statement in statements]))
spark.stop()
