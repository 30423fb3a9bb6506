// SPDX-License-Identifier: Apache-2.0

/// How many times a session may try again before it gives up.
public struct RetryLimits: Sendable, Hashable {
  /// Retries within one outage, that is since the session was last stable. Default 20, which with
  /// the default ``Backoff`` lasts about four minutes on average.
  public var perOutage: Int = 20
  /// Retries in the whole life of a session, whatever lay between them. Default 1,000.
  public var perLife: Int = 1_000
  /// How long a connection must have lived before it ends an outage. A service that accepts and
  /// hangs up at once is still failing. Default 30 s.
  public var stableAfter: Duration = .seconds(30)

  /// The documented defaults.
  public init() {}
}

/// What a session has spent of its ``RetryLimits``.
///
/// Connecting restores nothing: only a connection that *ended* after a stable time does, judged by
/// the instant at which its end was detected.
package struct RetryBudget: Sendable, Hashable {
  /// Retries since the session was last stable.
  package private(set) var spentInOutage: UInt32 = 0
  /// Retries since the session began.
  package private(set) var spentInLife: UInt32 = 0
  private var liveSince = EngineInstant.never

  package init() {}

  /// Takes one retry out of the budget.
  ///
  /// - Returns: its number within the outage, from 1 on, for ``Backoff/delay(retry:draw:)``; `nil`
  ///   if the budget is spent, which then stays as it is.
  package mutating func spend(within limits: RetryLimits) -> Int? {
    guard spentInOutage < limits.perOutage, spentInLife < limits.perLife else { return nil }
    spentInOutage += 1
    spentInLife += 1
    return Int(spentInOutage)
  }

  /// Gives the last retry back, for a failure that was nobody's fault (a spent token, a standby
  /// that the service closed).
  package mutating func refund() {
    guard spentInOutage > 0 else { return }
    spentInOutage -= 1
    spentInLife -= 1
  }

  /// The session has become live.
  package mutating func connected(at now: EngineInstant) { liveSince = now }

  /// The session's connection was found to have ended.
  package mutating func disconnected(at now: EngineInstant, within limits: RetryLimits) {
    if isStable(at: now, within: limits) { spentInOutage = 0 }
    liveSince = .never
  }

  /// Whether the present connection has lived long enough to end an outage.
  package func isStable(at now: EngineInstant, within limits: RetryLimits) -> Bool {
    liveSince != .never && liveSince.advanced(by: limits.stableAfter) <= now
  }
}
