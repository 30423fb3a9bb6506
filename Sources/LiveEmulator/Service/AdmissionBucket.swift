// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// A token bucket for upgrades: so many per second, with a burst of ten milliseconds' worth.
///
/// Kept in billionths of an upgrade and in integers, so that it neither drifts nor differs between
/// platforms.
struct AdmissionBucket: Sendable {
  private static let one: Int64 = 1_000_000_000
  private let perSecond: Int64
  private let capacity: Int64
  private var credit: Int64
  private var refilled: Int64

  init(perSecond: Int, burst: Duration, at now: EngineInstant) {
    self.perSecond = Int64(min(max(perSecond, 0), 1_000_000))
    let window = min(max(burst.nanoseconds, 0), Self.one)
    capacity = max(Self.one, self.perSecond * window)
    credit = capacity
    refilled = now.nanoseconds
  }

  /// Whether one more upgrade is let in now.
  mutating func admits(at now: EngineInstant) -> Bool {
    let elapsed = min(max(now.nanoseconds &- refilled, 0), Self.one)
    refilled = max(refilled, now.nanoseconds)
    credit = min(capacity, credit + elapsed * perSecond)
    guard credit >= Self.one else { return false }
    credit -= Self.one
    return true
  }
}
