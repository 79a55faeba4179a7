#include "sink/mapping/mapped_view.h"

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

}  // namespace

std::unique_ptr<SinkView> MappedView::Of(std::unique_ptr<SinkView> view, std::shared_ptr<mapping::Mapping> mapping) {
  return std::unique_ptr<SinkView>(new MappedView(std::move(view), std::move(mapping)));
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
