"""Asks for the sums of two tables twice, through the catalog's URL: python spark_moment.py RUNTIME_JAR URL WAREHOUSE; prints a JSON object."""

import json
import sys
import time

from pyspark.sql import SparkSession

jar, url, warehouse = sys.argv[1:]
spark = (SparkSession.builder.master("local[1]").config("spark.jars", jar).config("spark.ui.enabled", "false")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
         .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.lake.type", "rest")
         .config("spark.sql.catalog.lake.uri", url).config("spark.sql.catalog.lake.warehouse", warehouse).config("spark.sql.catalog.lake.cache-enabled", "false").getOrCreate())
seen = []
for _ in range(2):
    seen.append(list(spark.sql("SELECT (SELECT sum(n) FROM lake.public.a), (SELECT sum(n) FROM lake.public.b)").first()))
    time.sleep(2)
print(json.dumps({"first": seen[0], "second": seen[1]}))
