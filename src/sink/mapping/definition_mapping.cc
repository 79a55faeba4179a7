#include "sink/mapping/definition_mapping.h"

#include <algorithm>

#include "sink/mapping/sql_text.h"

namespace sluice::mapping {
namespace {

constexpr size_t kNameBytesMax = 63;

class Definer {
 public:
  Definer(const MappingRules& rules, const TableDefinition& source, const TablePlan& plan) : rules_(rules), source_(source), plan_(plan) {
    for (size_t i = 0; i < plan.columns.size(); ++i) {
      const std::string& name = plan.source->columns[i].name;
      if (plan.columns[i].excluded) lost_.insert(name);
      else if (plan.columns[i].mask) (plan.columns[i].mask->keeps_identity() ? hashed_ : lost_).insert(name);
      const auto renamed = plan.rules.renamed.find(name);
      if (renamed != plan.rules.renamed.end()) renamed_.insert(*renamed);
    }
    for (const GeneratedColumn& column : source.generated)
      if (plan.rules.excluded.contains(column.name)) lost_.insert(column.name);
    touched_ = lost_;
    touched_.insert(hashed_.begin(), hashed_.end());
  }

  MappedDefinition Run() {
    TableDefinition& target = mapped_.definition;
    target = source_;
    target.schema = plan_.target;
    target.columns.clear();
    target.generated.clear();
    target.constraints.clear();
    target.indexes.clear();
    target.sequences.clear();
    target.primary_key.clear();
    MapGenerated();  // First: what speaks of a lost one is lost too.
    MapColumns();
    MapConstraints();
    MapIndexes();
    MapSequences();
    MapPartitions();
    return std::move(mapped_);
  }

 private:
  void LeaveOut(const std::string& what) { mapped_.left_out.push_back(what); }

  // What is named after the table follows its name, and everything follows its namespace.
  std::string Follow(const std::string& name) const {
    const std::string& from = plan_.source->name.name;
    const std::string& to = plan_.target->name.name;
    if (from == to || (name != from && !name.starts_with(from + "_"))) return name;
    std::string followed = to + name.substr(from.size());
    return followed.size() > kNameBytesMax ? name : followed;
  }
  TableName Follow(const TableName& name) const {
    const bool beside = name.name_space == plan_.source->name.name_space;
    return {beside ? plan_.target->name.name_space : rules_.NamespaceOf(name.name_space), Follow(name.name)};
  }
  Expression Renamed(const Expression& expression) const { return {WithColumnsRenamed(expression.sql, renamed_), expression.needs}; }

  // Unique columns stay so under a hash; nothing else can be said of masked values.
  bool Survives(const std::string& sql, bool unique) const {
    if (MentionsAny(sql, lost_)) return false;
    return !MentionsAny(sql, hashed_) || (unique && IsPlainColumnList(sql));
  }

  void MapGenerated() {
    for (const GeneratedColumn& column : source_.generated) {
      if (plan_.rules.excluded.contains(column.name)) continue;
      if (MentionsAny(column.expression.sql, touched_)) {
        lost_.insert(column.name);
        touched_.insert(column.name);
        LeaveOut("generated column " + column.name);
        continue;
      }
      GeneratedColumn& kept = mapped_.definition.generated.emplace_back(column);
      const auto renamed = plan_.rules.renamed.find(column.name);
      if (renamed != plan_.rules.renamed.end()) {
        kept.name = renamed->second;
        renamed_.insert(*renamed);
      }
      kept.expression = Renamed(column.expression);
    }
  }

  void MapColumns() {
    std::vector<size_t> target_index(plan_.columns.size());
    size_t next = 0;
    for (size_t i = 0; i < plan_.columns.size(); ++i) {
      target_index[i] = next;
      if (plan_.columns[i].excluded) continue;
      ++next;
      if (i >= source_.columns.size()) continue;
      ColumnDefinition column = source_.columns[i];
      if (const auto& mask = plan_.columns[i].mask) {
        // A default or an identity would make values of the type that the column no longer has.
        column.default_value.reset();
        column.identity = '\0';
        if (mask->changes_type()) column.collation.clear();
      }
      mapped_.definition.columns.push_back(std::move(column));
    }
    const bool whole = std::none_of(source_.primary_key.begin(), source_.primary_key.end(), [&](size_t column) {
      return lost_.contains(plan_.source->columns[column].name);
    });
    for (const size_t column : source_.primary_key)
      if (whole) mapped_.definition.primary_key.push_back(target_index[column]);
  }

  void MapConstraints() {
    for (const ConstraintDefinition& constraint : source_.constraints) {
      const bool unique = constraint.kind == ConstraintKind::kPrimaryKey || constraint.kind == ConstraintKind::kUnique;
      if (!Survives(constraint.definition.sql, unique)) {
        LeaveOut("constraint " + constraint.name);
        continue;
      }
      mapped_.definition.constraints.push_back({constraint.kind, Follow(constraint.name), Renamed(constraint.definition)});
    }
  }

  void MapIndexes() {
    for (const IndexDefinition& index : source_.indexes) {
      if (!Survives(index.definition.sql, index.unique)) {
        LeaveOut("index " + index.name.name);
        continue;
      }
      const TableName name = Follow(index.name);
      mapped_.definition.indexes.push_back({name, index.unique, {WithIndexRenamed(WithColumnsRenamed(index.definition.sql, renamed_), name.name, plan_.target->name), index.definition.needs}});
    }
  }

  void MapSequences() {
    for (SequenceDefinition sequence : source_.sequences) {
      if (touched_.contains(sequence.owner_column)) {
        LeaveOut("sequence " + sequence.name.name);
        continue;
      }
      sequence.name = Follow(sequence.name);
      const auto renamed = renamed_.find(sequence.owner_column);
      if (renamed != renamed_.end()) sequence.owner_column = renamed->second;
      mapped_.definition.sequences.push_back(std::move(sequence));
    }
  }

  void MapPartitions() {
    TableDefinition& target = mapped_.definition;
    if (source_.partition_key.empty()) return;
    const bool plain = MentionsAny(source_.partition_key, touched_) ||
                       std::any_of(source_.partitions.begin(), source_.partitions.end(), [&](const auto& partition) { return MentionsAny(partition.partition_key, touched_); });
    if (plain) {
      LeaveOut("partitioning by " + source_.partition_key);
      target.partition_key.clear();
      target.partitions.clear();
      return;
    }
    target.partition_key = WithColumnsRenamed(source_.partition_key, renamed_);
    for (PartitionDefinition& partition : target.partitions) {
      partition.name = Follow(partition.name);
      partition.parent = partition.parent == plan_.source->name ? plan_.target->name : Follow(partition.parent);
      partition.partition_key = WithColumnsRenamed(partition.partition_key, renamed_);
    }
  }

  const MappingRules& rules_;
  const TableDefinition& source_;
  const TablePlan& plan_;
  std::set<std::string> lost_, hashed_, touched_;  // Columns of the source.
  std::map<std::string, std::string> renamed_;
  MappedDefinition mapped_;
};

}  // namespace

MappedDefinition MapDefinition(const MappingRules& rules, const TableDefinition& source, const TablePlan& plan) { return Definer(rules, source, plan).Run(); }

}  // namespace sluice::mapping
