// SPDX-License-Identifier: Apache-2.0

/// The places of the sessions, and who supervises them.
extension Shard {
  /// The session at this address, unless another has taken its place.
  func session(_ address: SessionAddress) -> Session? {
    guard address.slot < sessions.count, let session = sessions[Int(address.slot)],
      session.port.address.tenant == address.tenant
    else { return nil }
    return session
  }

  func open(
    _ port: SessionPort, _ stored: StoredResumption?,
    _ continuation: CheckedContinuation<Void, any Error>
  ) {
    guard !isDraining else {
      port.finish(SessionEnd(.drained, message: "the broker takes no new sessions"))
      services.registry.free(port)
      return continuation.resume(
        throwing: BrokerError(.draining, message: "the broker takes no new sessions"))
    }
    let handle = services.resumptionMachine(stored, at: clock.now, wallTime: clock.wallTime)
    let resumption = Resumption(handle, at: residence)
    let estate = SessionEstate(port: port, resumption: resumption)
    let session = Session(estate, opening: continuation)
    place(session, at: port.address)
    counters.opened += 1
    session.assumeIsolated { session in
      session.machine.handleUpdated(session.handleFacts())
      session.feed { machine, context in machine.opened(context) }
    }
  }

  private func place(_ session: Session, at address: SessionAddress) {
    let slot = Int(address.slot)
    while sessions.count <= slot { sessions.append(nil) }
    sessions[slot] = session
  }

  /// A session is over: its place is free for another.
  func sessionEnded(_ port: SessionPort, _ end: SessionEnd) {
    let slot = port.address.slot
    sessions[Int(slot)] = nil
    intensities[slot] = nil
    timers.disarm(slot)
    services.registry.free(port)
    counters.note(end)
    services.tell(of: port.id) { $0.sessionEnded(id: $1, end) }
    if end.code == .closedByApplication, services.store != nil {
      unwrittenHandles.note(nil, id: port.id.text)
      workIsPending()
    }
  }

  func drain(by deadline: EngineInstant) {
    isDraining = true
    let end = SessionEnd(.drained, message: "the broker was drained")
    for session in sessions {
      session?.assumeIsolated { session in
        session.feed { machine, context in
          machine.drainRequested(by: deadline, end, context)
        }
      }
    }
  }

  // MARK: Supervision

  /// A session failed inside the broker: it is built anew from what outlives it, and resumes. One
  /// that fails too often ends; too many failures on one shard restart the shard.
  func fault(_ address: SessionAddress, _ message: String) {
    guard let session = session(address) else { return }
    counters.faults += 1
    if let end = session.assumeIsolated({ $0.machine.ending }) {
      // It was about to end: there is nothing to go on with.
      return session.assumeIsolated { $0.stop(end) }
    }
    guard ownIntensity.permits(at: clock.now) else {
      failure = BrokerError(
        .sessionFailed, message: "too many sessions failed on shard \(index): \(message)")
      return
    }
    var intensity =
      intensities[address.slot]
      ?? RestartIntensity(services.configuration.supervision.sessionLimits)
    let permitted = intensity.permits(at: clock.now)
    intensities[address.slot] = intensity
    guard permitted else {
      let end = SessionEnd(
        .restartIntensityExceeded, message: "the session failed again and again: \(message)")
      return session.assumeIsolated { $0.stop(end) }
    }
    restart(session, cause: .fault(message))
  }

  private func restart(_ old: Session, cause: InterruptionCause) {
    counters.restarts += 1
    let (estate, opening) = old.assumeIsolated { $0.retire() }
    let session = Session(estate, opening: opening)
    place(session, at: estate.port.address)
    guard let machine = estate.machine else { return }
    session.assumeIsolated { session in
      session.machine.handleUpdated(session.handleFacts())
      session.feed { $0.restarted(cause, from: machine, $1) }
    }
  }

  /// A shard that begins a run with sessions from an earlier one restarts them all.
  func restartAll() {
    for session in sessions {
      if let session { restart(session, cause: .fault("the shard was restarted")) }
    }
  }
}
