// SPDX-License-Identifier: Apache-2.0
//
// Tells the thread sanitizer of contended locks of Swift's `Synchronization.Mutex`.
//
// On Linux a `Mutex` is a word that the fast path changes atomically; that path is inlined into our
// code, so the sanitizer sees it. Once two threads meet, the standard library, which is not
// instrumented, hands the lock over through the kernel, unseen: whatever the lock protects is then
// reported as a race. This library, loaded before the standard library's, stands before its two
// functions for that case and says what they do. Nothing is suppressed by it.
//
//     clang -shared -fPIC -O1 -o tsan_mutex.so .ci/tsan_mutex.c
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

// `_MutexHandle._lockSlow(_: UInt32)` and `_MutexHandle._unlockSlow()`; `self` is where the word is.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

SWIFT void live_lock_slow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void live_unlock_slow(SELF) __asm__(UNLOCK);

SWIFT void live_lock_slow(uint32_t thread, SELF) {
  typedef SWIFT void (*Lock)(uint32_t, SELF);
  static _Atomic(Lock) known;
  Lock lock = known;
  if (!lock) known = lock = (Lock)dlsym(RTLD_NEXT, LOCK);
  lock(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT void live_unlock_slow(SELF) {
  typedef SWIFT void (*Unlock)(SELF);
  static _Atomic(Unlock) known;
  Unlock unlock = known;
  if (!unlock) known = unlock = (Unlock)dlsym(RTLD_NEXT, UNLOCK);
  if (__tsan_release) __tsan_release(self);
  unlock(self);
}
