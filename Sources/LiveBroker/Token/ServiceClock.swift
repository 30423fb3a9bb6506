// SPDX-License-Identifier: Apache-2.0

/// The service's calendar time, learnt from the `Date` of its answers.
///
/// It is tied to the engine's monotonic clock, never to this host's calendar: a step of the host's
/// clock changes nothing. What is known is a range. `Date` has whole seconds, and was written at
/// some moment between the request's leaving and the answer's arrival.
struct ServiceClock: Hashable, Sendable {
  /// Nanoseconds to add to an instant: the service's time is at least the first, at most the second.
  private var offset: ClosedRange<Int64>?

  var isKnown: Bool { offset != nil }

  mutating func learn(_ date: WallTime, sentAt: EngineInstant, receivedAt: EngineInstant) {
    let low = Self.sum(date.nanosecondsSinceEpoch, -receivedAt.nanoseconds)
    let high = Self.sum(Self.sum(date.nanosecondsSinceEpoch, 1_000_000_000), -sentAt.nanoseconds)
    guard low <= high else { return }
    guard let known = offset, known.overlaps(low...high) else {
      // The first answer, or the service's clock was set: the newest word counts.
      offset = low...high
      return
    }
    offset = known.clamped(to: low...high)
  }

  mutating func forget() { offset = nil }

  /// The earliest that the service's clock may show at `instant`.
  func earliest(at instant: EngineInstant) -> WallTime? {
    offset.map { WallTime(nanosecondsSinceEpoch: Self.sum(instant.nanoseconds, $0.lowerBound)) }
  }

  /// The latest that the service's clock may show at `instant`.
  func latest(at instant: EngineInstant) -> WallTime? {
    offset.map { WallTime(nanosecondsSinceEpoch: Self.sum(instant.nanoseconds, $0.upperBound)) }
  }

  /// Saturates: the date came from outside.
  private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? .min : .max) : sum
  }
}
