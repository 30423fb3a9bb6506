// SPDX-License-Identifier: Apache-2.0

/// What happens when a new connection takes over.
extension Session {
  func dialEnded(_ serial: UInt32, _ result: DialResult) {
    if requestSerial == serial { requestSerial = 0 }
    switch result.outcome {
    case .success(let connection): dialed(result.generation, connection)
    case .failure(let error): dialFailed(result.generation, error)
    }
  }

  /// The transport has opened the connection that was asked for.
  private func dialed(_ generation: UInt32, _ connection: any LiveConnection) {
    guard machine.attempt?.generation == generation else { return connection.abort() }
    if let stray = upcoming { stray.connection.abort() }
    upcoming = Link(connection: connection, generation: generation)
    let early = earlyEnd
    if early != nil { earlyEnd = nil }
    feed { machine, context in machine.dialed(generation: generation, context) }
    if let early, early.generation == generation { signalled(early.signal, on: generation) }
  }

  private func dialFailed(_ generation: UInt32, _ error: TransportError) {
    let verdict = plan.classification.verdict(error, hasLived: opening == nil)
    feed { machine, context in machine.dialFailed(generation: generation, verdict, context) }
  }

  /// Admission granted the request of this number. Tells how it ended if no dial was asked for.
  func admitted(_ serial: UInt32) -> DialOutcome? {
    guard requestSerial == serial else { return .abandoned }
    let now = port.shard.now
    machine.handleUpdated(handleFacts())
    let isUsable = credentialIsUsable(now)
    feed { machine, context in machine.admitted(isUsable: isUsable, context) }
    if machine.attempt?.phase == .dialing { return nil }
    return isUsable ? .abandoned : .postponed
  }

  /// The new connection is live: accounts are settled, what was held goes out, and the truth is told.
  func goLive(
    _ generation: UInt32, _ interruption: SessionMachine.Interruption,
    _ context: SessionMachine.Context
  ) {
    current = upcoming
    upcoming = nil
    isWritable = true
    let handleAge = Resumption.Entry.handleIssuedAt(resumption)
      .map { $0.duration(to: context.now) }
    _ = Resumption.Entry.handle(resumption, (.setupCompleted(generation: generation), context.now))
    memory.connected(isResumed: handleAge != nil)
    sentMessages = 0
    load?.proof = ArrivalProof()
    var report = ReconnectReport(
      cause: interruption.cause, outcome: handleAge == nil ? .startedFresh : .resumed,
      at: context.now, gap: interruption.since.duration(to: context.now), longestHeld: .zero,
      dials: Int(interruption.dials), credentialRenewed: interruption.wasRenewed,
      handleAge: handleAge, generation: generation, uncertain: Losses(), dropped: Losses(),
      resentMessages: 0, lostCalls: [])
    settleAccounts(&report, context.now)
    if interruption.cause == .opened {
      let start = port.settleStart(isResumed: handleAge != nil)
      port.shard.services.tell(of: port.id) { $0.sessionStarted(id: $1, start) }
    } else {
      let missed = port.publish(report)
      Shard.Entry.noteReconnect(port.shard, (report, port.id, missed))
    }
    opening?.resume()
    opening = nil
    if port.isReadingPaused { setReading(false) }
    flush()
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

  /// What no handle covered is uncertain. Some of it is sent again, if the application wants that.
  private func resend(_ load: SessionLoad, _ report: inout ReconnectReport) {
    let uncovered = load.ledger.takeUncovered()
    guard !uncovered.isEmpty else { return }
    report.unkeptMessages = uncovered.reduce(0) { $0 + $1.unkept }
    var again = Resending(isFresh: report.outcome == .startedFresh)
    for entry in uncovered {
      switch entry {
      case .item(let item):
        report.uncertain.add(item)
        again.consider(item)
      case .sum(let losses): report.uncertain.add(losses)
      }
    }
    guard plan.configuration.outbox.uncertainText == .resend, !load.forbidsReplay else { return }
    guard !again.items.isEmpty else { return }
    report.resentMessages = again.items.count
    for item in again.items {
      _ = try? port.reserve(item.message.frame.count, limit: .max, mustFit: false)
    }
    load.outbox.prepend(again.items)
  }
}
