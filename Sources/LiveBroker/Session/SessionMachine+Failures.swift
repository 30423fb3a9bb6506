// SPDX-License-Identifier: Apache-2.0

/// What happens when a connection or an attempt fails.
extension SessionMachine {
  /// A connection ended, by a close frame or without one. `verdict` is the classification of how;
  /// what it means for the handle the resumption machine has been told before.
  package mutating func connectionEnded(
    generation: UInt32, _ cause: InterruptionCause, _ verdict: FailureVerdict, _ context: Context
  ) -> [Action] {
    switch state {
    case .closing(generation, _, let end):
      return finish(end)
    case .connecting(let attempt, _) where attempt.closing?.generation == generation:
      return oldConnectionGone(context)
    case .connecting(let attempt, _) where attempt.generation == generation:
      return attemptFailed(attempt.isOptimistic ? verdict.forgivingEarlySetup : verdict, context)
    case .rotating(let live, let attempt) where attempt.generation == generation:
      return standbyFailed(live, context)
    case .live(let live) where live.generation == generation,
      .rotating(let live, _) where live.generation == generation:
      return interrupted(live, cause, verdict, context)
    case .draining(let live, _, let end) where live.generation == generation:
      return endTurn(of: live) + finish(end)
    default:
      return []
    }
  }

  /// The close of the replaced connection is answered, or will never be.
  mutating func oldConnectionGone(_ context: Context) -> [Action] {
    guard case .connecting(var attempt, let interruption) = state, let old = attempt.closing else {
      return []
    }
    attempt.closing = nil
    state = .connecting(attempt, interruption)
    return endTurn(of: old) + (attempt.phase == .ready ? sendSetup(context) : [])
  }

  /// More came on the connection that is closing than the application has room for. Not to read it
  /// would leave its close unread too, so it is given up: memory is bounded.
  package mutating func closingOverflowed(_ context: Context) -> [Action] {
    guard let old = attempt?.closing else { return [] }
    return [.abort(generation: old.generation)] + oldConnectionGone(context)
  }

  /// A live connection was lost.
  mutating func interrupted(
    _ live: Live, _ cause: InterruptionCause, _ verdict: FailureVerdict, _ context: Context
  ) -> [Action] {
    let prepared = attempt
    if live.since.advanced(byNanoseconds: context.limits.stable) <= context.now { attempts = 0 }
    var interruption = Interruption(cause: cause, since: context.now)
    state = .waiting(until: context.now, interruption)
    let losses = endTurn(of: live) + loseCalls()
    // A standby was dialled to resume: its token need not begin a session any more.
    if let prepared, verdict.allowsStandby, handle.isKnown {
      interruption.dials = prepared.phase == .dialing || prepared.phase == .ready ? 1 : 0
      interruption.wasRenewed = prepared.renews
      state = .connecting(prepared, interruption)
      return losses + (prepared.phase == .ready ? sendSetup(context) : [])
    }
    let cleanUp: [Action] =
      prepared.map { [.cancelRequests, .abort(generation: $0.generation)] } ?? []
    return losses + cleanUp + recover(verdict, interruption, context)
  }

  /// A standby was refused or closed while the old connection serves on: nobody is charged.
  private mutating func standbyFailed(_ live: Live, _ context: Context) -> [Action] {
    var live = live
    let pause = context.limits.backoffBase &+ context.jitter(upTo: context.limits.backoffBase &* 3)
    live.rotation.from = min(context.now.advanced(byNanoseconds: pause), live.rotation.by)
    state = .live(live)
    return []
  }

  /// An attempt failed, whatever its phase.
  mutating func attemptFailed(_ verdict: FailureVerdict, _ context: Context) -> [Action] {
    switch state {
    case .rotating(let live, let attempt):
      let spent: [Action] = verdict == .newCredential ? [.spendCredential] : []
      if verdict == .newCredential { credentialExpiresAt = .zero }
      return [.abort(generation: attempt.generation)] + spent + standbyFailed(live, context)
    case .connecting(let attempt, let interruption):
      let cleanUp: [Action] = [.abort(generation: attempt.generation)]
      if let old = attempt.closing { return cleanUp + redial(behind: old, interruption, context) }
      return cleanUp + recover(verdict, interruption, context)
    case .idle, .waiting, .live, .draining, .closing, .ended:
      return []
    }
  }

  /// A standby failed while the old connection is still closing: dial again, at nobody's charge.
  private mutating func redial(
    behind old: ClosingConnection, _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    let actions = connect(interruption, context)
    guard case .connecting(var attempt, let interruption) = state else { return actions }
    attempt.closing = old
    state = .connecting(attempt, interruption)
    return actions
  }

  /// Decides what follows a failure that left the session without a connection.
  private mutating func recover(
    _ verdict: FailureVerdict, _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    switch verdict {
    case .stop(let end):
      return finish(end)
    case .retryAtOnce:
      return connect(interruption, context)
    case .newCredential:
      credentialExpiresAt = .zero
      return [.spendCredential] + waitOrGiveUp(interruption, longBackoff: false, context)
    case .retry, .retryWithoutReplay, .handleRefused, .dropHandle:
      return waitOrGiveUp(interruption, longBackoff: false, context)
    case .retryUncharged:
      return waitUncharged(interruption, context)
    case .retryMuchLater:
      return waitOrGiveUp(interruption, longBackoff: true, context)
    case .quotaExceeded where wasEverLive:
      return waitOrGiveUp(interruption, longBackoff: true, context)
    case .quotaExceeded:
      needsPlace = true
      // Admission has been told, and keeps it waiting.
      return charge(.noPlace, context) ?? connect(interruption, context)
    }
  }

  private mutating func waitOrGiveUp(
    _ interruption: Interruption, longBackoff: Bool, _ context: Context
  ) -> [Action] {
    let limits = context.limits
    if let end = charge(.outOfAttempts(interruption.cause), context) { return end }
    let ceiling = longBackoff ? limits.backoffCap : delayCeiling(after: attempts, limits)
    return wait(upTo: ceiling, interruption, context)
  }

  /// Counts an attempt; nil if another may follow.
  private mutating func charge(_ end: SessionEnd, _ context: Context) -> [Action]? {
    let limits = context.limits
    attempts = attempts == .max ? .max : attempts + 1
    let allowed = wasEverLive ? limits.maximumAttempts : limits.maximumFirstAttempts
    return attempts <= allowed ? nil : finish(end)
  }

  /// Nobody is to blame, and trying at once would not help: the delays grow, the budget does not
  /// shrink, and the end of the outage is the limit.
  private mutating func waitUncharged(
    _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    wait(upTo: delayCeiling(after: interruption.dials, context.limits), interruption, context)
  }

  private mutating func wait(
    upTo ceiling: Int64, _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    let until = context.now.advanced(byNanoseconds: context.jitter(upTo: ceiling))
    state = .waiting(until: until, interruption)
    return []
  }

  /// Upper bound of the next delay: doubles from the first one to the cap; the delay itself is
  /// drawn evenly below it, for the first retry too.
  private func delayCeiling(after failures: UInt16, _ limits: SessionLimits) -> Int64 {
    let doublings = min(Int64(max(failures, 1)) - 1, 30)
    let (scaled, overflow) = limits.backoffBase.multipliedReportingOverflow(by: 1 << doublings)
    return overflow ? limits.backoffCap : min(scaled, limits.backoffCap)
  }

  func endTurn(of live: Live) -> [Action] { live.isGenerating ? [.endTurn] : [] }

  func endTurn(of old: ClosingConnection) -> [Action] { old.isGenerating ? [.endTurn] : [] }

  mutating func loseCalls() -> [Action] {
    guard !openCalls.isEmpty else { return [] }
    defer { openCalls = [] }
    return [.loseCalls(openCalls)]
  }

  mutating func finish(_ end: SessionEnd) -> [Action] {
    guard !hasEnded else { return [] }
    let cut = attempt?.closing.map(endTurn(of:)) ?? []
    let lost = cut + loseCalls()
    state = .ended(end)
    return lost + [.cancelRequests, .end(end)]
  }
}
