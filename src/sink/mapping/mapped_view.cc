#include "sink/mapping/mapped_view.h"

#include <fmt/format.h>

#include "sink/mapping/mapped_rows.h"

namespace sluice {
namespace {

class MappedDigest final : public DigestReceiver {
 public:
  MappedDigest(std::unique_ptr<DigestReceiver> receiver, mapping::TablePlanPtr plan) : receiver_(std::move(receiver)), rows_(std::move(plan), *receiver_) {}

  Status Rows(Bytes rows, size_t count) override { return rows_.Rows(rows, count); }
  TableDigest digest() const override { return receiver_->digest(); }

 private:
  const std::unique_ptr<DigestReceiver> receiver_;
  mapping::MappedRows rows_;
};

Error Unsummed(const TableDefinition& table) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: rows that are mapped on their way are compared one by one", ToString(table.schema->name))};
}

}  // namespace

std::unique_ptr<SinkView> MappedView::Of(std::unique_ptr<SinkView> view, std::shared_ptr<mapping::Mapping> mapping) {
  return std::unique_ptr<SinkView>(new MappedView(std::move(view), std::move(mapping)));
}

Result<RowForm> MappedView::Form(const TableDefinition& table) {
  if (!mapping_->Maps(table.schema)) return view_->Form(table);
  RowForm form;
  form.columns.resize(table.schema->columns.size());
  form.unfit = "it is mapped on its way";
  return form;
}

Status MappedView::Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) {
  if (mapping_->Maps(table.schema)) return Unsummed(table);
  return view_->Sum(table, form, buckets, std::move(stop), sums);
}

Status MappedView::Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
                         std::vector<FetchedRow>& rows) {
  if (mapping_->Maps(table.schema)) return Unsummed(table);
  return view_->Fetch(table, form, buckets, rows_max, std::move(stop), rows);
}

Result<TableDigest> MappedView::Digest(const TableDefinition& table) {
  ASSIGN_OR_RETURN(const TableDefinition mapped, mapping_->Define(table));
  return view_->Digest(mapped);
}

Result<std::unique_ptr<DigestReceiver>> MappedView::Expect(const TableDefinition& table) {
  if (!mapping_->Maps(table.schema)) return view_->Expect(table);
  ASSIGN_OR_RETURN(const TableDefinition mapped, mapping_->Define(table));
  ASSIGN_OR_RETURN(mapping::TablePlanPtr plan, mapping_->PlanFor(table.schema));
  ASSIGN_OR_RETURN(std::unique_ptr<DigestReceiver> receiver, view_->Expect(mapped));
  return std::unique_ptr<DigestReceiver>(std::make_unique<MappedDigest>(std::move(receiver), std::move(plan)));
}

}  // namespace sluice
