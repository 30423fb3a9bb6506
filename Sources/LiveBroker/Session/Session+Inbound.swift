// SPDX-License-Identifier: Apache-2.0

/// What arrives on the session's connections.
extension Session: ConnectionSink {
  nonisolated func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    guard port.shard.executor.isCurrent else {
      port.shard.mailbox.post(.received(port.address, generation, Array(payload)))
      return
    }
    let isVisit = Shard.Entry.beginVisit(port.shard)
    Entry.received(self, (payload, generation))
    if isVisit { Shard.Entry.endVisit(port.shard) }
  }

  nonisolated func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    guard port.shard.executor.isCurrent else {
      port.shard.mailbox.post(.signalled(port.address, generation, signal))
      return
    }
    let isVisit = Shard.Entry.beginVisit(port.shard)
    Entry.signalled(self, (signal, generation))
    if isVisit { Shard.Entry.endVisit(port.shard) }
  }

  func received(_ payload: UnsafeRawBufferPointer, on generation: UInt32) {
    guard link(generation) != nil else { return }
    do throws(WireError) {
      try take(ServerMessage.decode(payload), frame: payload, on: generation)
    } catch {
      // Not the end of a session: the frame is counted, and what follows may be fine.
      port.shard.assumeIsolated { $0.noteMalformed(error) }
    }
  }

  /// A message is a set of fields: a setup is complete before anything else on its connection, and
  /// content, calls, handle and usage come before a goAway.
  private func take(
    _ message: ServerMessage, frame: UnsafeRawBufferPointer, on generation: UInt32
  ) {
    if message.setupComplete != nil { setupCompleted(generation) }
    let facts = message.facts
    if message.isUnknown { port.shard.assumeIsolated { $0.noteUnknown() } }
    let calls = message.toolCall?.functionCalls ?? []
    let stray = noteCalls(calls, on: generation)
    if let ids = message.toolCallCancellation?.ids { machine.callsCancelled(ids: ids) }
    if let update = message.sessionResumptionUpdate { updated(update, on: generation) }
    if let usage = message.usageMetadata { used(usage) }
    if message.isForApplication { hand(message, frame: frame) }
    if !stray.isEmpty { lose(stray) }
    feed { machine, context in
      var actions = machine.heard(generation: generation, facts, context)
      if let goAway = message.goAway {
        actions += machine.goAwayReceived(
          generation: generation, timeLeft: goAway.timeLeft, context)
      }
      return actions + machine.considerRotation(context)
    }
  }

  private func setupCompleted(_ generation: UInt32) {
    let wasUp = machine.wasEverLive
    feed { machine, context in machine.setupCompleted(generation: generation, context) }
    if machine.wasEverLive, !wasUp { noteSetup(.up) }
  }

  private func hand(_ message: ServerMessage, frame: UnsafeRawBufferPointer) {
    guard plan.configuration.inbound.keepsFrames else {
      deliver(SessionMessage(message), bytes: frame.count)
      return
    }
    deliver(SessionMessage(message, frame: Array(frame)), bytes: 2 * frame.count)
  }

  /// Tells the machine of calls. Gives back those of a connection that is being left: they can
  /// never be answered.
  private func noteCalls(
    _ calls: [FunctionCall], on generation: UInt32
  ) -> [SessionMachine.OpenCall] {
    guard !calls.isEmpty else { return [] }
    let context = context
    guard machine.live?.generation == generation else {
      return calls.map { call in
        SessionMachine.OpenCall(
          id: call.id ?? "", name: call.name, generation: generation, due: context.now)
      }
    }
    machine.callsReceived(
      generation: generation, calls.map { ($0.id ?? "", $0.name) }, context)
    return []
  }

  private func updated(_ update: SessionResumptionUpdate, on generation: UInt32) {
    let now = port.shard.now
    let news = ResumptionMachine.Input.updated(
      handle: update.newHandle, resumable: update.resumable, generation: generation)
    let answer = Resumption.Entry.handle(resumption, (news, now))
    remember(answer, now)
    if answer == .persist { memory.handleCame() }
    // Numbers are those of the connection that is live, or closing after it was.
    if answer == .persist, current?.generation == generation { cover(update) }
    machine.handleUpdated(handleFacts())
    if load?.isIdle == true { load = nil }
  }

  /// A new handle covers what the service says that it has consumed, where it counts, and else what
  /// is proven to have arrived before the handle was given.
  private func cover(_ update: SessionResumptionUpdate) {
    guard let load else { return }
    guard let index = update.lastConsumedClientMessageIndex else {
      return load.ledger.covered(upTo: load.proof.settled)
    }
    // One who counts beyond what was sent miscounts, and that is no reason to forget.
    guard let number = UInt32(exactly: index), number <= sentMessages else { return }
    load.ledger.covered(upTo: number)
  }

  private func used(_ usage: UsageMetadata) {
    if let doubt = memory.used(promptTokens: usage.promptTokenCount) {
      port.note(doubt)
      port.shard.assumeIsolated { $0.noteDoubt(doubt, self.port.id) }
    }
    guard let limit = plan.configuration.limits.totalTokens else { return }
    totalTokens = UInt32(clamping: Int(totalTokens) + max(0, usage.totalTokenCount))
    guard totalTokens >= limit else { return }
    let end = SessionEnd(.usageLimitReached, message: "\(totalTokens) tokens were used")
    port.shard.mailbox.post(.close(port.address, end))
  }

  /// Puts a message before the application; stops reading the socket if it does not keep up.
  func deliver(_ message: SessionMessage, bytes: Int) {
    guard port.push(message, bytes: bytes, policy: plan.configuration.inbound) else { return }
    setReading(false)
  }

  func setReading(_ isReading: Bool) {
    guard let generation = machine.live?.generation, let link = link(generation) else {
      if !isReading { feed { machine, context in machine.closingOverflowed(context) } }
      return
    }
    link.connection.setReading(isReading)
    feed { machine, context in
      machine.readingPaused(!isReading, context)
      return machine.considerRotation(context)
    }
  }

  // MARK: Signals

  func signalled(_ signal: ConnectionSignal, on generation: UInt32) {
    switch signal {
    case .pong(let data): ponged(data, on: generation)
    case .writable(let isWritable):
      guard machine.live?.generation == generation else { return }
      self.isWritable = isWritable
      if isWritable { flush() }
    case .closed where isEarly(generation), .failed where isEarly(generation):
      earlyEnd = EarlyEnd(generation: generation, signal: signal)
    case .closed(let code, let said):
      let reason = said.isEmpty ? said : said.withoutCredentials(ownSecrets())
      let verdict = plan.classification.verdict(
        phase: failurePhase(of: generation), code: code, reason: reason)
      ended(generation, .closedByService(code: code, reason: reason), verdict)
    case .failed(let error):
      let verdict = plan.classification.verdict(error, hasLived: opening == nil)
      ended(generation, .connectionLost(error.message), verdict)
    }
  }

  /// What must not be repeated though the service says it.
  private func ownSecrets() -> [Secret] {
    let now = port.shard.now
    let handle = resumption.assumeIsolated { $0.handleForDial(at: now) }
    return [handle, port.shard.keptCredential(token)].compactMap(\.self)
  }

  /// Whether the dial of this connection has not been reported yet.
  private func isEarly(_ generation: UInt32) -> Bool {
    machine.attempt?.generation == generation && link(generation) == nil
  }

  private func ponged(_ data: [UInt8], on generation: UInt32) {
    var isProven = true
    let now = port.shard.now
    if current?.generation == generation, let load,
      load.proof.ponged(data, sent: sentMessages, at: now)
    {
      isProven = plan.limits.coverageMargin == 0 || load.proof.settled == sentMessages
    }
    feed { machine, context in
      machine.ponged(generation: generation, isProven: isProven, context)
      return []
    }
  }

  private func failurePhase(of generation: UInt32) -> FailurePhase {
    if machine.live?.generation == generation { return .live }
    return machine.handle.isKnown ? .resumingSetup : .freshSetup
  }

  private func ended(_ generation: UInt32, _ cause: InterruptionCause, _ verdict: FailureVerdict) {
    guard take(generation) != nil else { return }
    let wasSettingUp = machine.attempt.map {
      $0.generation == generation && $0.phase == .settingUp && !$0.isOptimistic
    }
    connectionGone(generation, context.now)
    if wasSettingUp == true {
      if verdict == .dropHandle { blameHandle(.handle, context) }
      if verdict == .handleRefused { blameHandle(.suspicion, context) }
      if verdict == .quotaExceeded {
        noteSetup(.refusedByQuota)
      } else if !machine.wasEverLive {
        noteSetup(.failed)
      }
    }
    if !verdict.allowsReplay { forbidReplay() }
    feed { machine, context in
      machine.connectionEnded(generation: generation, cause, verdict, context)
    }
  }

  /// Tells admission what came of a setup while the session was not up.
  private func noteSetup(_ outcome: SetupOutcome) {
    port.shard.services.admission.noteSetup(port.ticket(), outcome)
  }

  /// What is waiting may be what the service refused: media goes, the rest is not sent again.
  private func forbidReplay() {
    let load = loadInUse()
    load.forbidsReplay = true
    drop(load.outbox.dropMedia())
  }
}

extension ServerMessage {
  /// What the message says about the life cycle.
  var facts: MessageFacts {
    var facts: MessageFacts = []
    if let content = serverContent {
      if content.modelTurn != nil { facts.insert(.modelSpoke) }
      if content.turnComplete || content.interrupted { facts.insert(.turnEnded) }
      if content.turnComplete { facts.remove(.modelSpoke) }
      if content.inputTranscription != nil { facts.insert(.userHeard) }
    }
    if toolCall != nil { facts.insert(.modelSpoke) }
    return facts
  }

  /// Whether there is anything in it besides the broker's own business.
  var isForApplication: Bool {
    serverContent != nil || toolCall != nil || toolCallCancellation != nil
      || usageMetadata != nil || voiceActivity != nil || voiceActivityDetectionSignal != nil
      || !unknownFields.isEmpty
  }
}
