// SPDX-License-Identifier: Apache-2.0

/// A session's configured spans as nanoseconds, computed once and shared by all sessions of one
/// configuration. `Int64.max` stands for "no limit".
package struct SessionLimits: Sendable, Equatable {
  package var setup: Int64
  package var close: Int64
  package var dial: Int64
  package var pingInterval: Int64
  package var silence: Int64
  package var answer: Int64
  package var outage: Int64
  package var stable: Int64
  package var idle: Int64
  package var longestLife: Int64
  package var coverageWait: Int64
  package var dialLead: Int64
  package var connectionAge: Int64
  package var unreadConnectionAge: Int64
  package var expectedConnectionLife: Int64
  package var goAwayMargin: Int64
  package var credentialMargin: Int64
  package var callTime: Int64
  package var spread: Double
  package var backoffBase: Int64
  package var backoffCap: Int64
  package var maximumAttempts: UInt16
  package var maximumFirstAttempts: UInt16
  package var handover: HandoverPolicy

  package init(_ configuration: SessionConfiguration) {
    let rotation = configuration.rotation
    let liveness = configuration.liveness
    let retry = configuration.retry
    setup = liveness.setupTimeout.nanoseconds
    close = liveness.closeTimeout.nanoseconds
    dial = liveness.dialTimeout.nanoseconds
    pingInterval = liveness.pingInterval.nanoseconds
    silence = liveness.silenceLimit.nanoseconds
    answer = liveness.answerLimit.nanoseconds
    outage = retry.outageLimit.nanoseconds
    stable = retry.stablePeriod.nanoseconds
    backoffBase = retry.firstDelay.nanoseconds
    backoffCap = retry.longestDelay.nanoseconds
    maximumAttempts = UInt16(clamping: retry.attemptsPerOutage)
    maximumFirstAttempts = UInt16(clamping: retry.attemptsToStart)
    idle = configuration.limits.idleTimeout?.nanoseconds ?? .max
    longestLife = configuration.limits.longestLife?.nanoseconds ?? .max
    coverageWait = rotation.coverageWait.nanoseconds
    dialLead = rotation.dialLead.nanoseconds
    connectionAge = rotation.connectionAgeLimit.nanoseconds
    unreadConnectionAge = rotation.unreadConnectionAgeLimit.nanoseconds
    expectedConnectionLife = rotation.expectedConnectionLife.nanoseconds
    goAwayMargin = rotation.goAwayMargin.nanoseconds
    credentialMargin = rotation.credentialMargin.nanoseconds
    spread = rotation.spread
    handover = rotation.handover
    callTime = configuration.toolCalls.timeLimit.nanoseconds
  }
}
