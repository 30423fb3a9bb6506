// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The clocks of this host: the monotonic one for deadlines, the calendar for skew.
public struct SystemClock: EngineClock {
  /// Makes the clock; all values of it are the same clock.
  public init() {}

  /// Nanoseconds of `CLOCK_MONOTONIC`. On Linux it stands still while the host is suspended.
  public var now: EngineInstant { EngineInstant(nanoseconds: Self.read(CLOCK_MONOTONIC)) }

  /// The calendar time of this host, as `CLOCK_REALTIME` has it.
  public var wallTime: WallTime { WallTime(nanosecondsSinceEpoch: Self.read(CLOCK_REALTIME)) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
