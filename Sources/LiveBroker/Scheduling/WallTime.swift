// SPDX-License-Identifier: Apache-2.0

/// A calendar time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// The engine uses it only to learn how far the service's clock is from ours and to spell expiry
/// times in requests; nothing waits for a wall-clock time.
public struct WallTime: Hashable, Comparable, Sendable {
  /// Nanoseconds since the Unix epoch; may be negative.
  public var nanosecondsSinceEpoch: Int64

  /// Makes a time from nanoseconds since the Unix epoch.
  public init(nanosecondsSinceEpoch: Int64) {
    self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
  }

  /// Whether the first is earlier.
  public static func < (lhs: Self, rhs: Self) -> Bool {
    lhs.nanosecondsSinceEpoch < rhs.nanosecondsSinceEpoch
  }

  /// This time moved by `duration`; saturates instead of overflowing.
  public func advanced(by duration: Duration) -> Self {
    let (sum, overflow) = nanosecondsSinceEpoch.addingReportingOverflow(duration.nanoseconds)
    return WallTime(nanosecondsSinceEpoch: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  /// The time from this one to `other`, negative if `other` is earlier.
  public func duration(to other: Self) -> Duration {
    .nanoseconds(other.nanosecondsSinceEpoch) - .nanoseconds(nanosecondsSinceEpoch)
  }
}
