// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// What goes wrong: by chance, by order of a test, and by partition.
extension NetworkFabric {
  /// Draws when a new connection will be lost or fall silent.
  mutating func armFaults(_ slot: Int, at now: Int64) {
    if let mean = configuration.faults.meanTimeToLoss {
      pushTimer(.lossDue, slot, at: now &+ draw(mean))
    }
    if let mean = configuration.faults.meanTimeToSilence {
      pushTimer(.silenceDue, slot, at: now &+ draw(mean))
    }
  }

  private mutating func draw(_ mean: Duration) -> Int64 {
    random.nanoseconds(upTo: min(mean.nanoseconds, Int64.max / 4) &* 2)
  }

  mutating func faultDue(_ flight: Flight, at now: Int64) {
    let slot = flight.slot
    guard links[slot].id == flight.id else { return }
    switch flight.kind {
    case .lossDue: cut(slot, at: now)
    case .silenceDue: silence(slot, at: now)
    case .silenceNoticed:
      guard links[slot].service == .open || links[slot].service == .closing else { return }
      record("silence-noticed", flight.id, at: now)
      figures.connectionsLost &+= 1
      serviceLost(slot, at: now)
    default: break
    }
  }

  /// Cuts a connection: the service knows at once, the client half a round trip later.
  mutating func cut(_ slot: Int, at now: Int64) {
    guard links[slot].service == .open || links[slot].service == .closing,
      !links[slot].isSilent
    else { return }
    record("cut", links[slot].id, at: now)
    figures.connectionsLost &+= 1
    pushToClient(.lost, slot, at: now)
    serviceLost(slot, at: now)
  }

  /// From now on nothing passes on this connection, and nobody is told.
  mutating func silence(_ slot: Int, at now: Int64) {
    guard links[slot].service == .open || links[slot].service == .closing,
      !links[slot].isSilent
    else { return }
    record("silence", links[slot].id, at: now)
    links[slot].isSilent = true
    service.markUnreachable(links[slot].id)
    let patience = max(configuration.silenceDetection.nanoseconds, 0)
    let (instant, overflow) = now.addingReportingOverflow(patience)
    pushTimer(.silenceNoticed, slot, at: overflow ? .max : instant)
  }

  /// Connections that are open at the service, by age.
  var openConnections: [ConnectionID] {
    links.lazy.filter { $0.service == .open || $0.service == .closing }.map(\.id).sorted()
  }

  /// Cuts all connections, the oldest first.
  mutating func cutEverything(at now: Int64) {
    record("cut-everything", 0, at: now)
    for id in openConnections {
      if let slot = slots[id] { cut(slot, at: now) }
    }
  }

  // MARK: Partitions

  /// Sets which directions are cut. What was caught under way goes on when its direction heals, in
  /// order, half a round trip later, as a retransmission would.
  mutating func partitioned(_ cut: NetworkPartition, at now: Int64) {
    partition = cut
    if !cut.isEmpty {
      for id in openConnections { service.markUnreachable(id) }
    }
    record("partition", 0, at: now) { $0.field("directions", cut.rawValue) }
    guard !stranded.isEmpty else { return }
    let waiting = stranded
    stranded = []
    // What was sent later is still on its way: on one connection it stays behind what waited.
    let later = flights.removeAll()
    for flight in waiting {
      if isCaught(flight) {
        stranded.append(flight)
      } else {
        resend(flight, at: now &+ halfTrip)
      }
    }
    for flight in later {
      resend(flight, at: crosses(flight) ? max(flight.instant, now &+ halfTrip) : flight.instant)
    }
  }

  private mutating func resend(_ flight: Flight, at instant: Int64) {
    flights.push(flight.kind, id: flight.id, slot: flight.slot, at: instant, isSteady: false)
  }

  /// Holds up everything that is sent on a connection from now on, as a lost packet or a full
  /// queue on the way does: it arrives in order, and not before `duration` has passed.
  mutating func stall(
    _ slot: Int, _ directions: NetworkPartition, for duration: Int64, at now: Int64
  ) {
    let (until, overflow) = now.addingReportingOverflow(max(0, duration))
    guard !overflow else { return }
    record("stall", links[slot].id, at: now) { $0.field("directions", directions.rawValue) }
    service.markUnreachable(links[slot].id)
    if directions.contains(.toService) {
      links[slot].latestToService = max(links[slot].latestToService, until)
    }
    if directions.contains(.toClient) {
      links[slot].latestToClient = max(links[slot].latestToClient, until)
    }
  }

  /// Keeps what a partition catches; false if it passes.
  mutating func strand(_ flight: Flight, at now: Int64) -> Bool {
    guard !partition.isEmpty, isCaught(flight) else { return false }
    stranded.append(flight)
    switch flight.kind {
    case .upgrade, .opened, .upgradeRefused:
      if links[flight.slot].id == flight.id { hang(.upgrade, flight.slot, at: now) }
    case .mintRequest, .mintAnswer: mintHangs(flight.id, at: now)
    default: break
    }
    return true
  }

  private func isCaught(_ flight: Flight) -> Bool {
    direction(of: flight).map(partition.contains) ?? false
  }

  private func crosses(_ flight: Flight) -> Bool { direction(of: flight) != nil }

  /// Which way something crosses; nil for what stays at one end.
  private func direction(of flight: Flight) -> NetworkPartition? {
    switch flight.kind {
    case .upgrade, .toService, .ping, .closeToService, .resetToService, .mintRequest:
      .toService
    case .opened, .upgradeRefused, .toClient, .pong, .closed, .lost, .mintAnswer:
      .toClient
    case .connected, .secured, .refused, .timedOut, .writable, .resume, .pongDue, .lossDue,
      .silenceDue, .silenceNoticed, .mintTimedOut:
      nil
    }
  }
}
