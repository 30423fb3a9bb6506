// SPDX-License-Identifier: Apache-2.0

// Stands in front of glibc's allocator and counts blocks by size while it is asked to. Swift itself
// cannot do this: the allocator is called before any Swift code has run.

#include "CHeapCensus.h"

#if defined(__linux__) && defined(__GLIBC__)

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_bool counting;
// One class for each multiple of eight, and class 0 for what is larger.
static _Atomic int64_t blocks[HEAP_CENSUS_LARGEST / 8 + 1];

static void note(void *block, int64_t change) {
  if (block == NULL || !atomic_load_explicit(&counting, memory_order_relaxed)) return;
  size_t size = malloc_usable_size(block);
  size_t class = size > HEAP_CENSUS_LARGEST ? 0 : (size + 7) / 8;
  atomic_fetch_add_explicit(&blocks[class], change, memory_order_relaxed);
}

static void *noted(void *block) {
  note(block, 1);
  return block;
}

void *malloc(size_t size) { return noted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return noted(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return noted(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

void free(void *block) {
  note(block, -1);
  __libc_free(block);
}

void *realloc(void *block, size_t size) {
  note(block, -1);
  void *moved = __libc_realloc(block, size);
  if (moved != NULL) return noted(moved);
  if (size != 0) note(block, 1);
  return NULL;
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

bool heap_census_is_supported(void) { return true; }

void heap_census_begin(void) {
  for (size_t class = 0; class <= HEAP_CENSUS_LARGEST / 8; class++) atomic_store(&blocks[class], 0);
  atomic_store(&counting, true);
}

void heap_census_end(void) { atomic_store(&counting, false); }

int64_t heap_census_blocks(uint32_t size) {
  return size > HEAP_CENSUS_LARGEST ? 0 : atomic_load(&blocks[(size + 7) / 8]);
}

int64_t heap_bytes_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return (int64_t)info.uordblks + (int64_t)info.hblkhd;
}

#else

bool heap_census_is_supported(void) { return false; }
void heap_census_begin(void) {}
void heap_census_end(void) {}
int64_t heap_census_blocks(uint32_t size) { (void)size; return 0; }
int64_t heap_bytes_in_use(void) { return -1; }

#endif
