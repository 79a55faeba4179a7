#include "memory_limit.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// Of sanitizer/allocator_interface.h, which GCC does not install.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, size_t), void (*freed)(const volatile void*));
extern "C" size_t __sanitizer_get_allocated_size(const volatile void* pointer);

namespace sluice::fuzz {
namespace {

std::atomic<bool> counting{false};
std::atomic<int64_t> held_bytes{0};
std::atomic<int64_t> limit_bytes{0};

void OnAllocate(const volatile void*, size_t size) {
  if (!counting.load(std::memory_order_relaxed)) return;
  const int64_t held = held_bytes.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
  if (held <= limit_bytes.load(std::memory_order_relaxed)) return;
  counting = false;  // Reporting allocates too.
  std::fprintf(stderr, "the input makes more than %lld bytes of memory be held\n", static_cast<long long>(limit_bytes.load()));
  std::abort();
}

void OnFree(const volatile void* pointer) {
  if (pointer == nullptr || !counting.load(std::memory_order_relaxed)) return;
  held_bytes -= static_cast<int64_t>(__sanitizer_get_allocated_size(pointer));
}

}  // namespace

MemoryLimit::MemoryLimit(size_t input_bytes, size_t factor, size_t base_bytes) {
  static const bool installed = __sanitizer_install_malloc_and_free_hooks(OnAllocate, OnFree) > 0;
  if (!installed) std::abort();
  held_bytes = 0;
  limit_bytes = static_cast<int64_t>(base_bytes + factor * input_bytes);
  counting = true;
}

MemoryLimit::~MemoryLimit() { counting = false; }

}  // namespace sluice::fuzz
