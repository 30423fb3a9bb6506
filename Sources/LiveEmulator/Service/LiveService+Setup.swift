// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The first message of a connection: what takes effect, whether it is allowed, and its completion.
extension LiveService {
  /// A setup that passed every check that its bytes allow.
  struct AcceptedSetup {
    var facts: SetupFacts
    var digest: UInt64
    /// The handle's session and checkpoint; nil for a new session.
    var resume: (session: Int, checkpoint: UInt32)?
    /// Whether the client sent a handle that its token hides.
    var isHiddenResume = false
  }

  /// Why a setup is refused, and what that says about the client.
  struct Refusal: Error {
    /// What the totals count it under.
    enum Cause { case token, quota, handle, sessionOpen, other }

    var notice: CloseNotice
    var broken: BrokenPromise.Kind?
    var cause: Cause

    init(
      _ notice: CloseNotice, broken: BrokenPromise.Kind? = nil,
      cause: Cause = .other
    ) {
      self.notice = notice
      self.broken = broken
      self.cause = cause
    }
  }

  /// The first message has come.
  mutating func setupReceived(_ slot: Int, _ payload: UnsafeRawBufferPointer) {
    do throws(Refusal) {
      let setup = try readSetup(slot, payload)
      try permit(slot, setup)
      begin(slot, setup)
    } catch {
      refuse(slot, error)
    }
  }

  mutating func refuse(_ slot: Int, _ refusal: Refusal) {
    totals.setupsRefused += 1
    switch refusal.cause {
    case .token: totals.setupsRefusedByToken += 1
    case .quota: totals.setupsRefusedByQuota += 1
    case .handle: totals.handlesNotFound += 1
    case .sessionOpen: totals.resumesWhileOpen += 1
    case .other: break
    }
    if let broken = refusal.broken { broke(broken, slot: slot) }
    note(
      .setupRefused(
        connections.slots[slot].id, code: refusal.notice.code, reason: refusal.notice.reason))
    close(slot, refusal.notice)
  }

  // MARK: Permission

  private mutating func permit(_ slot: Int, _ setup: AcceptedSetup) throws(Refusal) {
    if let resume = setup.resume {
      try permitResume(slot, setup.facts, resume.session, resume.checkpoint)
    } else {
      try permitStart(slot, isKnowing: !setup.isHiddenResume)
    }
    if let seats, seatsTaken >= seats {
      throw Refusal(.quotaExceeded, cause: .quota)
    }
    if chance.happens(configuration.faults.setupFailures) {
      totals.faults += 1
      throw Refusal(configuration.faults.notice(&chance))
    }
  }

  private func permitStart(_ slot: Int, isKnowing: Bool) throws(Refusal) {
    guard sessions.count < configuration.sessions.total else {
      throw Refusal(.quotaExceeded, cause: .quota)
    }
    guard let token = tokens[connections.slots[slot].token] else { return }
    guard now < token.windowEnds else {
      let skew = token.hasAskedTimes ? pace.skew : 0
      let isLate = now - token.windowEnds > pace.tolerance + skew
      throw Refusal(
        .windowClosed, broken: isKnowing && isLate ? .startedAfterWindow : nil,
        cause: .token)
    }
    guard token.usesLeft != 0 else {
      throw Refusal(
        .tokenUsedUp,
        broken: isKnowing && !token.resumesCounted ? .startedOnSpentToken : nil,
        cause: .token)
    }
  }

  private mutating func permitResume(
    _ slot: Int, _ facts: SetupFacts, _ session: Int, _ checkpoint: UInt32
  ) throws(Refusal) {
    guard session < sessions.count, !sessions[session].isForgotten else { throw notFound }
    if configuration.credentials.resumptionCountsAsUse,
      tokens[connections.slots[slot].token]?.usesLeft == 0
    {
      throw Refusal(.tokenUsedUp, cause: .token)
    }
    guard sessions[session].facts.model == facts.model else { throw Refusal(.invalidArgument) }
    if sessions[session].refusesNextResume || chance.happens(configuration.faults.resumeRefusals) {
      sessions[session].refusesNextResume = false
      totals.faults += 1
      throw notFound
    }
    guard sessions[session].checkpoints.find(checkpoint) != nil else { throw notFound }
    guard sessions[session].socket < 0, now >= sessions[session].heldUntil else {
      suspect(slot, session)
      throw Refusal(.sessionInUse, cause: .sessionOpen)
    }
  }

  /// The client may have closed the earlier socket already: judge when that close must have come.
  private mutating func suspect(_ slot: Int, _ session: Int) {
    let socket = Int(sessions[session].socket)
    guard socket >= 0, !connections.slots[socket][.excused] else { return }
    suspicionsRaised &+= 1
    suspicions[suspicionsRaised] = Suspicion(
      session: session, earlier: connections.slots[socket].id,
      later: BrokenPromise(
        kind: .secondSocket, connection: connections.slots[slot].id, session: session,
        nanoseconds: now))
    timers.push(at: saturated(pace.tolerance), .suspicion, owner: suspicionsRaised)
  }

  mutating func judge(_ number: UInt32) {
    guard let suspicion = suspicions.removeValue(forKey: number),
      let slot = connections.slot(suspicion.earlier),
      connections.slots[slot].session == Int32(suspicion.session),
      !connections.slots[slot][.excused]
    else { return }
    totals.promisesBroken += 1
    if promises.count < configuration.accounts.promisesKept { promises.append(suspicion.later) }
    note(.promiseBroken(suspicion.later))
  }

  // MARK: Completion

  private mutating func begin(_ slot: Int, _ setup: AcceptedSetup) {
    tokens.spend(connections.slots[slot].token, isResume: setup.resume != nil)
    seatsTaken += 1
    connections.slots[slot].phase = .settingUp
    connections.slots[slot].facts = setup.facts
    connections.slots[slot].setupDigest = setup.digest
    connections.slots[slot][.resumes] = setup.resume != nil
    if let resume = setup.resume {
      connections.slots[slot].session = Int32(resume.session)
      connections.slots[slot].checkpoint = resume.checkpoint
      sessions[resume.session].socket = Int32(slot)
      sessions[resume.session].lifeAlarm.cancel()
    }
    if chance.happens(configuration.faults.setupStalls) {
      totals.faults += 1
      connections.slots[slot][.stalls] = true
      connections.slots[slot].setupAlarm.cancel()
      return
    }
    connections.slots[slot].setupAlarm.set(
      saturated(pace.setupProcessing), .setup, owner: UInt32(slot), in: &timers)
  }

  /// The patience with a standby is over, or a setup has been processed.
  mutating func setupDue(_ slot: Int) {
    switch connections.slots[slot].phase {
    case .upgraded: close(slot, .deadlineExpired)
    case .settingUp: completeSetup(slot)
    case .live, .closing, .free: break
    }
  }

  mutating func completeSetup(_ slot: Int) {
    guard let facts = connections.slots[slot].facts else { return }
    connections.slots[slot].phase = .live
    connections.slots[slot].facts = nil
    connections.slots[slot].setupAlarm.cancel()
    connections.slots[slot][.withholdsHandles] = chance.happens(
      configuration.faults.withheldHandles)
    let session: Int
    if connections.slots[slot][.resumes] {
      session = Int(connections.slots[slot].session)
      resume(session, facts, slot: slot)
    } else {
      session = start(facts, slot: slot)
    }
    sessions[session].setupDigest = connections.slots[slot].setupDigest
    totals.sessionsLive += 1
    totals.sessionsLivePeak = max(totals.sessionsLivePeak, totals.sessionsLive)
    send(slot, voice.setupComplete)
    armSession(session)
    armIncident(slot)
  }

  private mutating func start(_ facts: SetupFacts, slot: Int) -> Int {
    let session = sessions.count
    sessions.append(SessionRecord(facts: facts, at: now))
    sessions[session].socket = Int32(slot)
    sessions[session].takesHistory = facts.options.contains(.beginsWithHistory)
    connections.slots[slot].session = Int32(session)
    if let label = facts.label {
      // Two live sessions under one label are two sockets of one conversation.
      if let earlier = sessionsByLabel[label]?.last { suspect(slot, earlier) }
      sessionsByLabel[label, default: []].append(session)
    }
    totals.sessionsStarted += 1
    note(.sessionStarted(connections.slots[slot].id, session: session))
    return session
  }
}
