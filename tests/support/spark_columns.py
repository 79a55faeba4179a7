"""Reads columns of one table with Spark: python spark_columns.py RUNTIME_JAR METADATA_FILE ORDER_COLUMN..., names of columns by stdin; prints a JSON object."""

import json
import sys

from pyspark.sql import SparkSession

jar, table, *order = sys.argv[1:]
spark = (SparkSession.builder.master("local[1]").config("spark.jars", jar).config("spark.ui.enabled", "false")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
rows = spark.read.format("iceberg").load(table)
columns = {name: [row[0] for row in rows.orderBy(*order).select(name).collect()] for name in sys.stdin.read().split()}
print(json.dumps({"rows": rows.count(), "columns": columns}, default=str))
