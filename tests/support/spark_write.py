"""Runs statements with Spark on a REST catalog named lake: python spark_write.py RUNTIME_JAR URL STATEMENT... prints a JSON list of the rows that each gave."""

import json
import sys

from pyspark.sql import SparkSession

jar, url, *statements = sys.argv[1:]
spark = (SparkSession.builder.master("local[2]")
         .config("spark.jars", jar).config("spark.ui.enabled", "false").config("spark.driver.memory", "1g")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.shuffle.partitions", "2")
         .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
         .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.lake.type", "rest")
         .config("spark.sql.catalog.lake.uri", url)
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
print(json.dumps([[[str(value) for value in row] for row in spark.sql(statement).collect()] for statement in statements]))
spark.stop()
