// SPDX-License-Identifier: Apache-2.0

/// How long to wait before trying again: exponential, capped, with full jitter.
///
/// Full jitter means that a delay is drawn evenly between nothing and the present ceiling, also
/// before the *first* retry: sessions that lost the service together must not come back together.
public struct Backoff: Sendable, Hashable {
  /// Ceiling of the first retry. Default 250 ms.
  public var base: Duration = .milliseconds(250)
  /// By what the ceiling grows with every further retry; at least 1. Default 2.
  public var factor: Double = 2
  /// The ceiling never passes this. Default 30 s.
  public var cap: Duration = .seconds(30)

  /// The documented defaults.
  public init() {}

  /// Makes a back-off from its parts.
  public init(base: Duration, factor: Double = 2, cap: Duration) {
    self.base = base
    self.factor = factor
    self.cap = cap
  }

  /// The longest possible delay before a retry, the first of which has number 1.
  public func ceiling(retry: Int) -> Duration {
    let limit = max(0, cap.nanoseconds)
    // Squaring instead of `pow`: the same bits on every platform.
    var (power, square, exponent) = (1.0, max(1, factor), max(0, retry - 1))
    while exponent > 0 {
      if exponent & 1 == 1 { power *= square }
      square *= square
      exponent >>= 1
    }
    let ceiling = Double(max(0, base.nanoseconds)) * power
    return .nanoseconds(ceiling < Double(limit) ? Int64(ceiling) : limit)
  }

  /// The delay before a retry: even between zero and ``ceiling(retry:)``. The same draw gives the
  /// same delay.
  ///
  /// - Parameters:
  ///   - retry: Number of the retry; the first is 1.
  ///   - draw: 64 random bits.
  public func delay(retry: Int, draw: UInt64) -> Duration {
    let bound = UInt64(ceiling(retry: retry).nanoseconds)
    return .nanoseconds(Int64(bound.multipliedFullWidth(by: draw).high))
  }

  /// A delay of which half is certain, so that attempts are never close together; the other half
  /// keeps hosts apart.
  func halfCertainDelay(retry: Int, draw: UInt64) -> Duration {
    (ceiling(retry: retry) + delay(retry: retry, draw: draw)) / 2
  }
}
