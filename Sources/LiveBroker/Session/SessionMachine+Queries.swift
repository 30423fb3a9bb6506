// SPDX-License-Identifier: Apache-2.0

extension SessionMachine {
  /// What the state is called in public.
  package var phase: SessionPhase {
    switch state {
    case .idle: .idle
    case .connecting(let attempt, _):
      switch attempt.phase {
      case .credential: .acquiringCredential
      case .admission, .dialing: .dialing
      case .ready, .settingUp: .settingUp
      }
    case .waiting: .waiting
    case .live: .live
    case .rotating: .rotating
    case .draining, .closing: .draining
    case .ended(let end): end.isFailure ? .failed : .closed
    }
  }

  /// The change of phase since the last review, if there was one, and the next deadline.
  ///
  /// Mutating, so that the actor need not copy the machine to ask it.
  package mutating func review(
    _ limits: SessionLimits
  ) -> (change: (from: SessionPhase, to: SessionPhase)?, deadline: EngineInstant) {
    let now = phase
    let deadline = nextDeadline(limits)
    guard now != reviewedPhase else { return (nil, deadline) }
    defer { reviewedPhase = now }
    return ((reviewedPhase, now), deadline)
  }

  /// The connection with a completed setup, if there is one.
  package var live: Live? {
    switch state {
    case .live(let live), .rotating(let live, _), .draining(let live, _, _): live
    case .idle, .connecting, .waiting, .closing, .ended: nil
    }
  }

  /// Whether the application waits for the end of a turn.
  var isTurnRunning: Bool {
    live?.isGenerating == true || attempt?.closing?.isGenerating == true
  }

  /// The connection on which accepted messages go out now; nil while they are held.
  package var sendingGeneration: UInt32? {
    guard let live, !live.isHolding else { return nil }
    return live.generation
  }

  /// The attempt under way, if there is one.
  package var attempt: Attempt? {
    switch state {
    case .connecting(let attempt, _), .rotating(_, let attempt): attempt
    case .idle, .waiting, .live, .draining, .closing, .ended: nil
    }
  }

  package var hasEnded: Bool {
    if case .ended = state { true } else { false }
  }

  /// Whether a handle ages now, and may lapse.
  var isDisconnected: Bool {
    switch state {
    case .connecting, .waiting: true
    case .idle, .live, .rotating, .draining, .closing, .ended: false
    }
  }

  /// Whether a limit can still end it: not before it is opened, nor once it is ending.
  var canBeClosed: Bool {
    switch state {
    case .idle, .closing, .ended: false
    case .connecting, .waiting, .live, .rotating, .draining: true
    }
  }

  /// How the session will end, once that is decided.
  package var ending: SessionEnd? {
    switch state {
    case .draining(_, _, let end), .closing(_, _, let end), .ended(let end): end
    case .idle, .connecting, .waiting, .live, .rotating: nil
    }
  }

  /// Whether moving now would lose nothing: no turn and no call is running, and the handle covers
  /// all that was sent.
  func isQuiet(_ live: Live) -> Bool {
    !live.isGenerating && openCalls.isEmpty && handle.isKnown && handle.isResumable
      && handle.coversAll
  }

  /// When `timerFired` must be called at the latest; ``EngineInstant/never`` in a state that waits
  /// for nothing.
  package func nextDeadline(_ limits: SessionLimits) -> EngineInstant {
    switch state {
    case .idle, .ended: .never
    case .waiting(let until, _): min(until, endOfLife(limits))
    case .closing(_, let by, _): by
    case .connecting(let attempt, let interruption):
      min(
        attempt.deadline, attempt.closing?.by ?? .never,
        interruption.since.advanced(byNanoseconds: limits.outage), endOfLife(limits))
    case .live(let live):
      min(liveDeadline(live, limits), nextStep(of: live, limits))
    case .rotating(let live, let attempt):
      min(
        liveDeadline(live, limits), attempt.deadline,
        live.isHolding ? live.rotation.by : holdFrom(live, limits))
    case .draining(let live, let by, _): min(liveDeadline(live, limits), by)
    }
  }

  /// The next instant at which a live connection needs attention, rotation apart.
  private func liveDeadline(_ live: Live, _ limits: SessionLimits) -> EngineInstant {
    var next = min(nextPing(live, limits), silentSince(live, limits), live.answerDueAt)
    next = min(next, endOfLife(limits), activeAt.advanced(byNanoseconds: limits.idle))
    for call in openCalls { next = min(next, call.due) }
    return next
  }

  /// When a live connection without a standby must be looked at for its rotation: at its beginning,
  /// then at the moment for a late standby, then at the deadline.
  private func nextStep(of live: Live, _ limits: SessionLimits) -> EngineInstant {
    isQuiet(live) ? live.rotation.from : max(live.rotation.from, prepareBy(live, limits))
  }

  /// When the next ping is due: for liveness, or as proof that what was sent has arrived. While a
  /// standby waits for a handle that covers everything, the proof is wanted at once.
  func nextPing(_ live: Live, _ limits: SessionLimits) -> EngineInstant {
    guard live.owesPing else { return live.pingedAt.advanced(byNanoseconds: limits.pingInterval) }
    let isUrgent = live.isHolding || attempt?.phase == .ready
    return live.pingedAt.advanced(
      byNanoseconds: isUrgent ? limits.coverageMargin : limits.proofInterval)
  }

  func silentSince(_ live: Live, _ limits: SessionLimits) -> EngineInstant {
    live.isReadingPaused ? .never : live.lastHeardAt.advanced(byNanoseconds: limits.silence)
  }

  func endOfLife(_ limits: SessionLimits) -> EngineInstant {
    openedAt.advanced(byNanoseconds: limits.longestLife)
  }

  /// How long the next connection will probably live, in nanoseconds.
  func expectedLife(_ limits: SessionLimits) -> Int64 {
    learnedLife > 0 ? Int64(learnedLife) * 1_000_000 : limits.expectedConnectionLife
  }

  /// When a standby is dialled even though no quiet moment has come.
  func prepareBy(_ live: Live, _ limits: SessionLimits) -> EngineInstant {
    let lead = limits.coverageWait &+ limits.dialLead
    return max(live.rotation.from, live.rotation.by.advanced(byNanoseconds: -lead))
  }

  /// When media is held so that a handle can cover what was sent.
  func holdFrom(_ live: Live, _ limits: SessionLimits) -> EngineInstant {
    max(live.rotation.from, live.rotation.by.advanced(byNanoseconds: -limits.coverageWait))
  }
}
