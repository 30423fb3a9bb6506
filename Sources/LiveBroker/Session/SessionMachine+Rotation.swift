// SPDX-License-Identifier: Apache-2.0

/// The planned move from one connection to the next.
extension SessionMachine {
  /// When a connection that was just set up must be left if the service never says so: before its
  /// credential ends, and at the latest when it is older than a connection should be.
  func ownRotation(_ context: Context) -> Rotation {
    let limits = context.limits
    let age = context.now.advanced(byNanoseconds: limits.connectionAge)
    let rest = max(0, credentialExpiresAt.nanoseconds &- context.now.nanoseconds)
    let margin = min(limits.credentialMargin, rest / 5)
    let expiry = credentialExpiresAt.advanced(byNanoseconds: -margin)
    let by = min(age, expiry)
    guard by != .never else { return Rotation(from: .never, by: .never, cause: .connectionAge) }
    let window = min(limits.credentialMargin, max(0, by.nanoseconds &- context.now.nanoseconds) / 5)
    let early = window &+ context.jitter(upTo: Int64(Double(window) * limits.spread))
    return Rotation(
      from: by.advanced(byNanoseconds: -early), by: by,
      cause: expiry < age ? .credentialExpiry : .connectionAge)
  }

  /// Called after everything that may have made a moment quiet, a standby ready or a deadline pass.
  package mutating func considerRotation(_ context: Context) -> [Action] {
    switch state {
    case .live(let live): considerStandby(live, context)
    case .rotating(let live, let attempt): considerMove(live, attempt, context)
    case .draining(let live, let by, let end): considerEnd(live, by, end, context)
    case .idle, .connecting, .waiting, .closing, .ended: []
    }
  }

  /// A standby is dialled late: at the first quiet moment, or when time runs out.
  private mutating func considerStandby(_ live: Live, _ context: Context) -> [Action] {
    let now = context.now
    guard now >= live.rotation.from,
      isQuiet(live) || now >= prepareBy(live, context.limits)
    else { return [] }
    let attempt = newAttempt(reserve: expectedLife(context.limits), context)
    state = .rotating(live, attempt)
    let step = firstStep(of: attempt, context)
    return [step] + (now >= live.rotation.by ? considerMove(live, attempt, context) : [])
  }

  private mutating func considerMove(
    _ live: Live, _ attempt: Attempt, _ context: Context
  ) -> [Action] {
    let isLate = context.now >= live.rotation.by
    if isLate || (attempt.phase == .ready && isQuiet(live)) {
      return move(live, attempt, context)
    }
    guard context.now >= holdFrom(live, context.limits), !live.isHolding else { return [] }
    var live = live
    live.isHolding = true
    state = .rotating(live, attempt)
    return [.hold] + pingIfDue(context)
  }

  /// Gives up the old connection for the new one. The gap begins here.
  private mutating func move(
    _ live: Live, _ attempt: Attempt, _ context: Context
  ) -> [Action] {
    if live.since.advanced(byNanoseconds: context.limits.stable) <= context.now { attempts = 0 }
    var attempt = attempt
    attempt.closing = ClosingConnection(
      generation: live.generation, by: context.now.advanced(byNanoseconds: context.limits.close),
      isGenerating: live.isGenerating)
    let interruption = Interruption(
      cause: .planned(live.rotation.cause), since: context.now,
      dials: attempt.phase == .dialing || attempt.phase == .ready ? 1 : 0,
      wasRenewed: attempt.renews)
    state = .connecting(attempt, interruption)
    var actions = loseCalls()
    if !live.isHolding { actions.append(.hold) }
    actions.append(.close(generation: live.generation))
    guard context.limits.handover == .optimistic, attempt.phase == .ready else { return actions }
    return actions + sendSetup(context)
  }

  private mutating func considerEnd(
    _ live: Live, _ by: EngineInstant, _ end: SessionEnd, _ context: Context
  ) -> [Action] {
    guard context.now >= by || (!live.isGenerating && openCalls.isEmpty) else { return [] }
    return close(live.generation, end, context)
  }

  /// The application or a limit ends the session now.
  package mutating func closeRequested(_ end: SessionEnd, _ context: Context) -> [Action] {
    switch state {
    case .ended, .closing:
      return []
    case .live(let live), .draining(let live, _, _):
      return endTurn(of: live) + close(live.generation, end, context)
    case .rotating(let live, let attempt):
      let cleanUp: [Action] = [.cancelRequests, .abort(generation: attempt.generation)]
      return cleanUp + endTurn(of: live) + close(live.generation, end, context)
    case .connecting(let attempt, _):
      let old = attempt.closing.map { [Action.abort(generation: $0.generation)] } ?? []
      return old + [.abort(generation: attempt.generation)] + finish(end)
    case .idle, .waiting:
      return finish(end)
    }
  }

  /// The broker is going down: end at the first quiet moment, at the latest at `by`.
  package mutating func drainRequested(
    by: EngineInstant, _ end: SessionEnd, _ context: Context
  ) -> [Action] {
    switch state {
    case .live(let live):
      state = .draining(live, by: by, end)
      return considerRotation(context)
    case .rotating(let live, let attempt):
      state = .draining(live, by: by, end)
      return [.cancelRequests, .abort(generation: attempt.generation)] + considerRotation(context)
    case .idle, .connecting, .waiting, .draining, .closing, .ended:
      return closeRequested(end, context)
    }
  }

  private mutating func close(
    _ generation: UInt32, _ end: SessionEnd, _ context: Context
  ) -> [Action] {
    let by = context.now.advanced(byNanoseconds: context.limits.close)
    let lost = loseCalls()
    state = .closing(generation: generation, by: by, end)
    return lost + [.close(generation: generation)]
  }
}
