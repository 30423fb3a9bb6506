// SPDX-License-Identifier: Apache-2.0

/// An upper bound of the time a message and its answer need, from the pongs seen lately.
///
/// It tells how old the knowledge in a handle update may be, so it errs on the long side: the
/// longest of the last four samples. But pongs of 8 to 30 seconds have been seen on healthy
/// connections; a bound that long would make every handle cover nothing, so it is cut at a limit.
///
/// Twelve bytes, since each session has one: samples are kept in steps of 32 microseconds, rounded up.
package struct RoundTrip: Hashable, Sendable {
  /// Newest first; zero is an empty place.
  private var samples: (UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0)
  private var setup: UInt16 = 0
  /// The bound on the connection before, if the delay was steady there; zero otherwise.
  private var earlier: UInt16 = 0

  private static let step: Int64 = 32_000
  /// How often the delay is measured while something is sent: often enough that a service which
  /// falls behind is seen to, and seldom beside fifty frames of speech a second.
  package static let interval = Duration.milliseconds(200)
  /// The longest bound that is ever given.
  package static let limit = Duration.seconds(2)

  package init() {}

  /// A ping was answered after `roundTrip`.
  package mutating func pongReceived(after roundTrip: Duration) {
    samples = (Self.steps(roundTrip), samples.0, samples.1, samples.2)
  }

  /// The setup was answered after `roundTrip`. It includes the service's own work, so it is used
  /// only until the first pong.
  package mutating func setupAnswered(after roundTrip: Duration) {
    setup = Self.steps(roundTrip)
  }

  /// A new connection may take another way: what was measured on the old one no longer counts.
  package mutating func connectionReplaced() {
    let longest = max(samples.0, samples.1, samples.2, samples.3)
    let earlier = isSteady ? longest : 0
    self = RoundTrip()
    self.earlier = earlier
  }

  /// The bound; the limit itself while nothing has been measured.
  package var upperBound: Duration {
    let longest = max(samples.0, samples.1, samples.2, samples.3)
    let measured = longest > 0 ? longest : setup
    return measured > 0 ? min(.nanoseconds(Int64(measured) * Self.step), Self.limit) : Self.limit
  }

  /// Whether the delay does not change at all, so that the bound holds now too. A few samples say so
  /// only if they are as those of the connection before.
  package var isSteady: Bool {
    let taken = [samples.0, samples.1, samples.2, samples.3, isFilled ? 0 : earlier]
      .filter { $0 > 0 }
    guard isFilled || earlier > 0, let longest = taken.max() else { return false }
    return taken.allSatisfy { $0 == longest }
  }

  /// Whether there are as many samples as are kept.
  package var isFilled: Bool { samples.3 > 0 }

  /// Rounded up, so that the bound stays one; at least one, since zero means "no sample".
  private static func steps(_ duration: Duration) -> UInt16 {
    let nanoseconds = max(1, duration.nanoseconds)
    return UInt16(clamping: (nanoseconds - 1) / step + 1)
  }

  package static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.samples == rhs.samples && lhs.setup == rhs.setup && lhs.earlier == rhs.earlier
  }

  package func hash(into hasher: inout Hasher) {
    for sample in [samples.0, samples.1, samples.2, samples.3, setup, earlier] {
      hasher.combine(sample)
    }
  }
}
