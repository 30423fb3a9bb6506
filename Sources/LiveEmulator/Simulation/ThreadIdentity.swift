// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Tells threads apart: never zero, and unique among threads that live at the same time.
///
/// The standard library has no name for a thread, and an executor that answers "am I running on
/// you?" for a caller on a foreign thread needs one.
@inline(__always)
func currentThreadIdentity() -> UInt {
  #if canImport(Darwin)
  UInt(bitPattern: pthread_self())
  #else
  UInt(pthread_self())
  #endif
}
