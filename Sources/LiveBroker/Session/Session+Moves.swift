// SPDX-License-Identifier: Apache-2.0

/// What happens when a new connection takes over.
extension Session {
  /// The transport has opened the connection that was asked for.
  func dialed(_ generation: UInt32, _ connection: any LiveConnection) {
    guard machine.attempt?.generation == generation else { return connection.abort() }
    if let stray = upcoming { stray.connection.abort() }
    upcoming = Link(connection: connection, generation: generation)
    let early = earlyEnd
    if early != nil { earlyEnd = nil }
    feed { machine, context in machine.dialed(generation: generation, context) }
    if let early, early.generation == generation { signalled(early.signal, on: generation) }
  }

  func dialFailed(_ generation: UInt32, _ error: TransportError) {
    let verdict = plan.classification.verdict(error)
    feed { machine, context in machine.dialFailed(generation: generation, verdict, context) }
  }

  func admitted() {
    let now = port.shard.now
    machine.handleUpdated(handleFacts())
    let isUsable = credentialIsUsable(now)
    feed { machine, context in machine.admitted(isUsable: isUsable, context) }
  }

  /// The new connection is live: accounts are settled, what was held goes out, and the truth is told.
  func goLive(
    _ generation: UInt32, _ interruption: SessionMachine.Interruption,
    _ context: SessionMachine.Context
  ) {
    let setupSentAt = setupSentAt
    current = upcoming
    upcoming = nil
    isWritable = true
    let handleAge = resumption.assumeIsolated { $0.snapshot.handleIssuedAt }
      .map { $0.duration(to: context.now) }
    resumption.assumeIsolated {
      _ = $0.handle(.setupCompleted(generation: generation), at: context.now)
    }
    roundTrip.connectionReplaced()
    openPings = 0
    load?.staleSince = .never
    load?.provenUntil = .zero
    pingSentAt = .never
    if setupSentAt < context.now {
      roundTrip.setupAnswered(after: setupSentAt.duration(to: context.now))
    }
    var report = ReconnectReport(
      cause: interruption.cause, outcome: handleAge == nil ? .startedFresh : .resumed,
      at: context.now, gap: interruption.since.duration(to: context.now), longestHeld: .zero,
      dials: Int(interruption.dials), credentialRenewed: interruption.wasRenewed,
      handleAge: handleAge, generation: generation, uncertain: Losses(), dropped: Losses(),
      resentMessages: 0, lostCalls: [])
    settleAccounts(&report, context.now)
    flush()
    if interruption.cause != .opened {
      let missed = port.publish(report)
      port.shard.assumeIsolated {
        $0.noteReconnect(report, self.port.id, missedByObservers: missed)
      }
    }
    opening?.resume()
    opening = nil
    if port.isReadingPaused { setReading(false) }
  }

  private func settleAccounts(_ report: inout ReconnectReport, _ now: EngineInstant) {
    guard let load else { return }
    let limit = plan.configuration.outbox.audioAgeLimit.nanoseconds
    drop(load.outbox.dropAudio(olderThan: now.advanced(byNanoseconds: -limit)))
    let unsent = load.outbox.takeResponses()
    if let oldest = load.outbox.oldest { report.longestHeld = oldest.duration(to: now) }
    resend(load, &report)
    // Behind what is sent again, and not yet in the ledger when that was read.
    for item in unsent {
      port.release(item.message.frame.count)
      lateResults(item.message.toolResponse?.functionResponses ?? [])
    }
    report.dropped = load.dropped
    report.lostCalls = load.lostCalls.map(\.name)
    load.dropped = Losses()
    load.lostCalls = []
    load.forbidsReplay = false
  }

  /// What no handle covered is uncertain. Text is sent again if the application wants that; tool
  /// responses never are, since the new connection knows no call.
  private func resend(_ load: SessionLoad, _ report: inout ReconnectReport) {
    let uncovered = load.ledger.takeUncovered()
    guard !uncovered.isEmpty else { return }
    for item in uncovered { report.uncertain.add(item) }
    guard plan.configuration.outbox.uncertainText == .resend, !load.forbidsReplay else { return }
    let again = uncovered.filter { $0.message.kind == .text && !$0.message.frame.isEmpty }
    guard !again.isEmpty else { return }
    report.resentMessages = again.count
    for item in again {
      _ = try? port.reserve(item.message.frame.count, limit: .max, mustFit: false)
    }
    load.outbox.prepend(again)
  }
}
