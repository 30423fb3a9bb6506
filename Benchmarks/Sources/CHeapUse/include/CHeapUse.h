// SPDX-License-Identifier: Apache-2.0
#ifndef C_HEAP_USE_H
#define C_HEAP_USE_H

#include <stdint.h>

/// Bytes in use by the allocator's own account, its block headers included; -1 where there is none.
int64_t heap_bytes_in_use(void);

#endif
