"""Spark on a REST catalog named lake, for the scripts beside this one, which Spark's own Python runs."""

from pyspark.sql import SparkSession


def open_spark(jar: str, url: str, **catalog) -> SparkSession:
    """`catalog`: more properties of the catalog."""
    options = {
        "spark.jars": jar, "spark.ui.enabled": "false", "spark.driver.memory": "1g", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2", "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog", "spark.sql.catalog.lake.type": "rest", "spark.sql.catalog.lake.uri": url,
        **{f"spark.sql.catalog.lake.{name}": value for name, value in catalog.items()},
    }
    spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
