// A configuration file with overrides: a configuration or its mistakes, and no secret in any of them.

#include <string>

#include "config/config_loader.h"
#include "fuzz_input.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  constexpr std::string_view kSecret = "q7#Zw9!secret";
  if (AsText(std::as_bytes(std::span(data, size))).find(kSecret) != std::string_view::npos) return 0;
  fuzz::Input input(data, size);
  std::vector<std::string> overrides;
  for (size_t left = input.Choice(3); left > 0; --left) overrides.emplace_back(AsText(input.Take(input.Byte())));
  std::string text(AsText(input.rest()));
  const fuzz::MemoryLimit limit(size, 5'000, size_t{4} << 20);
  const auto environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name.ends_with('P')) return std::string(kSecret);
    return name.ends_with('E') ? std::optional<std::string>("") : std::nullopt;
  };
  const LoadedConfig loaded = ReadConfig({"sluice.yaml", text}, overrides, "/nonexistent", environment);
  FUZZ_CHECK(loaded.config.has_value() == loaded.mistakes.empty());
  if (loaded.config) return 0;
  for (const ConfigMistake& mistake : loaded.mistakes) {
    FUZZ_CHECK(mistake.code >= 1000 && mistake.code < 2000);
    FUZZ_CHECK(mistake.place.text < loaded.texts.size());
    const std::string rendered = RenderMistake(mistake, loaded.texts);
    FUZZ_CHECK(rendered.find(kSecret) == std::string::npos);
    // No terminal is driven by what stands in a file.
    FUZZ_CHECK(rendered.find('\x1b') == std::string::npos && rendered.find('\0') == std::string::npos);
  }
  FUZZ_CHECK(ToError(loaded).kind == ErrorKind::kNeedsOperator);
  return 0;
}
