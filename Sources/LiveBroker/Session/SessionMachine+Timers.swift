// SPDX-License-Identifier: Apache-2.0

/// What is due. One timer serves all deadlines of a session; it may come early, never needlessly late.
extension SessionMachine {
  /// Does whatever the time asks for.
  package mutating func timerFired(_ context: Context) -> [Action] {
    if context.now >= endOfLife(context.limits), canBeClosed {
      return closeRequested(.lifeLimitReached, context)
    }
    switch state {
    case .idle, .ended: return []
    case .waiting(let until, let interruption):
      return waitingTimer(until, interruption, context)
    case .connecting(let attempt, let interruption):
      return connectingTimer(attempt, interruption, context)
    case .live(let live), .rotating(let live, _), .draining(let live, _, _):
      return liveTimer(live, context)
    case .closing(let generation, let by, let end):
      return context.now >= by ? [.abort(generation: generation)] + finish(end) : []
    }
  }

  private func endOfOutage(_ interruption: Interruption) -> SessionEnd {
    needsPlace ? .noPlace : .outOfAttempts(interruption.cause)
  }

  private mutating func waitingTimer(
    _ until: EngineInstant, _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    let outageEnds = interruption.since.advanced(byNanoseconds: context.limits.outage)
    if context.now >= outageEnds { return finish(endOfOutage(interruption)) }
    return context.now >= until ? connect(interruption, context) : []
  }

  private mutating func connectingTimer(
    _ attempt: Attempt, _ interruption: Interruption, _ context: Context
  ) -> [Action] {
    let outageEnds = interruption.since.advanced(byNanoseconds: context.limits.outage)
    if context.now >= outageEnds {
      return [.abort(generation: attempt.generation)]
        + finish(endOfOutage(interruption))
    }
    if let old = attempt.closing, context.now >= old.by {
      return [.abort(generation: old.generation)] + oldConnectionGone(context)
    }
    return context.now >= attempt.deadline ? attemptFailed(.retry, context) : []
  }

  private mutating func liveTimer(_ live: Live, _ context: Context) -> [Action] {
    let now = context.now
    if now >= silentSince(live, context.limits) {
      return [.abort(generation: live.generation)]
        + (endDraining(live) ?? interrupted(live, .silence, .retry, context))
    }
    if now >= live.answerDueAt {
      if let ending = endDraining(live) { return [.abort(generation: live.generation)] + ending }
      handle = HandleFacts()
      return [.abort(generation: live.generation), .dropHandle]
        + interrupted(live, .noAnswer, .retryAtOnce, context)
    }
    if now >= activeAt.advanced(byNanoseconds: context.limits.idle) {
      return closeRequested(.idleTimeout, context)
    }
    if let attempt, case .rotating = state, now >= attempt.deadline {
      return attemptFailed(.retry, context)
    }
    return expireCalls(context) + pingIfDue(context) + considerRotation(context)
  }

  /// A session that is ending anyway does not look for another connection; nil if it is not.
  private mutating func endDraining(_ live: Live) -> [Action]? {
    guard case .draining(_, _, let end) = state else { return nil }
    return endTurn(of: live) + finish(end)
  }

  private mutating func expireCalls(_ context: Context) -> [Action] {
    let expired = openCalls.filter { $0.due <= context.now }
    guard !expired.isEmpty else { return [] }
    openCalls.removeAll { $0.due <= context.now }
    return [.expireCalls(expired)]
  }

  mutating func pingIfDue(_ context: Context) -> [Action] {
    var due: UInt32?
    guard let nextPing = live.map({ nextPing($0, context.limits) }) else { return [] }
    _ = updateLive { live in
      guard context.now >= nextPing else { return false }
      live.pingedAt = context.now
      live.owesPing = false
      due = live.generation
      return true
    }
    return due.map { [.ping(generation: $0)] } ?? []
  }
}
