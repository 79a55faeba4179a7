// The driver where there is no libFuzzer: runs every file of the corpus, then damaged copies of them.
//   fuzz_NAME [--runs N] [--seed N] FILE_OR_FOLDER…
// The same corpus, count and seed give the same inputs everywhere; without a seed each run looks elsewhere.
// An input that fails is left as ./failed-NAME; run it alone by giving its path.

#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kInputBytesMax = 16 << 10;

std::string current;      // The input that is running.
std::string failed_path;

void KeepCurrent() {
  std::ofstream(failed_path, std::ios::binary) << current;
  std::fprintf(stderr, "the input of %zu bytes is in %s\n", current.size(), failed_path.c_str());
}

void OnAbort(int) {
  KeepCurrent();
  std::_Exit(1);
}

void Run(const std::string& input) {
  current = input;
  // A copy of exactly its size, so that a read behind it is seen.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, uint32_t seed) : corpus_(corpus), random_(seed) {}

  std::string Next() {
    std::string input = Any();
    for (size_t i = 1 + Below(5); i > 0; --i) Damage(input);
    if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    return input;
  }

 private:
  size_t Below(size_t count) { return count == 0 ? 0 : random_() % count; }
  const std::string& Any() { return corpus_[Below(corpus_.size())]; }

  void Damage(std::string& input) {
    if (input.empty()) input.push_back('\0');
    const size_t at = Below(input.size());
    switch (Below(8)) {
      case 0: input[at] = static_cast<char>(input[at] ^ (1 << Below(8))); break;
      case 1: input[at] = static_cast<char>(random_()); break;
      case 2: input.resize(at); break;
      case 3: input.erase(at, 1 + Below(8)); break;
      case 4: input.insert(at, std::string(1 + Below(16), static_cast<char>(random_()))); break;
      case 5: {  // The numbers at which lengths go wrong.
        constexpr std::string_view kEdges[] = {{"\xff\xff\xff\xff", 4}, {"\x7f\xff\xff\xff", 4}, {"\x80\0\0\0", 4}, {"\0\0\0\0", 4}, {"\0\0\0\1", 4}};
        const std::string_view edge = kEdges[Below(std::size(kEdges))];
        input.replace(at, edge.size(), edge);
        break;
      }
      case 6: {
        const std::string& other = Any();
        const size_t from = Below(other.size());
        input.insert(at, other, from, 1 + Below(64));
        break;
      }
      default: input += input.substr(at, 1 + Below(256)); break;
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  size_t runs = 0;
  uint32_t seed = std::random_device()();
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--runs" && i + 1 < argc) runs = std::stoul(argv[++i]);
    else if (argument == "--seed" && i + 1 < argc) seed = static_cast<uint32_t>(std::stoul(argv[++i]));
    else if (!std::filesystem::is_directory(argument)) paths.emplace_back(argument);
    else
      for (const auto& file : std::filesystem::directory_iterator(argument)) paths.push_back(file.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) corpus.push_back(Read(path));
  if (corpus.empty()) {
    std::fprintf(stderr, "no inputs\n");
    return 2;
  }
  failed_path = "failed-" + std::filesystem::path(argv[0]).filename().string();
  std::signal(SIGABRT, OnAbort);
  std::signal(SIGALRM, OnAbort);
  __sanitizer_set_death_callback(KeepCurrent);

  std::printf("%zu files, seed %u\n", corpus.size(), seed);
  std::fflush(stdout);
  for (const std::string& input : corpus) {
    alarm(20);  // A parser that hangs.
    Run(input);
  }
  Mutator mutator(corpus, seed);
  for (size_t left = runs; left > 0; --left) {
    alarm(20);
    Run(mutator.Next());
  }
  alarm(0);
  std::printf("%zu damaged inputs\n", runs);
}
