#pragma once

#include <string>

#include "config/config.h"
#include "config/field_reader.h"

namespace sluice {

/// A path as it is, or below `folder`; a URI as it is.
std::string AbsolutePath(const std::string& path, const std::string& folder);

/// Whether it is in a bucket, where no file can be.
bool IsInBucket(const std::string& warehouse);
bool IsInAzure(const std::string& warehouse);
bool IsAtGoogle(const std::string& warehouse);

/// `warehouse` and `storage` of a lake. `folder`: what a path without a slash in front begins at.
void ReadStorage(FieldReader& fields, const std::string& folder, LakeConfig& lake);

}  // namespace sluice
