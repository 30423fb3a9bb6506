// SPDX-License-Identifier: Apache-2.0

/// How long before a deadline of a token the broker stops relying on it.
///
/// Each margin is capped at a fifth of the span it belongs to, so that a token with a window of ten
/// seconds is still of use: 5 s of margin shrink to 2 s there.
public struct TokenMargins: Sendable, Hashable {
  /// Time a dial and its setup may take: a new session is not begun with less of the window left.
  /// Default 5 s.
  public var start: Duration = .seconds(5)

  /// Time a dial and its setup may take: a session is not resumed with less of the token's life
  /// left. Default 5 s.
  public var resume: Duration = .seconds(5)

  /// How long before the token's expiry its session must have moved to another token. It contains
  /// the wait for a quiet moment, so it is longer than the dial alone. Default 60 s.
  public var renewal: Duration = .seconds(60)

  /// The documented defaults.
  public init() {}

  /// `margin` in nanoseconds: not negative, and at most a fifth of `span`.
  static func capped(_ margin: Duration, of span: Int64) -> Int64 {
    max(0, min(margin.nanoseconds, span / 5))
  }
}
