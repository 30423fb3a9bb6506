// SPDX-License-Identifier: Apache-2.0

/// A session's configured spans as nanoseconds, computed once and shared by all sessions of one
/// configuration. `Int64.max` stands for "no limit".
package final class SessionLimits: Sendable {
  package let setup: Int64
  package let close: Int64
  package let dial: Int64
  package let pingInterval: Int64
  package let proofInterval: Int64
  package let coverageMargin: Int64
  /// Whether pings follow what is sent: where no handle is asked for, there is nothing to cover.
  package let provesArrival: Bool
  package let silence: Int64
  package let answer: Int64
  package let outage: Int64
  package let stable: Int64
  package let idle: Int64
  package let longestLife: Int64
  package let coverageWait: Int64
  package let dialLead: Int64
  package let connectionAge: Int64
  package let unreadConnectionAge: Int64
  package let expectedConnectionLife: Int64
  package let goAwayMargin: Int64
  package let credentialMargin: Int64
  package let callTime: Int64
  package let spread: Double
  package let backoffBase: Int64
  package let backoffCap: Int64
  package let maximumAttempts: UInt16
  package let maximumFirstAttempts: UInt16
  package let handover: HandoverPolicy

  package init(_ configuration: SessionConfiguration) {
    let rotation = configuration.rotation
    let liveness = configuration.liveness
    let retry = configuration.retry
    setup = liveness.setupTimeout.nanoseconds
    close = liveness.closeTimeout.nanoseconds
    dial = liveness.dialTimeout.nanoseconds
    pingInterval = liveness.pingInterval.nanoseconds
    coverageMargin = max(0, configuration.coverage.margin.nanoseconds)
    let interval = max(0, configuration.coverage.proofInterval.nanoseconds, coverageMargin)
    proofInterval = min(interval, pingInterval)
    provesArrival = configuration.setup.sessionResumption != nil
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
