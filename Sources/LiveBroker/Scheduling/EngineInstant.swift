// SPDX-License-Identifier: Apache-2.0

/// A point on the engine's monotonic clock, in whole nanoseconds.
///
/// Every deadline of the engine is one of these. It has no relation to the calendar: wall-clock
/// times (``WallTime``) are converted once, at the edge, and never compared with it.
public struct EngineInstant: InstantProtocol, Hashable, Sendable {
  /// Nanoseconds since the clock's own beginning.
  public var nanoseconds: Int64

  /// Makes an instant from nanoseconds since the clock's beginning.
  @inlinable
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The beginning of the clock.
  public static let zero = EngineInstant(nanoseconds: 0)

  /// Later than any instant that a clock reaches; stands for "no deadline".
  public static let never = EngineInstant(nanoseconds: .max)

  /// Whether the first is earlier.
  @inlinable
  public static func < (lhs: Self, rhs: Self) -> Bool { lhs.nanoseconds < rhs.nanoseconds }

  /// This instant moved by `duration`; saturates instead of overflowing.
  @inlinable
  public func advanced(by duration: Duration) -> Self {
    advanced(byNanoseconds: duration.nanoseconds)
  }

  /// The time from this instant to `other`, negative if `other` lies before it.
  @inlinable
  public func duration(to other: Self) -> Duration {
    .nanoseconds(other.nanoseconds &- nanoseconds)
  }

  /// This instant moved by a number of nanoseconds; saturates, and ``never`` stays ``never``.
  @inlinable
  package func advanced(byNanoseconds delta: Int64) -> Self {
    guard nanoseconds != .max else { return self }
    let (sum, overflow) = nanoseconds.addingReportingOverflow(delta)
    return EngineInstant(nanoseconds: overflow ? (delta > 0 ? .max : .min) : sum)
  }
}

extension Duration {
  /// This duration in whole nanoseconds, rounded towards zero and saturated at the limits of `Int64`.
  @inlinable
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds > 0 ? .max : .min }
    let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    guard !carry else { return seconds > 0 ? .max : .min }
    return sum
  }
}
