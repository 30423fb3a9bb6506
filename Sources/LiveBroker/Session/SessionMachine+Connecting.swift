// SPDX-License-Identifier: Apache-2.0

/// From nothing to a live connection: credential, admission, dial, setup.
extension SessionMachine {
  /// The application opened the session.
  package mutating func opened(_ context: Context) -> [Action] {
    guard case .idle = state else { return [] }
    openedAt = context.now
    activeAt = context.now
    return connect(Interruption(cause: .opened, since: context.now), context)
  }

  /// The session's actor was built anew after a fault: it goes on where its handle leads.
  package mutating func restarted(
    _ cause: InterruptionCause, from estate: RestartEstate, _ context: Context
  ) -> [Action] {
    guard case .idle = state else { return [] }
    openedAt = estate.openedAt
    activeAt = context.now
    generation = estate.generation
    credentialExpiresAt = estate.credentialExpiresAt
    wasEverLive = estate.wasEverLive
    openCalls = estate.openCalls
    reviewedPhase = estate.reviewedPhase
    return loseCalls() + connect(Interruption(cause: cause, since: context.now), context)
  }

  /// What a restarted machine takes over from the one before it.
  package var restartEstate: RestartEstate {
    RestartEstate(
      openedAt: openedAt, generation: generation, credentialExpiresAt: credentialExpiresAt,
      wasEverLive: wasEverLive, openCalls: openCalls, reviewedPhase: reviewedPhase)
  }

  /// The facts of a session's life that a fault does not change.
  package struct RestartEstate: Sendable {
    var openedAt: EngineInstant
    var generation: UInt32
    var credentialExpiresAt: EngineInstant
    var wasEverLive: Bool
    var openCalls: [OpenCall]
    var reviewedPhase: SessionPhase
  }

  /// The pool delivered a credential that serves until `expiresAt`.
  package mutating func credentialAcquired(
    expiresAt: EngineInstant, _ context: Context
  ) -> [Action] {
    switch state {
    case .connecting(var attempt, var interruption) where attempt.phase == .credential:
      credentialExpiresAt = expiresAt
      attempt.phase = .admission
      interruption.wasRenewed = interruption.wasRenewed || attempt.renews
      state = .connecting(attempt, interruption)
      return [.requestAdmission(urgency, by: context.now)]
    case .rotating(let live, var attempt) where attempt.phase == .credential:
      credentialExpiresAt = expiresAt
      attempt.phase = .admission
      state = .rotating(live, attempt)
      return [.requestAdmission(.plannedMove, by: live.rotation.by)]
    default:
      return []
    }
  }

  /// The pool could not get a credential.
  package mutating func credentialFailed(
    _ verdict: FailureVerdict, _ context: Context
  ) -> [Action] {
    guard let attempt, attempt.phase == .credential else { return [] }
    return attemptFailed(verdict, context)
  }

  /// The dial may begin. `isUsable` tells whether the credential still serves, this instant.
  package mutating func admitted(isUsable: Bool, _ context: Context) -> [Action] {
    guard var attempt, attempt.phase == .admission else { return [] }
    attempt.phase = isUsable ? .dialing : .credential
    attempt.renews = attempt.renews || (!isUsable && handle.isKnown)
    attempt.deadline = isUsable ? context.now.advanced(byNanoseconds: context.limits.dial) : .never
    store(attempt)
    guard isUsable else {
      return [.acquireCredential(purpose, by: credentialBy(context))]
    }
    if case .connecting(let attempt, var interruption) = state {
      interruption.dials += 1
      state = .connecting(attempt, interruption)
    }
    return [.dial(generation: attempt.generation)]
  }

  /// The transport opened the connection.
  package mutating func dialed(generation: UInt32, _ context: Context) -> [Action] {
    guard var attempt, attempt.generation == generation, attempt.phase == .dialing else {
      return [.abort(generation: generation)]
    }
    attempt.phase = .ready
    attempt.deadline = .never
    store(attempt)
    if case .rotating = state { return considerRotation(context) }
    return attempt.closing == nil ? sendSetup(context) : []
  }

  /// The transport could not open the connection.
  package mutating func dialFailed(
    generation: UInt32, _ verdict: FailureVerdict, _ context: Context
  ) -> [Action] {
    guard let attempt, attempt.generation == generation, attempt.phase == .dialing else {
      return []
    }
    return attemptFailed(verdict, context)
  }

  /// The service accepted the setup.
  package mutating func setupCompleted(generation: UInt32, _ context: Context) -> [Action] {
    guard case .connecting(let attempt, let interruption) = state,
      attempt.generation == generation, attempt.phase == .settingUp
    else { return [] }
    wasEverLive = true
    needsPlace = false
    let resumed = handle.isKnown
    handle.isResumable = false
    // What was not covered is settled now.
    handle.coversAll = true
    state = .live(
      Live(
        since: context.now, lastHeardAt: context.now,
        // The first message is followed by a ping at once.
        pingedAt: context.now.advanced(byNanoseconds: -context.limits.proofInterval),
        rotation: ownRotation(context), generation: generation, isUnproven: resumed))
    var actions: [Action] = []
    if let old = attempt.closing {
      actions = [.abort(generation: old.generation)] + endTurn(of: old)
    }
    actions.append(.goLive(generation: generation, after: interruption))
    return actions
  }

  /// Starts an attempt for a session that has no connection.
  mutating func connect(_ interruption: Interruption, _ context: Context) -> [Action] {
    var interruption = interruption
    let attempt = newAttempt(reserve: context.limits.setup &+ context.limits.dial, context)
    interruption.wasRenewed = interruption.wasRenewed || attempt.renews
    state = .connecting(attempt, interruption)
    return [firstStep(of: attempt, context)]
  }

  /// A new generation, with a new credential if the one in hand ends within `reserve` nanoseconds.
  mutating func newAttempt(reserve: Int64, _ context: Context) -> Attempt {
    generation &+= 1
    let needed = context.now.advanced(byNanoseconds: reserve)
    let renews = handle.isKnown && credentialExpiresAt < needed
    return Attempt(
      generation: generation, phase: renews || !handle.isKnown ? .credential : .admission,
      deadline: .never, closing: nil, renews: renews)
  }

  func firstStep(of attempt: Attempt, _ context: Context) -> Action {
    attempt.phase == .credential
      ? .acquireCredential(purpose, by: credentialBy(context))
      : .requestAdmission(urgency, by: movesBy ?? context.now)
  }

  /// When the pool may stop trying: at the end of the move, or of the outage.
  private func credentialBy(_ context: Context) -> EngineInstant {
    movesBy ?? context.now.advanced(byNanoseconds: context.limits.outage)
  }

  mutating func sendSetup(_ context: Context) -> [Action] {
    guard case .connecting(var attempt, let interruption) = state else { return [] }
    attempt.isOptimistic = attempt.closing != nil
    attempt.phase = .settingUp
    attempt.deadline = context.now.advanced(byNanoseconds: context.limits.setup)
    state = .connecting(attempt, interruption)
    return [.sendSetup(generation: attempt.generation)]
  }

  private var purpose: CredentialPurpose { handle.isKnown ? .resume : .newSession }

  var urgency: DialUrgency {
    if case .rotating = state { return .plannedMove }
    // Who was up has a place with the service, handle or none.
    return wasEverLive || (handle.isKnown && !needsPlace) ? .resume : .freshStart
  }

  /// The deadline of a planned move, if one is under way.
  private var movesBy: EngineInstant? {
    if case .rotating(let live, _) = state { live.rotation.by } else { nil }
  }

  mutating func store(_ attempt: Attempt) {
    switch state {
    case .connecting(_, let interruption): state = .connecting(attempt, interruption)
    case .rotating(let live, _): state = .rotating(live, attempt)
    case .idle, .waiting, .live, .draining, .closing, .ended: break
    }
  }
}
