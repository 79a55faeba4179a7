#pragma once
// DuckDB's C functions, loaded when they are asked for: the program neither links them nor needs them to start.

#include <duckdb.h>

#include <string>

#include "base/result.h"

namespace sluice {

#define SLUICE_DUCKDB_FUNCTIONS(X)                                                                                                    \
  X(library_version) X(free) X(create_config) X(set_config) X(destroy_config) X(open_ext) X(close) X(connect) X(disconnect)           \
  X(interrupt) X(extract_statements) X(extract_statements_error) X(destroy_extracted) X(prepare_extracted_statement)                  \
  X(prepare_error) X(prepared_statement_type) X(destroy_prepare) X(execute_prepared_streaming) X(destroy_result) X(result_error)      \
  X(column_count) X(column_name) X(column_logical_type) X(result_return_type) X(rows_changed) X(fetch_chunk) X(destroy_data_chunk)    \
  X(data_chunk_get_size) X(data_chunk_get_vector) X(vector_get_data) X(vector_get_validity) X(validity_row_is_valid)                  \
  X(string_t_length) X(string_t_data) X(destroy_logical_type) X(get_type_id) X(logical_type_get_alias) X(decimal_internal_type)       \
  X(decimal_scale) X(enum_internal_type) X(enum_dictionary_value) X(list_type_child_type) X(array_type_child_type)                    \
  X(array_type_array_size) X(map_type_key_type) X(map_type_value_type) X(struct_type_child_count) X(struct_type_child_name)           \
  X(struct_type_child_type) X(list_vector_get_child) X(array_vector_get_child) X(struct_vector_get_child)

/// Named as in duckdb.h, without duckdb_ in front.
struct DuckDbLibrary {
#define SLUICE_DUCKDB_MEMBER(name) decltype(&::duckdb_##name) name = nullptr;
  SLUICE_DUCKDB_FUNCTIONS(SLUICE_DUCKDB_MEMBER)
#undef SLUICE_DUCKDB_MEMBER

  std::string folder;  ///< With lib/libduckdb.so and extensions/NAME.duckdb_extension.

  std::string ExtensionPath(std::string_view name) const { return folder + "/extensions/" + std::string(name) + ".duckdb_extension"; }
};

/// Of the first folder that has it: $SLUICE_DUCKDB, lib/duckdb beside the program's folder, where tools/setup put it when the
/// program was built. Loaded once and never unloaded.
/// Error: kNeedsOperator (4161) where it is missing, or of another version than the program was built for.
Result<const DuckDbLibrary*> LoadDuckDb();

}  // namespace sluice
