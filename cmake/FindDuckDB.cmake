# DuckDB as tools/setup lays it out: -DDuckDB_ROOT=DIR with include/duckdb.h, lib/libduckdb.so and extensions/*.duckdb_extension.
# Target: DuckDB::headers. The library is loaded when it is asked for, so nothing links it; DuckDB_FOLDER is where it is looked for.
include(FindPackageHandleStandardArgs)
find_path(DuckDB_INCLUDE_DIR duckdb.h PATH_SUFFIXES include)
if(DuckDB_INCLUDE_DIR)
  get_filename_component(DuckDB_FOLDER ${DuckDB_INCLUDE_DIR} DIRECTORY)
endif()
find_package_handle_standard_args(DuckDB REQUIRED_VARS DuckDB_INCLUDE_DIR)
if(DuckDB_FOUND AND NOT TARGET DuckDB::headers)
  add_library(DuckDB::headers INTERFACE IMPORTED)
  set_target_properties(DuckDB::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${DuckDB_INCLUDE_DIR})
endif()
