// SPDX-License-Identifier: Apache-2.0
#ifndef C_HEAP_CENSUS_H
#define C_HEAP_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

/// The largest block that has a class of its own; larger ones are counted together.
#define HEAP_CENSUS_LARGEST 2048

/// Whether this platform can count blocks (Linux with glibc).
bool heap_census_is_supported(void);

/// Begins to count; blocks that lived before are not in the count, and must not be freed meanwhile
/// for the count to be exact.
void heap_census_begin(void);

/// Stops counting. The figures stay.
void heap_census_end(void);

/// Live blocks of this usable size in bytes; 0 asks for all blocks beyond the largest class.
int64_t heap_census_blocks(uint32_t usable_size);

/// Bytes in use by the allocator's own account, its block headers included; -1 if unknown.
int64_t heap_bytes_in_use(void);

#endif
