#include "duckdb/library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr std::string_view kVersion = "v1.5.5";  // Extensions fit exactly one.

std::vector<std::string> Folders() {
  // Who says where it is means that one and no other.
  if (const char* const told = std::getenv("SLUICE_DUCKDB"); told != nullptr && *told != '\0') return {told};
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  std::vector<std::string> folders;
  if (!error) folders.push_back((program.parent_path().parent_path() / "lib/duckdb").string());
  folders.emplace_back(SLUICE_DUCKDB_FOLDER);
  return folders;
}

Error Missing(std::string what, std::string evidence = "") { return {ErrorKind::kNeedsOperator, std::move(what), slu::kDuckDbMissing, std::move(evidence)}; }

Result<DuckDbLibrary> LoadFrom(const std::string& folder) {
  const std::string path = folder + "/lib/libduckdb.so";
  void* const opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return Missing(fmt::format("DuckDB's library {} cannot be loaded", path), dlerror());
  DuckDbLibrary library;
#define SLUICE_DUCKDB_LOAD(name)                                                                                   \
  library.name = reinterpret_cast<decltype(library.name)>(dlsym(opened, "duckdb_" #name));                        \
  if (library.name == nullptr) return Missing(fmt::format("DuckDB's library {} has no duckdb_" #name, path));
  SLUICE_DUCKDB_FUNCTIONS(SLUICE_DUCKDB_LOAD)
#undef SLUICE_DUCKDB_LOAD
  if (library.library_version() != kVersion) return Missing(fmt::format("DuckDB's library {} is {}, not {}", path, library.library_version(), kVersion));
  library.folder = folder;
  return library;
}

Result<DuckDbLibrary> LoadFirst() {
  const std::vector<std::string> folders = Folders();
  for (const std::string& folder : folders)
    if (access((folder + "/lib/libduckdb.so").c_str(), F_OK) == 0) return LoadFrom(folder);
  return Missing("there is no DuckDB", fmt::format("looked for lib/libduckdb.so in {}", fmt::join(folders, " and ")));
}

}  // namespace

Result<const DuckDbLibrary*> LoadDuckDb() {
  static const Result<DuckDbLibrary> loaded = LoadFirst();
  if (!loaded.ok()) return loaded.error();
  return &*loaded;
}

}  // namespace sluice
