// SPDX-License-Identifier: Apache-2.0

/// What tokens a pool asks for, how many it keeps ready, and how hard it tries.
///
/// Values out of range are brought into it where they are used: a limit below one counts as one, a
/// negative duration as zero.
public struct TokenPoolConfiguration: Sendable, Hashable {
  /// What the service gives if a request names no times: 60 s to begin sessions.
  public static let serviceWindow = Duration.seconds(60)
  /// What the service gives if a request names no times: 30 minutes of life.
  public static let serviceLifetime = Duration.seconds(30 * 60)

  /// Sessions that one token may begin; 0 means no limit. Default 1, so that a token that leaks
  /// opens at most one.
  public var uses = 1
  /// How long a token may begin sessions. Default 60 s, as the service's own; at most 20 h. Other
  /// spans are asked for once the service's clock is known; until then its defaults hold.
  public var newSessionWindow = serviceWindow
  /// How long a token is valid. Default 30 minutes, as the service's own; at most 20 h.
  public var lifetime = serviceLifetime
  /// What the tokens lock; nil locks nothing. One value for all tokens of a pool, so that a resume
  /// never meets other constraints than the session began with.
  public var constraints: TokenConstraints?
  /// How long before a deadline a token is no longer relied on.
  public var margins = TokenMargins()

  /// Mint requests under way at once, at most. Default 64: with 300 ms each that is 200 tokens a
  /// second, and small enough not to look like an attack.
  public var maximumConcurrentMints = 64
  /// How long one mint request may take before it is abandoned and counts as failed. Default 10 s.
  public var mintTimeout = Duration.seconds(10)
  /// Bound of the pause after the first failure; doubled with each failure that follows. The pause
  /// is drawn evenly from zero to the bound. Default 250 ms.
  public var firstBackOff = Duration.milliseconds(250)
  /// The bound's own limit, also for a pause that the service asks for. Default 30 s.
  public var longestBackOff = Duration.seconds(30)
  /// How long after a refusal (of the key or the request) everyone is refused without asking
  /// again. Default 60 s.
  public var refusalCoolDown = Duration.seconds(60)

  /// Tokens kept ready even if nobody asks. Default 0: an idle broker mints nothing.
  public var minimumReady = 0
  /// Tokens kept ready, at most, however large the demand. Default 64.
  public var maximumReady = 64
  /// Time in which the memory of past demand halves. Default 30 s.
  public var demandHalfLife = Duration.seconds(30)

  /// Requests that wait at once, at most; the next one is refused as overload. Default 250,000.
  public var maximumWaiting = 250_000

  /// The documented defaults.
  public init() {}

  /// Refuses what the service would refuse, and a lock under which no session could be resumed.
  func validate() throws(MintError) {
    let now = WallTime(nanosecondsSinceEpoch: 0)
    // Negative spans and uses are brought into range where they are used.
    let request = TokenRequest(
      uses: max(0, uses), expireTime: now.advanced(by: max(.seconds(1), lifetime)),
      newSessionExpireTime: now.advanced(by: max(.seconds(1), newSessionWindow)),
      constraints: constraints)
    try request.validate(at: now)
  }

  /// Sessions per token, as a number to calculate with.
  var usesPerToken: Int { uses > 0 ? uses : .max }
}
