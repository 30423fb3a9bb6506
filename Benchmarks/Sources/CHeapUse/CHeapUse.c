// SPDX-License-Identifier: Apache-2.0
#include "CHeapUse.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

int64_t heap_bytes_in_use(void) {
#if defined(__GLIBC__)
  struct mallinfo2 info = mallinfo2();
  return (int64_t)(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}
