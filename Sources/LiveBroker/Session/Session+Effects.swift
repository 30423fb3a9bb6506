// SPDX-License-Identifier: Apache-2.0

/// The session's hands: one function for each thing the machine may ask for.
extension Session {
  func perform(_ action: SessionMachine.Action, _ context: SessionMachine.Context) {
    switch action {
    case .acquireCredential(let purpose, let deadline):
      acquireCredential(purpose, by: deadline, context)
    case .spendCredential: spendCredential(context)
    case .requestAdmission(let urgency, let deadline): requestAdmission(urgency, by: deadline)
    case .cancelRequests: cancelRequests()
    case .dial(let generation): dial(generation, context)
    case .sendSetup(let generation): sendSetup(generation, context)
    case .ping(let generation): ping(generation, context)
    case .close(let generation): link(generation)?.connection.close(code: 1000, reason: "")
    case .abort(let generation): abort(generation, context)
    case .hold: break
    case .goLive(let generation, let interruption): goLive(generation, interruption, context)
    case .dropHandle: blameHandle(.poisoned, context)
    case .endTurn: deliver(.endOfCutTurn, bytes: 0)
    case .loseCalls(let calls): lose(calls)
    case .expireCalls(let calls): expire(calls)
    case .end(let end): finish(end, context)
    }
  }

  // MARK: Asking

  private func acquireCredential(
    _ purpose: CredentialPurpose, by deadline: EngineInstant, _ context: SessionMachine.Context
  ) {
    let needsNew = purpose == .resume
    if !port.shard.usesTokens || (!needsNew && tokenCanStart(context.now)) {
      let expiry = tokenExpiry()
      feedLater { machine, context in
        machine.credentialAcquired(expiresAt: expiry, context)
      }
      return
    }
    requestSerial = port.shard.assumeIsolated {
      $0.requestToken(for: self.port.address.slot, purpose, by: deadline)
    }
  }

  /// Answers that need nobody else come back through the shard's inbox too, so that the machine is
  /// never entered while its answers are being performed.
  private func feedLater(
    _ input:
      @escaping @Sendable (inout SessionMachine, SessionMachine.Context) -> [SessionMachine.Action]
  ) {
    port.shard.mailbox.post(.input(port.address, input))
  }

  private func requestAdmission(_ urgency: DialUrgency, by deadline: EngineInstant) {
    requestSerial = Shard.Entry.requestAdmission(
      port.shard, (port.address.slot, urgency, deadline))
  }

  private func cancelRequests() {
    guard requestSerial != 0 else { return }
    let serial = requestSerial
    requestSerial = 0
    port.shard.assumeIsolated { $0.cancelRequests(of: self.port.address.slot, serial: serial) }
  }

  // MARK: Credentials

  /// The pool's answer to the request of this number.
  func credentialAnswered(_ serial: UInt32, _ result: Result<VendedToken, TokenPoolError>) {
    guard requestSerial == serial else { return }
    switch result {
    case .success(let vended): credentialDelivered(vended)
    case .failure(let error):
      feed { machine, context in machine.credentialFailed(error.verdict, context) }
    }
  }

  private func credentialDelivered(_ vended: VendedToken) {
    let expiry = vended.machine.expiresAt ?? .zero
    token = Token(vended, at: port.shard.residence)
    feed { machine, context in machine.credentialAcquired(expiresAt: expiry, context) }
  }

  func tokenExpiry() -> EngineInstant {
    guard port.shard.usesTokens else { return .never }
    return token?.assumeIsolated { $0.expiresAt } ?? .zero
  }

  func tokenCanStart(_ now: EngineInstant) -> Bool {
    token?.assumeIsolated { $0.canStart(at: now, margin: TokenMargins()) } ?? false
  }

  /// Whether the credential in hand still serves for what the attempt wants, this instant.
  func credentialIsUsable(_ now: EngineInstant) -> Bool {
    guard port.shard.usesTokens else { return true }
    guard let token else { return false }
    guard machine.handle.isKnown else { return tokenCanStart(now) }
    guard Token.Entry.canResume(token, now) else { return false }
    // By the documentation a resume takes no use. Once the service was seen to count it, a token
    // without a use left is replaced before the dial, and not after a refused setup.
    return !Shard.Entry.resumesCountAsUses(port.shard) || tokenCanStart(now)
  }

  private func spendCredential(_ context: SessionMachine.Context) {
    noteSpent(context.now)
    let secret = token?.assumeIsolated { token in
      _ = token.handle(.spentReported, at: context.now)
      return token.credential
    }
    token = nil
    if let secret { port.shard.services.pool?.tokenRefused(secret) }
  }

  /// A resume that was refused though its token has long to live: resumes are counted here.
  private func noteSpent(_ now: EngineInstant) {
    let wasAlive = now.advanced(byNanoseconds: plan.limits.credentialMargin) < tokenExpiry()
    guard machine.handle.isKnown, wasAlive else { return }
    port.shard.assumeIsolated { $0.resumesCountAsUses = true }
  }

  // MARK: Connecting

  private func dial(_ generation: UInt32, _ context: SessionMachine.Context) {
    guard let credential = port.shard.credential(token) else { return }
    let request = DialRequest(
      endpoint: port.shard.endpoint, credential: credential, generation: generation,
      executor: port.shard.executor, sink: self, timeouts: port.shard.dialTimeouts)
    Shard.Entry.startDial(port.shard, (request, port.address, requestSerial))
  }

  private func sendSetup(_ generation: UInt32, _ context: SessionMachine.Context) {
    guard let upcoming, upcoming.generation == generation else { return }
    _ = Resumption.Entry.handle(resumption, (.setupSent(generation: generation), context.now))
    let handle = Resumption.Entry.handleForDial(resumption, context.now)
    if let token { Token.Entry.sessionStarted(token, context.now) }
    upcoming.connection.send(.text(plan.setup.frame(handle: handle)))
  }

  private func ping(_ generation: UInt32, _ context: SessionMachine.Context) {
    // Without anything that waits for a proof, a ping is for liveness only.
    let data = load?.proof.pinged(
      after: sentMessages, at: context.now, margin: context.limits.coverageMargin)
    link(generation)?.connection.send(.ping(data ?? []))
  }

  private func abort(_ generation: UInt32, _ context: SessionMachine.Context) {
    guard let link = take(generation) else { return giveUpDial(generation) }
    link.connection.abort()
    connectionGone(generation, context.now)
  }

  /// What is to be dropped was not even open.
  private func giveUpDial(_ generation: UInt32) {
    guard requestSerial != 0 else { return }
    let ticket = port.ticket(requestSerial)
    let isGivenUp = port.shard.assumeIsolated { $0.giveUpDial(ticket, generation: generation) }
    if isGivenUp { requestSerial = 0 }
  }

  /// Tells the handle that a connection is over: from the last one's end on it ages.
  func connectionGone(_ generation: UInt32, _ now: EngineInstant) {
    _ = Resumption.Entry.handle(resumption, (.connectionEnded(generation: generation), now))
  }

  func link(_ generation: UInt32) -> Link? {
    if let current, current.generation == generation { return current }
    if let upcoming, upcoming.generation == generation { return upcoming }
    return nil
  }

  /// Removes the connection of this generation.
  func take(_ generation: UInt32) -> Link? {
    if current?.generation == generation {
      defer { current = nil }
      return current
    }
    guard upcoming?.generation == generation else { return nil }
    defer { upcoming = nil }
    return upcoming
  }

  // MARK: The end

  func blameHandle(_ cause: ResumptionMachine.FailureCause, _ context: SessionMachine.Context) {
    let answer = Resumption.Entry.handle(resumption, (.resumeFailed(cause), context.now))
    remember(answer, context.now)
    machine.handleUpdated(handleFacts())
  }

  /// Passes a changed handle on to the store, behind the session's back.
  func remember(_ answer: ResumptionMachine.Answer, _ now: EngineInstant) {
    guard answer != .nothing, port.shard.services.store != nil else { return }
    let handle = Resumption.Entry.handleForDial(resumption, now)
    port.shard.assumeIsolated {
      $0.handleChanged(handle, model: self.plan.configuration.setup.model, id: self.port.id.text)
    }
  }

  private func finish(_ end: SessionEnd, _ context: SessionMachine.Context) {
    current?.connection.abort()
    upcoming?.connection.abort()
    current = nil
    upcoming = nil
    publishPhase(at: context.now)
    port.finish(end)
    opening?.resume(throwing: BrokerError.ended(end))
    opening = nil
    port.shard.services.admission.noteEnd(port.ticket(), wasUp: machine.wasEverLive)
    port.shard.assumeIsolated { $0.sessionEnded(self.port, end) }
  }
}

extension Session {
  /// Ends the session whatever it is doing, for a broker that stops or gives it up.
  func stop(_ end: SessionEnd) {
    cancelRequests()
    feed { machine, _ in machine.finish(end) }
  }

  /// Gives up this actor for a new one: connections go, everything else is handed over.
  func retire() -> (SessionEstate, CheckedContinuation<Void, any Error>?) {
    let now = port.shard.now
    cancelRequests()
    for link in [current, upcoming].compactMap({ $0 }) {
      link.connection.abort()
      connectionGone(link.generation, now)
    }
    if machine.isTurnRunning { deliver(.endOfCutTurn, bytes: 0) }
    current = nil
    upcoming = nil
    defer { opening = nil }
    return (estate(), opening)
  }
}
