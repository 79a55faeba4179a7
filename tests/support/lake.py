"""The lake as strangers read it: PyIceberg by the catalog, DuckDB by the metadata file."""

import glob
import importlib
import os
import pathlib

import duckdb
import pyarrow
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

from support.object_store import KEY, REGION, SECRET, Emulator

METADATA_COLUMNS = ("_ingested_at", "_committed_at", "_lsn")


def open_duckdb(s3=None, http=False) -> duckdb.DuckDBPyConnection:
    """With the Iceberg extension, from packages: nothing is fetched. `s3`: an S3Server that it may read; `http`: it may ask catalogs."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for name in ("avro", *(["httpfs"] if s3 or http else []), "iceberg"):
        folder = os.path.dirname(importlib.import_module(f"duckdb_extension_{name}").__file__)
        connection.execute(f"LOAD '{glob.glob(folder + '/extensions/*/*.duckdb_extension')[0]}'")
    if s3:
        connection.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{KEY}', SECRET '{SECRET}', REGION '{REGION}', ENDPOINT '127.0.0.1:{s3.port}', USE_SSL false, URL_STYLE 'path')")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class Lake:
    """The tables of one warehouse folder, or of a bucket (`s3`: its server) whose catalog's file is in a folder, or elsewhere (`uri`)."""

    def __init__(self, folder: pathlib.Path, s3=None, uri: str | None = None):
        storage = s3.pyiceberg if s3 else {}
        self.has_duckdb = not isinstance(s3, Emulator)
        self.s3 = s3 if self.has_duckdb else None
        self.catalog = SqlCatalog("sluice", uri=uri or f"sqlite:///{folder}/catalog.db", warehouse=str(folder), **storage)

    def tables(self) -> list:
        return [name for namespace in self.catalog.list_namespaces() for name in self.catalog.list_tables(namespace)]

    def table(self, namespace: str, name: str):
        return self.catalog.load_table((namespace, name))

    def open_duckdb(self) -> duckdb.DuckDBPyConnection:
        return open_duckdb(self.s3)

    def duckdb_relation(self, table) -> str:
        return duckdb_scan(table)

    def bookmark(self) -> dict:
        """The properties of the namespace that the bookmark lives in."""
        return dict(self.catalog.load_namespace_properties("sluice"))


class ContainerFileIO(PyArrowFileIO):
    """PyIceberg's own takes container@account for the container's name."""

    @staticmethod
    def parse_location(location, properties=None):
        scheme, place, path = PyArrowFileIO.parse_location(location, properties or {})
        return scheme, place, path.replace(place, place.partition("@")[0], 1)


class RestLake:
    """The same tables through the one URL. `s3`: the server whose objects the reader has keys for; where it is, the catalog says."""

    warehouse = ""
    has_duckdb = True

    def __init__(self, url: str, token: str | None = None, s3=None, **properties):
        self.url, self.token, self.s3 = url, token, s3
        given = {"token": token} if token else {}
        self.warehouse = properties.get("warehouse", self.warehouse)
        self.catalog = RestCatalog("lake", uri=url, **given, **(s3.pyiceberg_keys if s3 else {}), **properties)

    def table(self, namespace: str, name: str):
        return self.catalog.load_table((namespace, name))

    def open_duckdb(self) -> duckdb.DuckDBPyConnection:
        connection = open_duckdb(self.s3, http=True)
        authorization = f"TOKEN '{self.token}'" if self.token else "AUTHORIZATION_TYPE 'none'"
        # Else it takes the store's address from the catalog as a secret without keys, in place of its own.
        keys = ", ACCESS_DELEGATION_MODE 'none'" if self.s3 else ""
        connection.execute(f"ATTACH '{self.warehouse}' AS lake (TYPE iceberg, ENDPOINT '{self.url}', {authorization}{keys})")
        return connection

    def duckdb_relation(self, table) -> str:
        return ".".join('"' + part.replace('"', '""') + '"' for part in ("lake", *table.name()))


class RestLakeByFiles(RestLake):
    """DuckDB is told the metadata file that the server names: its own client of the protocol is tried elsewhere."""

    def open_duckdb(self) -> duckdb.DuckDBPyConnection:
        return open_duckdb(self.s3)

    def duckdb_relation(self, table) -> str:
        return duckdb_scan(table)


def pyiceberg_rows(table) -> pyarrow.Table:
    return table.scan().to_arrow()


def duckdb_scan(table) -> str:
    """SQL that reads the table's current snapshot with DuckDB's own implementation."""
    location = table.metadata_location.removeprefix("file://").replace("'", "''")
    return f"iceberg_scan('{location}')"
