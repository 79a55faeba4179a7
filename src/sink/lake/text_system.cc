#include <vector>

#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

constexpr size_t kTsqueryNodesMax = 1 << 20;

// tsvectorout and tsqueryout: in single quotes, with quotes and backslashes doubled.
void AppendLexeme(std::string_view text, std::string& out) {
  out.push_back('\'');
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
}

enum : uint8_t { kOperand = 1, kOperator = 2 };
enum : uint8_t { kNot = 1, kAnd = 2, kOr = 3, kPhrase = 4 };

struct QueryNode {
  uint8_t type = kOperand;
  uint8_t operation = 0;  // Of an operator.
  uint16_t distance = 0;  // Of a phrase.
  uint8_t weight = 0;
  bool prefix = false;
  std::string_view text;
};

int Priority(uint8_t operation) {
  switch (operation) {
    case kNot: return 4;
    case kPhrase: return 3;
    case kAnd: return 2;
    default: return 1;
  }
}

// Prints a query that stands in prefix order, right operand first, without recursion: a query nests as deep as
// its writer wants. Each step is a text to append or a node to open.
class QueryPrinter {
 public:
  QueryPrinter(const std::vector<QueryNode>& nodes, std::string& out) : nodes_(nodes), out_(out), sizes_(nodes.size()) {}

  bool Print() {
    if (!Measure()) return false;
    steps_.push_back({0, -1, false, {}});
    while (!steps_.empty()) {
      const Step step = steps_.back();
      steps_.pop_back();
      if (!step.text.empty()) out_.append(step.text); else Open(step);
    }
    return true;
  }

 private:
  struct Step {
    size_t node = 0;
    int parent_priority = -1;
    bool right_of_phrase = false;
    std::string text;
  };

  // The size of each subtree; false where operands are missing or left over.
  bool Measure() {
    std::vector<size_t> open;
    for (size_t i = nodes_.size(); i-- > 0;) {
      size_t size = 1;
      const size_t operands = nodes_[i].type == kOperand ? 0 : nodes_[i].operation == kNot ? 1 : 2;
      if (open.size() < operands) return false;
      for (size_t k = 0; k < operands; ++k) {
        size += open.back();
        open.pop_back();
      }
      sizes_[i] = size;
      open.push_back(size);
    }
    return open.size() == 1;
  }

  void Open(const Step& step) {
    const QueryNode& node = nodes_[step.node];
    if (node.type == kOperand) return AppendOperand(node);
    const int priority = Priority(node.operation);
    if (node.operation == kNot) {
      const bool parens = priority < step.parent_priority;
      if (parens) out_.append("( ");
      out_.push_back('!');
      if (parens) steps_.push_back({0, -1, false, " )"});
      steps_.push_back({step.node + 1, priority, false, {}});
      return;
    }
    const bool parens = priority < step.parent_priority || (node.operation == kPhrase && step.right_of_phrase);
    if (parens) out_.append("( ");
    const size_t right = step.node + 1;
    const size_t left = right + sizes_[right];
    if (parens) steps_.push_back({0, -1, false, " )"});
    steps_.push_back({right, priority, node.operation == kPhrase, {}});
    steps_.push_back({0, -1, false, Symbol(node)});
    steps_.push_back({left, priority, false, {}});
  }

  static std::string Symbol(const QueryNode& node) {
    if (node.operation == kOr) return " | ";
    if (node.operation == kAnd) return " & ";
    if (node.distance == 1) return " <-> ";
    std::string symbol = " <";
    AppendUnsigned(node.distance, symbol);
    return symbol + "> ";
  }

  void AppendOperand(const QueryNode& node) {
    AppendLexeme(node.text, out_);
    if (node.weight == 0 && !node.prefix) return;
    out_.push_back(':');
    if (node.prefix) out_.push_back('*');
    for (const int bit : {3, 2, 1, 0}) {
      if ((node.weight >> bit & 1) != 0) out_.push_back("DCBA"[bit]);
    }
  }

  const std::vector<QueryNode>& nodes_;
  std::string& out_;
  std::vector<size_t> sizes_;
  std::vector<Step> steps_;
};

}  // namespace

// lexemes: int32 | per lexeme  text: C string | positions: uint16 | positions × uint16, weight in the upper two bits
bool Tsvector(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto lexemes = reader.Read<int32_t>();
  for (int32_t i = 0; i < lexemes && reader.ok(); ++i) {
    if (i > 0) out.push_back(' ');
    AppendLexeme(reader.ReadCString(), out);
    const auto positions = reader.Read<uint16_t>();
    for (uint16_t k = 0; k < positions && reader.ok(); ++k) {
      const auto position = reader.Read<uint16_t>();
      out.push_back(k == 0 ? ':' : ',');
      AppendUnsigned(position & 0x3FFF, out);
      if (position >> 14 != 0) out.push_back("DCBA"[position >> 14]);
    }
  }
  return reader.ok() && reader.at_end() && lexemes >= 0;
}

// nodes: int32 | per node  type: byte | operand: weight: byte, prefix: byte, text: C string
//                                     | operator: operation: byte, and for a phrase its distance: int16
bool Tsquery(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto count = reader.Read<uint32_t>();
  if (!reader.ok() || count > kTsqueryNodesMax || count > reader.rest_size()) return false;
  std::vector<QueryNode> nodes;
  for (uint32_t i = 0; i < count; ++i) {
    QueryNode node;
    node.type = reader.Read<uint8_t>();
    if (node.type == kOperand) {
      node.weight = reader.Read<uint8_t>();
      node.prefix = reader.Read<uint8_t>() != 0;
      node.text = reader.ReadCString();
    } else if (node.type == kOperator) {
      node.operation = reader.Read<uint8_t>();
      if (node.operation < kNot || node.operation > kPhrase) return false;
      if (node.operation == kPhrase) node.distance = reader.Read<uint16_t>();
    } else {
      return false;
    }
    if (!reader.ok()) return false;
    nodes.push_back(node);
  }
  if (!reader.at_end()) return false;
  return nodes.empty() || QueryPrinter(nodes, out).Print();
}

bool PgLsn(Bytes value, std::string& out) {
  if (value.size() != 8) return false;
  const auto lsn = LoadBigEndian<uint64_t>(value.data());
  const auto hex = [&](uint32_t half) {
    int shift = 28;
    while (shift > 0 && half >> shift == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) out.push_back("0123456789ABCDEF"[half >> shift & 15]);
  };
  hex(static_cast<uint32_t>(lsn >> 32));
  out.push_back('/');
  hex(static_cast<uint32_t>(lsn));
  return true;
}

bool Tid(Bytes value, std::string& out) {
  if (value.size() != 6) return false;
  out.push_back('(');
  AppendUnsigned(LoadBigEndian<uint32_t>(value.data()), out);
  out.push_back(',');
  AppendUnsigned(LoadBigEndian<uint16_t>(value.data() + 4), out);
  out.push_back(')');
  return true;
}

// count: int32 | xmin: int64 | xmax: int64 | count × int64
bool Snapshot(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto count = reader.Read<uint32_t>();
  AppendUnsigned(reader.Read<uint64_t>(), out);
  out.push_back(':');
  AppendUnsigned(reader.Read<uint64_t>(), out);
  out.push_back(':');
  if (!reader.ok() || reader.rest_size() != size_t{count} * 8) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0) out.push_back(',');
    AppendUnsigned(reader.Read<uint64_t>(), out);
  }
  return true;
}

// An array of one dimension from 0: dimensions | has null | element oid | length | lower bound | elements
bool IntegerVector(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto dimensions = reader.Read<int32_t>();
  reader.ReadBytes(4);
  const auto element = reader.Read<uint32_t>();
  if (dimensions == 0) return reader.ok();
  const auto length = reader.Read<int32_t>();
  reader.ReadBytes(4);
  if (!reader.ok() || dimensions != 1 || length < 0) return false;
  for (int32_t i = 0; i < length; ++i) {
    if (i > 0) out.push_back(' ');
    const Bytes item = reader.ReadBytes(reader.Read<uint32_t>());
    if (!reader.ok()) return false;
    if (!(element == 26 ? Unsigned4(item, out) : Int2(item, out))) return false;
  }
  return reader.at_end();
}

}  // namespace sluice::text
