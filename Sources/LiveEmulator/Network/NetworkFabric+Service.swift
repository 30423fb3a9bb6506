// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// What reaches the service, and what it sends back.
extension NetworkFabric {
  mutating func arrivedAtService(_ flight: Flight, at now: Int64) {
    let slot = flight.slot
    if case .upgrade = flight.kind { return upgradeArrived(flight, at: now) }
    let passes = links[slot].id == flight.id && !links[slot].isSilent
    switch flight.kind {
    case .toService(let bytes): messageArrived(bytes, flight, passes: passes, at: now)
    case .ping where passes && links[slot].service == .open: pingArrived(flight, at: now)
    case .closeToService(let code, let reason) where passes:
      closeArrived(slot, code: code, reason: reason, at: now)
    case .resetToService where passes:
      guard links[slot].service == .open || links[slot].service == .closing else { return }
      record("reset", flight.id, at: now)
      if links[slot].service == .open && !links[slot].closeArrived {
        figures.connectionsLost &+= 1
      }
      serviceLost(slot, at: now)
    default: break
    }
  }

  private mutating func messageArrived(
    _ bytes: [UInt8], _ flight: Flight, passes: Bool, at now: Int64
  ) {
    let slot = flight.slot
    if links[slot].id == flight.id { drained(slot, bytes.count, at: now) }
    guard passes, links[slot].service == .open, !links[slot].closeArrived else {
      figures.framesLostToService &+= 1
      figures.bytesLostToService &+= UInt64(bytes.count)
      return record("in-lost", flight.id, at: now) { $0.field("bytes", bytes.count) }
    }
    figures.framesToService &+= 1
    figures.bytesToService &+= UInt64(bytes.count)
    record("in", flight.id, at: now) { $0.field("bytes", bytes.count) }
    bytes.withUnsafeBytes {
      service.received(flight.id, $0, at: EngineInstant(nanoseconds: now))
    }
    carryOut(at: now)
  }

  private mutating func pingArrived(_ flight: Flight, at now: Int64) {
    figures.pings &+= 1
    record("ping", flight.id, at: now)
    let isAnswered = service.pingReceived(flight.id, at: EngineInstant(nanoseconds: now))
    defer { carryOut(at: now) }
    guard isAnswered else { return }
    let delay = max(configuration.pongDelay.nanoseconds, 0)
    guard delay > 0 else { return pushToClient(.pong, flight.slot, at: now) }
    // A slow pong does not hold up what is sent after it, and overtakes nothing that was sent before.
    let instant = max(now &+ halfTrip &+ delay, links[flight.slot].latestToClient)
    flights.push(.pong, id: flight.id, slot: flight.slot, at: instant, isSteady: false)
  }

  private mutating func closeArrived(
    _ slot: Int, code: UInt16?, reason: String, at now: Int64
  ) {
    let id = links[slot].id
    let instant = EngineInstant(nanoseconds: now)
    switch links[slot].service {
    case .open where !links[slot].closeArrived:
      links[slot].closeArrived = true
      figures.openSockets -= 1
      record("close", id, at: now) { $0.field("code", code ?? 1005) }
      service.closeReceived(id, code: code, reason: reason, at: instant)
    case .closing:
      record("close-answer", id, at: now) { $0.field("code", code ?? 1005) }
      serviceEnded(slot)
      service.closeReceived(id, code: code, reason: reason, at: instant)
    case .open, .absent, .gone: return
    }
    carryOut(at: now)
  }

  /// The service's end is over, for whatever reason.
  mutating func serviceEnded(_ slot: Int) {
    let wasCounted =
      (links[slot].service == .open || links[slot].service == .closing)
      && !links[slot].closeArrived
    if wasCounted { figures.openSockets -= 1 }
    links[slot].service = .gone
    freeIfOver(slot)
  }

  /// The connection ended at the service without a close frame, not by its own doing.
  mutating func serviceLost(_ slot: Int, at now: Int64) {
    let id = links[slot].id
    serviceEnded(slot)
    service.disconnected(id, at: EngineInstant(nanoseconds: now))
    carryOut(at: now)
  }

  // MARK: What the service wants

  /// Carries out what the service wants, in order.
  mutating func carryOut(at now: Int64) {
    service.takeOutputs(into: &outputs)
    guard !outputs.isEmpty else { return }
    var batch: [ServiceOutput] = []
    swap(&batch, &outputs)
    for output in batch { carryOut(output, at: now) }
    batch.removeAll(keepingCapacity: true)
    swap(&batch, &outputs)
  }

  private mutating func carryOut(_ output: ServiceOutput, at now: Int64) {
    switch output {
    case .send(let id, let bytes):
      if let slot = openSlot(id) {
        pushToClient(.toClient(bytes), slot, at: now)
      } else {
        lostToClient(bytes.count, id, at: now)
      }
    case .close(let id, let code, let reason):
      guard let slot = openSlot(id, orClosed: true) else { return }
      record("service-close", id, at: now) { $0.field("code", code) }
      pushToClient(.closed(code: code, reason: reason), slot, at: now)
      if links[slot].closeArrived {
        serviceEnded(slot)
      } else {
        links[slot].service = .closing
      }
    case .drop(let id):
      guard let slot = slots[id] else { return }
      guard links[slot].service == .open || links[slot].service == .closing else { return }
      record("service-drop", id, at: now)
      figures.connectionsLost &+= 1
      pushToClient(.lost, slot, at: now)
      serviceEnded(slot)
    case .note(let note): trace?.note(note, at: EngineInstant(nanoseconds: now))
    }
  }

  /// The place of a connection on which the service may send; once the client's close has arrived
  /// nothing but the answering close frame.
  private func openSlot(_ id: ConnectionID, orClosed: Bool = false) -> Int? {
    guard let slot = slots[id], links[slot].service == .open else { return nil }
    return orClosed || !links[slot].closeArrived ? slot : nil
  }

  mutating func lostToClient(_ bytes: Int, _ id: ConnectionID, at now: Int64) {
    figures.framesLostToClient &+= 1
    figures.bytesLostToClient &+= UInt64(bytes)
    record("out-lost", id, at: now) { $0.field("bytes", bytes) }
  }
}
