#include "server/rest_catalog/text_cache.h"

namespace sluice {

TextCache::Text TextCache::Find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->text;
}

void TextCache::Keep(const std::string& name, Text text) {
  const std::lock_guard lock(mutex_);
  if (text->size() > bytes_max_ || by_name_.contains(name)) return;
  bytes_ += text->size();
  entries_.push_front({name, std::move(text)});
  by_name_[name] = entries_.begin();
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().text->size();
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

}  // namespace sluice
