"""Reads tables with Spark from a REST catalog: python spark_read.py RUNTIME_JAR URL CREDENTIAL TABLE... prints a JSON object of count and sum of id by table."""

import json
import sys

from pyspark.sql import SparkSession

jar, url, credential, *tables = sys.argv[1:]
spark = (SparkSession.builder.master("local[2]")
         .config("spark.jars", jar).config("spark.ui.enabled", "false").config("spark.driver.memory", "1g")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.shuffle.partitions", "2")
         .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
         .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.lake.type", "rest")
         .config("spark.sql.catalog.lake.uri", url).config("spark.sql.catalog.lake.credential", credential).config("spark.sql.catalog.lake.scope", "catalog")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
found = {table: spark.sql(f"SELECT count(*), sum(id) FROM lake.{table}").first() for table in tables}
try:
    spark.sql(f"DELETE FROM lake.{tables[0]} WHERE id = 1")
    refusal = ""
except Exception as e:
    refusal = str(e)
print(json.dumps({"tables": {table: [int(value) for value in row] for table, row in found.items()}, "namespaces": [row[0] for row in spark.sql("SHOW NAMESPACES IN lake").collect()], "refusal": refusal}))
spark.stop()
