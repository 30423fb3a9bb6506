// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension NetworkFabric {
  /// A client dials. Its outcome comes as an effect for the slot.
  mutating func dialed(_ request: DialRequest, at now: Int64) -> (slot: Int, id: ConnectionID) {
    var link = NetworkLink()
    link.id = makeID()
    link.client = .dialing
    link.credential = request.credential
    link.version = request.endpoint.version(for: request.credential)
    link.usesTLS = request.endpoint.usesTLS
    link.timeouts = request.timeouts
    let slot = place(link)
    figures.dials &+= 1
    record("dial", link.id, at: now) { $0.field("generation", request.generation) }
    if chance(configuration.faults.dialRefused) {
      pushTimer(.refused, slot, at: now &+ roundTrip)
    } else {
      begin(.connect, slot, at: now, hangs: chance(configuration.faults.connectSilent))
    }
    return (slot, link.id)
  }

  /// A client gave up its dial.
  mutating func dialCancelled(_ slot: Int, _ id: ConnectionID, at now: Int64) {
    guard links[slot].id == id, links[slot].client == .dialing else { return }
    figures.dialsCancelled &+= 1
    record("dial-cancelled", id, at: now)
    dialFailed(slot, at: now)
  }

  /// A phase at the client ended, or an answer to its upgrade has arrived.
  mutating func dialAdvanced(_ flight: Flight, at now: Int64) -> NetworkEffect {
    let slot = flight.slot
    guard links[slot].client == .dialing else { return .nothing }
    switch flight.kind {
    case .connected where !partition.isEmpty: hang(.connect, slot, at: now)
    case .secured where !partition.isEmpty: hang(.tls, slot, at: now)
    case .connected where links[slot].usesTLS: begin(.tls, slot, at: now, hangs: false)
    case .connected, .secured: sendUpgrade(slot, at: now)
    case .opened:
      links[slot].client = .open
      record("open", flight.id, at: now)
      return .opened(slot)
    case .refused: return failed(slot, .init(.connectFailed, message: "Connection refused."), now)
    case .timedOut(let phase): return failed(slot, Self.timeOut(phase), now)
    case .upgradeRefused(let status):
      let error = TransportError(
        .upgradeRefused, message: "The upgrade was refused.", httpStatus: status,
        retryAfter: links[slot].retryAfter)
      return failed(slot, error, now)
    default: break
    }
    return .nothing
  }

  private mutating func begin(_ phase: DialPhase, _ slot: Int, at now: Int64, hangs: Bool) {
    links[slot].phaseBegan = now
    if hangs || roundTrip > timeout(phase, slot) {
      hang(phase, slot, at: now)
    } else {
      pushTimer(phase == .connect ? .connected : .secured, slot, at: now &+ roundTrip)
    }
  }

  private mutating func sendUpgrade(_ slot: Int, at now: Int64) {
    links[slot].phaseBegan = now
    if chance(configuration.faults.upgradeSilent) { return hang(.upgrade, slot, at: now) }
    links[slot].upgradeSent = true
    pushToService(.upgrade, slot, at: now)
    if roundTrip &+ 2 &* jitter > timeout(.upgrade, slot) { hang(.upgrade, slot, at: now) }
  }

  /// This phase will not end by itself: its deadline will.
  mutating func hang(_ phase: DialPhase, _ slot: Int, at now: Int64) {
    let (deadline, overflow) = links[slot].phaseBegan.addingReportingOverflow(timeout(phase, slot))
    pushTimer(.timedOut(phase), slot, at: overflow ? .max : max(deadline, now))
  }

  private func timeout(_ phase: DialPhase, _ slot: Int) -> Int64 {
    switch phase {
    case .connect: links[slot].timeouts.connect.nanoseconds
    case .tls: links[slot].timeouts.tls.nanoseconds
    case .upgrade: links[slot].timeouts.upgrade.nanoseconds
    }
  }

  private mutating func failed(_ slot: Int, _ error: TransportError, _ now: Int64) -> NetworkEffect
  {
    record("dial-failed", links[slot].id, at: now) { $0.field("status", error.httpStatus ?? 0) }
    dialFailed(slot, at: now)
    return .dialFailed(slot, error)
  }

  private mutating func dialFailed(_ slot: Int, at now: Int64) {
    links[slot].client = .finished
    if links[slot].upgradeSent, links[slot].service != .gone {
      // The service sees the upgrade of a client that has gone, and then its end.
      pushToService(.resetToService, slot, at: now)
    } else if links[slot].service != .gone {
      figures.dialsFailed &+= 1
    }
    freeIfOver(slot)
  }

  private static func timeOut(_ phase: DialPhase) -> TransportError {
    switch phase {
    case .connect: TransportError(.timedOut, message: "TCP connect took too long.")
    case .tls: TransportError(.timedOut, message: "The TLS handshake took too long.")
    case .upgrade: TransportError(.timedOut, message: "The upgrade took too long.")
    }
  }

  // MARK: At the service

  mutating func upgradeArrived(_ flight: Flight, at now: Int64) {
    let slot = flight.slot
    guard links[slot].id == flight.id, let credential = links[slot].credential.take() else {
      return
    }
    countUpgrade(at: now)
    let instant = EngineInstant(nanoseconds: now)
    let version = links[slot].version
    switch service.upgrade(flight.id, credential: credential, version: version, at: instant) {
    case .accepted:
      figures.upgradesAccepted &+= 1
      figures.openSockets += 1
      figures.peakOpenSockets = max(figures.peakOpenSockets, figures.openSockets)
      links[slot].service = .open
      record("upgrade", flight.id, at: now)
      pushToClient(.opened, slot, at: now)
      armFaults(slot, at: now)
    case .refused(let status, let retryAfter):
      figures.upgradesRefused &+= 1
      links[slot].service = .gone
      links[slot].retryAfter = retryAfter
      record("upgrade-refused", flight.id, at: now) { $0.field("status", status) }
      pushToClient(.upgradeRefused(status: status), slot, at: now)
      freeIfOver(slot)
    }
    carryOut(at: now)
  }

  /// Begins to look for the busiest second anew.
  mutating func beginPeak() {
    recentUpgrades = Ring()
    figures.peakUpgradesPerSecond = 0
  }

  private mutating func countUpgrade(at now: Int64) {
    figures.upgradesSeen &+= 1
    recentUpgrades.append(now)
    while let oldest = recentUpgrades.first, oldest <= now &- 1_000_000_000 {
      _ = recentUpgrades.popFirst()
    }
    figures.peakUpgradesPerSecond = max(figures.peakUpgradesPerSecond, recentUpgrades.count)
  }
}
