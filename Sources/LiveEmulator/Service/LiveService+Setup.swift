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

  // MARK: Reading

  private func readSetup(
    _ slot: Int, _ payload: UnsafeRawBufferPointer
  ) throws(Refusal) -> AcceptedSetup {
    let lock = tokens[connections.slots[slot].token]?.lock ?? SetupLock()
    let cut = SetupCut(payload, lock: lock.digest)
    if !lock.touchesResumption, let known = knownSetup(cut) { return known }
    let own = try ownSetup(payload)
    let effective = lock.effective(
      own, hidesResumption: configuration.credentials.fullLockHidesResumption)
    let (facts, handle) = SetupFacts.read(effective, rules: configuration.model)
    try check(facts, hasToken: connections.slots[slot].token != 0)
    var setup = AcceptedSetup(facts: facts, digest: cut?.digest ?? 0, resume: nil)
    if let handle {
      guard let number = handle.withUnsafeBytes({ handles.number(in: $0) }) else {
        throw notFound
      }
      setup.resume = Self.place(number)
    }
    return setup
  }

  var notFound: Refusal {
    Refusal(configuration.sessions.unknownHandle, cause: .handle)
  }

  /// The setup of a session that comes again with the same bytes around its handle.
  private func knownSetup(_ cut: SetupCut?) -> AcceptedSetup? {
    guard let cut, cut.handle.count > 0, let number = handles.number(in: cut.handle) else {
      return nil
    }
    let place = Self.place(number)
    guard place.session < sessions.count, sessions[place.session].setupDigest == cut.digest,
      cut.digest != 0
    else { return nil }
    return AcceptedSetup(
      facts: sessions[place.session].facts, digest: cut.digest, resume: place)
  }

  /// A handle's number: the session in its upper half, the checkpoint in its lower.
  static func place(_ number: UInt64) -> (session: Int, checkpoint: UInt32) {
    (Int(number >> 32), UInt32(truncatingIfNeeded: number))
  }

  /// The setup as the client wrote it.
  private func ownSetup(_ payload: UnsafeRawBufferPointer) throws(Refusal) -> JSONObject {
    let message: JSONValue
    do throws(WireError) { message = try JSONValue.decode(payload) } catch {
      throw Refusal(.malformedPayload, broken: .malformedMessage)
    }
    guard let object = message.objectValue else {
      throw Refusal(.malformedPayload, broken: .malformedMessage)
    }
    guard object.count == 1, let own = object.member("setup")?.objectValue else {
      throw Refusal(firstMessageNotice(object), broken: .setupOutOfOrder)
    }
    if let unknown = SetupSchema.setup.unknownName(in: own, at: "setup") {
      throw Refusal(.unknownName(unknown.name, at: unknown.place), broken: .malformedMessage)
    }
    do throws(WireError) { _ = try ClientMessage.decode(payload) } catch {
      throw Refusal(.invalidArgument, broken: .malformedMessage)
    }
    return own
  }

  private func firstMessageNotice(_ object: JSONObject) -> CloseNotice {
    let known = ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]
    let names = object.members.map(\.name)
    guard let unknown = names.first(where: { !known.contains(SetupSchema.camelCase($0)) }) else {
      return .preconditionFailed
    }
    return .unknownName(unknown, at: nil)
  }

  /// What no handle and no token can change.
  private func check(_ facts: SetupFacts, hasToken: Bool) throws(Refusal) {
    let rules = configuration.model
    if facts.model.isEmpty {
      throw Refusal(hasToken ? .projectScoped : .invalidArgument)
    }
    if let known = rules.known, !known.contains(facts.model) {
      throw Refusal(hasToken ? .projectScoped : .modelNotFound(facts.model))
    }
    if facts.options.contains(.answersInText), !rules.speaksText {
      throw Refusal(.modalityUnsupported)
    }
    if facts.options.contains(.transparent), !configuration.sessions.transparentResumption {
      throw Refusal(.invalidArgument)
    }
  }

  // MARK: Permission

  private mutating func permit(_ slot: Int, _ setup: AcceptedSetup) throws(Refusal) {
    if let resume = setup.resume {
      try permitResume(slot, setup.facts, resume.session, resume.checkpoint)
    } else {
      try permitStart(slot)
    }
    if let limit = configuration.sessions.concurrent, seatsTaken >= limit {
      throw Refusal(.quotaExceeded, cause: .quota)
    }
    if chance.happens(configuration.faults.setupFailures) {
      totals.faults += 1
      throw Refusal(chance.pick(CloseNotice.incidents) ?? .internalError)
    }
  }

  private func permitStart(_ slot: Int) throws(Refusal) {
    guard sessions.count < configuration.sessions.total else {
      throw Refusal(.quotaExceeded, cause: .quota)
    }
    guard let token = tokens[connections.slots[slot].token] else { return }
    guard now < token.windowEnds else {
      let skew = token.hasAskedTimes ? abs(configuration.clockSkew.nanoseconds) : 0
      let isKnowable = now - token.windowEnds > pace.tolerance + skew
      throw Refusal(
        .windowClosed, broken: isKnowable ? .startedAfterWindow : nil,
        cause: .token)
    }
    guard token.usesLeft != 0 else {
      throw Refusal(
        .tokenUsedUp, broken: token.resumesCounted ? nil : .startedOnSpentToken,
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
    if let label = facts.label { sessionsByLabel[label, default: []].append(session) }
    totals.sessionsStarted += 1
    note(.sessionStarted(connections.slots[slot].id, session: session))
    return session
  }
}
