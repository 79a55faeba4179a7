#pragma once
// What a check of a lake found, and the rules it is held against.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

enum class Gravity {
  kNote,     ///< Good to know.
  kRefused,  ///< A reader that was asked about cannot read it.
  kWrong,    ///< Against the format, or damaged.
};

/// One thing that must hold.
struct Rule {
  std::string_view id;      ///< Stable, "A101".
  Gravity gravity = Gravity::kWrong;
  std::string_view breaks;  ///< What goes wrong where it does not hold.
  std::string_view fix;
};

struct Finding {
  const Rule* rule = nullptr;
  std::string file;    ///< URI; empty: the table as a whole.
  std::string what;    ///< One sentence. Names in it come from files: print with care.
  std::string reader;  ///< That refuses it; empty: the format itself.
};

/// Keeps the first few of each rule and counts the rest: a broken writer breaks everything alike.
class Findings {
 public:
  static constexpr size_t kKeptPerRule = 20;

  void Add(const Rule& rule, std::string file, std::string what, std::string reader = {}) {
    size_t& count = counts_[std::string(rule.id) + reader];
    if (++count <= kKeptPerRule) kept_.push_back({&rule, std::move(file), std::move(what), std::move(reader)});
    ++total_;
    if (rule.gravity != Gravity::kNote) ++bad_;
  }

  const std::vector<Finding>& kept() const { return kept_; }
  size_t total() const { return total_; }
  size_t not_kept() const { return total_ - kept_.size(); }
  size_t bad() const { return bad_; }  ///< All but notes.
  bool Has(const Rule& rule) const {
    for (const Finding& finding : kept_)
      if (finding.rule == &rule) return true;
    return false;
  }

 private:
  std::vector<Finding> kept_;
  std::map<std::string, size_t> counts_;
  size_t total_ = 0, bad_ = 0;
};

}  // namespace sluice::audit
