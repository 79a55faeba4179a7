#pragma once
// Updates and requirements as Iceberg's REST protocol has them.

#include <nlohmann/json_fwd.hpp>

#include "iceberg/table_update.h"

namespace sluice::iceberg {

/// {"action": …}. `last_column_id`: of the table before; servers of older versions want the one after an added schema said.
nlohmann::ordered_json ToJson(const TableUpdate& update, int32_t last_column_id);

/// {"type": …}
nlohmann::ordered_json ToJson(const TableRequirement& requirement);

}  // namespace sluice::iceberg
