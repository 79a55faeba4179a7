"""Reads columns of one table with Spark: python spark_columns.py RUNTIME_JAR METADATA_FILE, numbers of columns by stdin; prints a JSON object."""

import json
import sys

from pyspark.sql import SparkSession

jar, table = sys.argv[1:]
spark = (SparkSession.builder.master("local[1]").config("spark.jars", jar).config("spark.ui.enabled", "false")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
rows = spark.read.format("iceberg").load(table)
columns = {i: [row[0] for row in rows.orderBy("id").select(f"v{i}").collect()] for i in map(int, sys.stdin.read().split())}
print(json.dumps({"rows": rows.count(), "columns": columns}))
