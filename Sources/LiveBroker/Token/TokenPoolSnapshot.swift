// SPDX-License-Identifier: Apache-2.0

/// What a pool is doing and has done, at one moment.
public struct TokenPoolSnapshot: Sendable, Hashable {
  /// Mints that gave a token.
  public var minted = 0
  /// Mints that failed, time-outs included; those given up because the key was replaced are not.
  public var failures = 0
  /// Mints that were abandoned at their time-out; part of ``failures``.
  public var timeouts = 0
  /// Tokens that came after their mint had been abandoned; part of ``minted``.
  public var late = 0
  /// Requests that were given a token.
  public var served = 0
  /// Of those, the ones that were for a resume.
  public var servedResumes = 0
  /// Requests that ended with an error.
  public var refused = 0
  /// Requests that had to wait for a mint before they were served.
  public var waited = 0
  /// Tokens whose window closed before anybody used them.
  public var expiredUnused = 0
  /// Ready tokens thrown away because the key was replaced or the service refused them.
  public var discarded = 0
  /// Most mints under way at once, ever.
  public var peakConcurrentMints = 0
  /// Requests that wait now.
  public var waiting = 0
  /// Tokens ready now.
  public var ready = 0
  /// Mints under way now.
  public var minting = 0
  /// Requests per second of late, weighted by age.
  public var demandPerSecond = 0.0
  /// Whether requests name their times, which needs knowledge of the service's clock.
  public var asksForTimes = false

  /// All zero.
  public init() {}
}
