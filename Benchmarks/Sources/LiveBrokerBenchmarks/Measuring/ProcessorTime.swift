// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Time that this process has spent on processors, all its threads together.
///
/// Not the time on the wall: what other processes do on the same cores does not count, and work that
/// ran on two cores counts twice, so figures are per core.
struct ProcessorTime {
  var nanoseconds: Int64

  static var now: ProcessorTime {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return ProcessorTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// Seconds since an earlier moment; never zero, so that one can divide by it.
  func seconds(since earlier: ProcessorTime) -> Double {
    Double(max(1, nanoseconds - earlier.nanoseconds)) / 1e9
  }
}
