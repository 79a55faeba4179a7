"""Lakes that are wrong in one known way: real files damaged, or a small table by a writer of our own that lies where it is told to."""

import contextlib
import json
import pathlib
import sqlite3
import struct
import uuid
import zlib

import pyarrow
import pyarrow.parquet

# ── damage to real files ──


def local(uri: str) -> pathlib.Path:
    return pathlib.Path(uri.removeprefix("file://"))


def list_name(table) -> str:
    return table.current_snapshot().manifest_list.rsplit("/", 1)[-1]


def in_json(change):
    """Damage of a metadata file: `change` edits its JSON in place."""

    def damage(old: bytes) -> bytes:
        document = json.loads(old)
        change(document)
        return json.dumps(document).encode()

    return damage


def spell_types_as_objects(document: dict):
    for schema in document["schemas"]:
        for field in schema["fields"]:
            field["type"] = {"type": field["type"]}


@contextlib.contextmanager
def damaged(path: pathlib.Path, damage):
    """The file is gone (`damage` None) or changed, then as it was."""
    old = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(old))
    try:
        yield
    finally:
        path.write_bytes(old)


# ── a writer that lies where it is told to ──


def _long(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _encode(schema, value) -> bytes:
    if isinstance(schema, list):  # ["null", type]
        return _long(0) if value is None else _long(1) + _encode(schema[1], value)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind in ("int", "long"):
        return _long(value)
    if kind == "boolean":
        return bytes([value])
    if kind in ("string", "bytes"):
        raw = value.encode() if isinstance(value, str) else value
        return _long(len(raw)) + raw
    if kind == "record":
        return b"".join(_encode(field["type"], value.get(field["name"])) for field in schema["fields"])
    assert kind == "array", kind
    items = [{"key": key, "value": one} for key, one in value.items()] if isinstance(value, dict) else value
    return (_long(len(items)) + b"".join(_encode(schema["items"], item) for item in items) if items else b"") + _long(0)


def _avro(path: pathlib.Path, schema, header: dict, rows: list) -> int:
    sync = uuid.uuid4().bytes
    header = {"avro.schema": json.dumps(schema), "avro.codec": "deflate", **header}
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"".join(_encode(schema, row) for row in rows)) + packer.flush()
    out = b"Obj\x01" + _long(len(header)) + b"".join(_encode("string", key) + _encode("string", value) for key, value in header.items()) + _long(0) + sync
    out += _long(len(rows)) + _long(len(packed)) + packed + sync
    path.write_bytes(out)
    return len(out)


def _field(name, kind, field_id, optional=False):
    return {"name": name, "type": ["null", kind] if optional else kind, "field-id": field_id, **({"default": None} if optional else {})}


def _map(key, value, kind):
    return {"type": "array", "logicalType": "map", "items": {"type": "record", "name": f"k{key}_v{value}", "fields": [_field("key", "int", key), _field("value", kind, value)]}}


def _record(name, fields):
    return {"type": "record", "name": name, "fields": fields}


def _entry_schema(lies):
    counts = [] if lies.get("no_counts") else [_field("value_counts", _map(119, 120, "long"), 109, True), _field("null_value_counts", _map(121, 122, "long"), 110, True)]
    file = [_field("content", "int", 134), _field("file_path", "string", 100), _field("file_format", "string", 101),
            _field("partition", _record("r102", [_field("id", "int", 1000, True)]), 102), _field("record_count", "long", 103, lies.get("null_count", False)),
            _field("file_size_in_bytes", "long", 104), *counts, _field("lower_bounds", _map(126, 127, "bytes"), 125, True), _field("upper_bounds", _map(129, 130, "bytes"), 128, True)]
    if lies.get("no_field_id"):
        del file[2]["field-id"]
    return _record("manifest_entry", [_field("status", "int", 0), _field("snapshot_id", "long", 1, True), _field("sequence_number", "long", 3, True),
                                      _field("file_sequence_number", "long", 4, True), _field("data_file", _record("r2", file), 2)])


_SUMMARY = _record("r508", [_field("contains_null", "boolean", 509), _field("lower_bound", "bytes", 510, True), _field("upper_bound", "bytes", 511, True)])
_LIST_SCHEMA = _record("manifest_file", [
    *(_field(name, kind, field_id) for name, kind, field_id in [
        ("manifest_path", "string", 500), ("manifest_length", "long", 501), ("partition_spec_id", "int", 502), ("content", "int", 517), ("sequence_number", "long", 515),
        ("min_sequence_number", "long", 516), ("added_snapshot_id", "long", 503), ("added_files_count", "int", 504), ("existing_files_count", "int", 505),
        ("deleted_files_count", "int", 506), ("added_rows_count", "long", 512), ("existing_rows_count", "long", 513), ("deleted_rows_count", "long", 514)]),
    _field("partitions", {"type": "array", "items": _SUMMARY, "element-id": 508}, 507, True)])

SNAPSHOT, DATA_ROWS, PARTITION = 1001, 3, 7
_SCHEMA = {"type": "struct", "schema-id": 0, "identifier-field-ids": [1], "fields": [{"id": 1, "name": "id", "required": True, "type": "int"}, {"id": 2, "name": "v", "required": False, "type": "string"}]}
_SPEC = [{"source-id": 1, "field-id": 1000, "name": "id", "transform": "identity"}]

# What is lied about, and the rules that must be found broken: these and no other.
DAMAGES = {
    "nothing": set(),
    "file_size": {"A104", "A206"},
    "record_count": {"A401", "A305", "A206"},
    "total_records": {"A206"},
    "delete_beyond_rows": {"A408"},
    "delete_unsorted": {"A407"},
    "delete_of_other_partition": {"A409"},
    "delete_of_gone_file": {"A410"},
    "content_flag": {"A304"},
    "names_by_case": {"A211"},
    "counts_in_list": {"A305"},
    "manifest_length": {"A104"},
    "sequence_number": {"A306"},
    "added_twice": {"A308", "A305", "A206"},
    "lower_bound": {"A406"},
    "empty_bound": {"A311"},
    "no_parquet_ids": {"A402"},
    "parquet_type": {"A403"},
    "no_field_id": {"A301", "A307"},
    "null_count": {"A301"},
    "no_counts": {"A309"},
    "scheme": {"A105", "A102", "A410"},
    "header_content": {"A303"},
    "partition_summary": {"A310"},
    "snapshot_twice": {"A204"},
}
NOTES = {"A410"}  # That break nothing.


def write(lake: pathlib.Path, damage: str):
    """Table broken.t with one data file and one delete file, in the catalog beside sluice's own tables."""
    _Writer(lake, {damage: True}).write()


class _Writer:
    def __init__(self, lake, lies):
        self.lake, self.lies, self.folder = lake, lies, lake / "broken/t"
        self.uri = f"file://{self.folder}"

    def write(self):
        for name in ("data", "metadata"):
            (self.folder / name).mkdir(parents=True)
        data, deletes = self._data(), self._deletes()
        totals = {"total-data-files": 1, "total-delete-files": 1, "total-records": DATA_ROWS, "total-files-size": data["size"] + deletes["size"], "total-position-deletes": deletes["rows"], "total-equality-deletes": 0}
        if "total_records" in self.lies:
            totals["total-records"] = 4
        manifests = [self._manifest("data", [data] * (2 if "added_twice" in self.lies else 1)), self._manifest("deletes", [deletes])]
        if "added_twice" in self.lies:
            manifests[0]["added_files_count"] = 1
        _avro(self.folder / "metadata/snap.avro", _LIST_SCHEMA, {"snapshot-id": str(SNAPSHOT), "sequence-number": "1", "format-version": "2"}, manifests)
        self._metadata(totals)

    def _data(self) -> dict:
        ids = {} if "no_parquet_ids" in self.lies else {name: {b"PARQUET:field_id": str(number).encode()} for number, name in enumerate(("id", "v"), 1)}
        kind = pyarrow.int64() if "parquet_type" in self.lies else pyarrow.int32()
        schema = pyarrow.schema([pyarrow.field("id", kind, False, ids.get("id")), pyarrow.field("v", pyarrow.string(), True, ids.get("v"))])
        path = self.folder / "data/data.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"id": [PARTITION] * DATA_ROWS, "v": ["a", None, "c"]}, schema), path)
        lower = {"lower_bound": struct.pack("<i", PARTITION + 1), "empty_bound": b""}
        return {"path": path, "content": 0, "rows": DATA_ROWS + ("record_count" in self.lies), "size": path.stat().st_size, "lower": next((lower[lie] for lie in lower if lie in self.lies), struct.pack("<i", PARTITION)),
                "upper": struct.pack("<i", PARTITION + 1)}

    def _deletes(self) -> dict:
        data = f"{self.uri}/data/{'gone' if 'delete_of_gone_file' in self.lies else 'data'}.parquet"
        positions = [DATA_ROWS] if "delete_beyond_rows" in self.lies else [2, 1] if "delete_unsorted" in self.lies else [1]
        schema = pyarrow.schema([pyarrow.field("file_path", pyarrow.string(), False, {b"PARQUET:field_id": b"2147483546"}), pyarrow.field("pos", pyarrow.int64(), False, {b"PARQUET:field_id": b"2147483545"})])
        path = self.folder / "data/deletes.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"file_path": [data] * len(positions), "pos": positions}, schema), path)
        return {"path": path, "content": 1, "rows": len(positions), "size": path.stat().st_size}

    def _entry(self, file: dict) -> dict:
        uri = f"{self.uri}/data/{file['path'].name}"
        if "scheme" in self.lies and file["content"] == 0:
            uri = uri.replace("file://", "s3a://")
        is_data = file["content"] == 0
        size = file["size"] + (1 if "file_size" in self.lies and is_data else 0)
        partition = PARTITION + (1 if "delete_of_other_partition" in self.lies and not is_data else 0)
        described = {"content": file["content"], "file_path": uri, "file_format": "PARQUET", "partition": {"id": partition}, "record_count": file["rows"], "file_size_in_bytes": size}
        if is_data:
            described.update(value_counts={1: 3, 2: 3}, null_value_counts={1: 0, 2: 1}, lower_bounds={1: file["lower"]}, upper_bounds={1: file["upper"]})
        sequence = 2 if "sequence_number" in self.lies and is_data else None
        return {"status": 1, "snapshot_id": SNAPSHOT, "sequence_number": sequence, "file_sequence_number": None, "data_file": described}

    def _manifest(self, content: str, files: list) -> dict:
        path = self.folder / f"metadata/{content}.avro"
        said = "delete" if "header_content" in self.lies and content == "deletes" else content
        header = {"schema": json.dumps(_SCHEMA), "schema-id": "0", "partition-spec": json.dumps(_SPEC), "partition-spec-id": "0", "format-version": "2", "content": said}
        length = _avro(path, _entry_schema(self.lies), header, [self._entry(file) for file in files])
        flag = 0 if "content_flag" in self.lies or content == "data" else 1
        top = PARTITION + 2 if content == "deletes" else PARTITION
        low = PARTITION + 1 if "partition_summary" in self.lies and content == "data" else PARTITION
        return {"manifest_path": f"{self.uri}/metadata/{path.name}", "manifest_length": length + ("manifest_length" in self.lies and content == "data"), "partition_spec_id": 0, "content": flag,
                "sequence_number": 1, "min_sequence_number": 1, "added_snapshot_id": SNAPSHOT, "added_files_count": len(files) + ("counts_in_list" in self.lies and content == "data"),
                "existing_files_count": 0, "deleted_files_count": 0, "added_rows_count": sum(file["rows"] for file in files) - ("record_count" in self.lies and content == "data"),
                "existing_rows_count": 0, "deleted_rows_count": 0, "partitions": [{"contains_null": False, "lower_bound": struct.pack("<i", low), "upper_bound": struct.pack("<i", top)}]}

    def _metadata(self, totals: dict):
        schema = json.loads(json.dumps(_SCHEMA))
        if "names_by_case" in self.lies:
            schema["fields"].append({"id": 3, "name": "V", "required": False, "type": "string"})
        snapshot = {"sequence-number": 1, "snapshot-id": SNAPSHOT, "timestamp-ms": 1760000000000, "summary": {"operation": "append", **{key: str(value) for key, value in totals.items()}},
                    "manifest-list": f"{self.uri}/metadata/snap.avro", "schema-id": 0}
        document = {"format-version": 2, "table-uuid": str(uuid.uuid4()), "location": self.uri, "last-sequence-number": 1, "last-updated-ms": 1760000000000, "last-column-id": 3, "current-schema-id": 0,
                    "schemas": [schema], "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": _SPEC}], "last-partition-id": 1000, "default-sort-order-id": 0,
                    "sort-orders": [{"order-id": 0, "fields": []}], "properties": {}, "current-snapshot-id": SNAPSHOT, "refs": {"main": {"snapshot-id": SNAPSHOT, "type": "branch"}},
                    "snapshots": [snapshot] * (2 if "snapshot_twice" in self.lies else 1), "snapshot-log": [{"timestamp-ms": 1760000000000, "snapshot-id": SNAPSHOT}], "metadata-log": []}
        path = self.folder / "metadata/v1.metadata.json"
        path.write_text(json.dumps(document))
        with sqlite3.connect(self.lake / "catalog.db") as catalog:
            catalog.execute("INSERT INTO iceberg_namespace_properties VALUES ('sluice', 'broken', 'exists', 'true')")
            catalog.execute("INSERT INTO iceberg_tables VALUES ('sluice', 'broken', 't', ?, NULL, 'TABLE')", [f"{self.uri}/metadata/{path.name}"])
