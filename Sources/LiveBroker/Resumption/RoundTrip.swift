// SPDX-License-Identifier: Apache-2.0

/// An upper bound of the time a message and its answer need, from the pongs seen lately.
///
/// It tells how old the knowledge in a handle update may be, so it errs on the long side: the
/// longest of the last four samples. But pongs of 8 to 30 seconds have been seen on healthy
/// connections; a bound that long would make every handle cover nothing, so it is cut at a limit.
package struct RoundTrip: Hashable, Sendable {
  /// Microseconds, newest first; zero is an empty place.
  private var samples = SIMD4<UInt32>()
  private var setup: UInt32 = 0
  private let limit: UInt32

  /// - Parameter limit: the longest bound that is ever given. Default 2 s.
  package init(limit: Duration = .seconds(2)) { self.limit = Self.microseconds(limit) }

  /// A ping was answered after `roundTrip`.
  package mutating func pongReceived(after roundTrip: Duration) {
    samples = SIMD4(Self.microseconds(roundTrip), samples.x, samples.y, samples.z)
  }

  /// The setup was answered after `roundTrip`. It includes the service's own work, so it is used
  /// only until the first pong.
  package mutating func setupAnswered(after roundTrip: Duration) {
    setup = Self.microseconds(roundTrip)
  }

  /// A new connection may take another way: what was measured on the old one no longer counts.
  package mutating func connectionReplaced() {
    samples = SIMD4()
    setup = 0
  }

  /// The bound; the limit itself while nothing has been measured.
  package var upperBound: Duration {
    let longest = samples.max()
    let measured = longest > 0 ? longest : setup
    return .microseconds(Int64(measured > 0 ? min(measured, limit) : limit))
  }

  /// Rounded up, so that the bound stays one; at least one, since zero means "no sample".
  private static func microseconds(_ duration: Duration) -> UInt32 {
    let nanoseconds = max(1, duration.nanoseconds)
    return UInt32(clamping: (nanoseconds - 1) / 1_000 + 1)
  }
}
