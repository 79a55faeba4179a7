#include "sink/mapping/mapped_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "observability/errors/verify_codes.h"
#include "observability/log.h"
#include "sink/mapping/mapped_rows.h"
#include "sink/mapping/mapped_view.h"

namespace sluice {
namespace {

using mapping::MappedDefinition;
using mapping::MappedRows;
using mapping::Mapping;
using mapping::TablePlanPtr;
using mapping::TableRoute;

class MappedCopyWriter final : public CopyWriter {
 public:
  MappedCopyWriter(std::unique_ptr<CopyWriter> writer, TablePlanPtr plan) : writer_(std::move(writer)), rows_(std::move(plan), *writer_) {}

  Status Rows(Bytes rows, size_t count) override { return rows_.Rows(rows, count); }
  Status Finish() override { return writer_->Finish(); }

 private:
  const std::unique_ptr<CopyWriter> writer_;
  MappedRows rows_;
};

void TellWhatIsMapped(const std::string& sink, const TableDefinition& source, const MappedDefinition& mapped, bool copied_before) {
  const TableName& from = source.schema->name;
  const TableName& to = mapped.definition.schema->name;
  log::Info("mapping", "mapping.table", copied_before ? "its mapping or the table itself is another than before, so it is copied again" : "the table is mapped",
            {{"sink", sink}, {"table", ToString(from)}, {"target", ToString(to)}});
  for (const std::string& what : mapped.left_out)
    log::Warn("mapping", "mapping.left_out", "speaks of a column that is masked or left out, so the sink goes without it",
              {{"sink", sink}, {"table", ToString(from)}, {"object", what}});
}

}  // namespace

MappedSink::MappedSink(std::unique_ptr<Sink> sink, std::shared_ptr<Mapping> mapping)
    : sink_(std::move(sink)), mapping_(std::move(mapping)),
      mapper_([this](const TableSchemaPtr& schema) { return RouteOf(schema); }, [this](const TableSchemaPtr& schema) { return mapping_->PlanFor(schema); }),
      copied_(mapping_->ToSource(sink_->copied_tables())), held_(mapping_->ToSource(sink_->held_tables())),
      kept_(mapping_->ToSource(sink_->kept_copies())) {
  for (const TableName& table : mapping_->Abandoned(sink_->copied_tables()))
    log::Warn("mapping", "mapping.abandoned", "no table goes to that name any more; what stands there is no longer followed, and may show what is masked now",
              {{"sink", mapping_->sink()}, {"target", ToString(table)}});
}

TableRoute MappedSink::RouteOf(const TableSchemaPtr& schema) const {
  if (!mapping_->Maps(schema)) return {};
  const CopiedTables& copied = sink_->copied_tables();
  const auto found = copied.find(mapping_->rules().TargetOf(schema->name));
  return {true, found == copied.end() ? Lsn{} : found->second.copy_lsn};
}

Result<std::vector<TableDefinition>> MappedSink::Define(const std::vector<TableDefinition>& tables) const {
  std::vector<TableDefinition> mapped;
  for (const TableDefinition& table : tables) {
    ASSIGN_OR_RETURN(TableDefinition definition, mapping_->Define(table));
    mapped.push_back(std::move(definition));
  }
  return mapped;
}

// What the sink has become, and what went wrong, as the source names it.
Status MappedSink::Told(Status status) {
  copied_ = mapping_->ToSource(sink_->copied_tables());
  held_ = mapping_->ToSource(sink_->held_tables());
  if (status.ok()) return status;
  return mapping_->ToSource(std::move(status).error());
}

Status MappedSink::Hold(const TableName& table, const HeldTable& why) {
  HeldTable held = why;
  if (held.oid != 0) held.oid = mapping_->rules().MixOid(table, why.oid);
  return Told(sink_->Hold(mapping_->rules().TargetOf(table), held));
}

Status MappedSink::Forget(const TableName& table) {
  Status forgotten = Told(sink_->Forget(mapping_->rules().TargetOf(table)));
  kept_ = mapping_->ToSource(sink_->kept_copies());
  return forgotten;
}

Status MappedSink::KeepCopies(const std::set<TableName>& tables) {
  std::set<TableName> targets;
  for (const TableName& table : tables) targets.insert(mapping_->rules().TargetOf(table));
  Status kept = Told(sink_->KeepCopies(targets));
  kept_ = mapping_->ToSource(sink_->kept_copies());
  return kept;
}

Status MappedSink::Attend() {
  Status attended = sink_->Attend();
  return attended.ok() ? Ok() : Told(std::move(attended));
}

Status MappedSink::ForgetBookmark() { return Told(sink_->ForgetBookmark()); }

Status MappedSink::Follow(const TableDefinition& table, FollowExtent extent) {
  ASSIGN_OR_RETURN(const TableDefinition mapped, mapping_->Define(table));
  return Told(sink_->Follow(mapped, extent));
}

Result<std::unique_ptr<Sink>> MappedSink::OpenBeside() {
  ASSIGN_OR_RETURN(std::unique_ptr<Sink> beside, sink_->OpenBeside());
  auto mapped = std::make_unique<MappedSink>(std::move(beside), mapping_);
  mapped->before_ = sink_->copied_tables();
  return std::unique_ptr<Sink>(std::move(mapped));
}

Status MappedSink::Commit(const Position& position, Timestamp source_time) {
  Status committed = sink_->Commit(position, source_time);
  // Only tables that catch up change by a commit.
  const bool unchanged = committed.ok() && std::none_of(copied_.begin(), copied_.end(), [](const auto& entry) { return entry.second.catching_up_from.has_value(); });
  return unchanged ? Ok() : Told(std::move(committed));
}

Status MappedSink::PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) {
  std::vector<TableDefinition> mapped;
  for (const TableDefinition& table : tables) {
    ASSIGN_OR_RETURN(MappedDefinition definition, mapping_->DefineWithLosses(table));
    if (mapping_->Maps(table.schema)) TellWhatIsMapped(mapping_->sink(), table, definition, CopiedBefore(definition.definition.schema->name));
    mapped.push_back(std::move(definition.definition));
  }
  return Told(sink_->PrepareTables(mapped, point));
}

Result<std::unique_ptr<CopyWriter>> MappedSink::OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) {
  if (!mapping_->Maps(table.schema)) return sink_->OpenCopyWriter(table, range);
  ASSIGN_OR_RETURN(const TableDefinition mapped, mapping_->Define(table));
  ASSIGN_OR_RETURN(TablePlanPtr plan, mapping_->PlanFor(table.schema));
  ASSIGN_OR_RETURN(std::unique_ptr<CopyWriter> writer, sink_->OpenCopyWriter(mapped, range));
  if (plan->same_tuples()) return writer;
  return std::unique_ptr<CopyWriter>(new MappedCopyWriter(std::move(writer), std::move(plan)));
}

Status MappedSink::RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) {
  if (!mapping_->Maps(table.schema)) return sink_->RemoveCopied(table, keys, count);
  ASSIGN_OR_RETURN(const TableDefinition mapped, mapping_->Define(table));
  ASSIGN_OR_RETURN(const TablePlanPtr plan, mapping_->PlanFor(table.schema));
  if (plan->same_tuples()) return sink_->RemoveCopied(mapped, keys, count);
  std::vector<std::byte> mapped_keys;
  RETURN_IF_ERROR(mapping::MapKeys(*plan, keys, count, mapped_keys));
  return sink_->RemoveCopied(mapped, mapped_keys, count);
}

Status MappedSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> mapped, Define(tables));
  return Told(sink_->FinishTables(mapped, copy_position, source_time));
}

Status MappedSink::Write(ChangeBatchPtr batch) {
  ASSIGN_OR_RETURN(ChangeBatchPtr mapped, mapper_.Map(batch));
  Status written = sink_->Write(std::move(mapped));
  return written.ok() ? Ok() : Told(std::move(written));
}

Status MappedSink::Repair(std::span<const RowRepair> repairs) {
  for (const RowRepair& repair : repairs)
    if (mapping_->Maps(repair.schema))
      return Error{ErrorKind::kNeedsOperator, fmt::format("table {} is mapped on its way, so its rows cannot be put right one by one", ToString(repair.schema->name)),
                   slu::kRepairRefused};
  return sink_->Repair(repairs);
}

Result<std::unique_ptr<SinkView>> MappedSink::View() {
  ASSIGN_OR_RETURN(std::unique_ptr<SinkView> view, sink_->View());
  return MappedView::Of(std::move(view), mapping_);
}

}  // namespace sluice
