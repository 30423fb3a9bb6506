// SPDX-License-Identifier: Apache-2.0

// Whom a pool serves, with which token, and whom it has to refuse.

extension TokenPoolMachine {
  mutating func requested(
    _ ticket: Ticket, _ purpose: Purpose, by deadline: EngineInstant, at now: EngineInstant,
    into answers: inout [Answer]
  ) {
    guard !sessions.contains(ticket) else { return }
    demand.asked(at: now)
    if let token = takeForSession(at: now) {
      served(purpose)
      answers.append(.deliver(ticket, .success(token)))
    } else if let error = reasonNotToWait(until: deadline, at: now) {
      counters.refused += 1
      answers.append(.deliver(ticket, .failure(error)))
    } else {
      counters.waited += 1
      sessions.append(ticket, need: purpose, deadline: deadline, arrival: nextArrival())
    }
  }

  mutating func vendRequested(
    _ client: UInt64, _ minimumWindow: Duration, by deadline: EngineInstant, at now: EngineInstant,
    into answers: inout [Answer]
  ) {
    guard !clients.contains(client), !leases.contains(client) else { return }
    while leases.removeExpired(at: now) != nil {}
    if let error = reasonNotToVend(minimumWindow) {
      counters.refused += 1
      answers.append(.vend(client: client, .failure(error)))
      return
    }
    demand.asked(at: now)
    if let token = takeForClient(minimumWindow, at: now) {
      lease(token, to: client, into: &answers)
    } else if let error = reasonNotToWait(until: deadline, at: now) {
      counters.refused += 1
      answers.append(.vend(client: client, .failure(error)))
    } else {
      counters.waited += 1
      clients.append(client, need: minimumWindow, deadline: deadline, arrival: nextArrival())
    }
  }

  /// Serves those who wait in the order in which they came. A client needs a token of its own, so a
  /// token that has been begun is for sessions, who may then pass a waiting client.
  mutating func serve(at now: EngineInstant, into answers: inout [Answer]) {
    while true {
      let session = sessions.first
      let client = clients.first
      let clientFirst =
        switch (session, client) {
        case (let session?, let client?): client.arrival < session.arrival
        default: session == nil
        }
      if clientFirst, serveClient(client, at: now, into: &answers) { continue }
      if serveSession(session, at: now, into: &answers) { continue }
      if !clientFirst, serveClient(client, at: now, into: &answers) { continue }
      return
    }
  }

  private mutating func serveSession(
    _ session: WaitingLine<Ticket, Purpose>.Place?, at now: EngineInstant,
    into answers: inout [Answer]
  ) -> Bool {
    guard let session, let token = takeForSession(at: now) else { return false }
    sessions.remove(session.key)
    served(session.need)
    answers.append(.deliver(session.key, .success(token)))
    return true
  }

  private mutating func serveClient(
    _ client: WaitingLine<UInt64, Duration>.Place?, at now: EngineInstant,
    into answers: inout [Answer]
  ) -> Bool {
    guard let client, let token = takeForClient(client.need, at: now) else { return false }
    clients.remove(client.key)
    lease(token, to: client.key, into: &answers)
    return true
  }

  private mutating func served(_ purpose: Purpose) {
    counters.served += 1
    if purpose == .resume { counters.servedResumes += 1 }
  }

  private mutating func lease(
    _ token: VendedToken, to client: UInt64, into answers: inout [Answer]
  ) {
    counters.served += 1
    leases.append(
      client, need: (), deadline: token.machine.expiresAt ?? .zero, arrival: nextArrival())
    answers.append(.vend(client: client, .success(token)))
  }

  // MARK: Ready tokens

  mutating func store(_ secret: Secret, _ machine: TokenMachine, chance: inout SplitMix64) {
    guard let end = machine.newSessionUntil,
      let usableUntil = machine.startUntil(margin: configuration.margins)
    else { return }
    // Long enough before for several attempts, and not all at once.
    let window = machine.issuedAt.duration(to: end).nanoseconds
    let early = window / 4 + chance.nanoseconds(upTo: window / 8)
    let token = Ready(
      secret: secret, machine: machine,
      freshUntil: usableUntil.advanced(byNanoseconds: -early))
    let position = ready.lastIndex { ($0.machine.newSessionUntil ?? .zero) <= end } ?? -1
    ready.insert(token, at: position + 1)
  }

  private mutating func takeForSession(at now: EngineInstant) -> VendedToken? {
    let margins = configuration.margins
    guard let index = ready.firstIndex(where: { $0.machine.canStart(at: now, margin: margins) })
    else { return nil }
    let token = VendedToken(
      secret: ready[index].secret, machine: ready[index].machine.lentForOneUse)
    ready[index].isTouched = true
    // The last use closes it for everybody here.
    if ready[index].machine.handle(.sessionStarted, at: now) != .nothing { ready.remove(at: index) }
    return token
  }

  private mutating func takeForClient(
    _ minimumWindow: Duration, at now: EngineInstant
  ) -> VendedToken? {
    let enough = now.advanced(by: minimumWindow)
    let margins = configuration.margins
    let found = ready.lastIndex { token in
      guard !token.isTouched, token.machine.canStart(at: now, margin: margins) else { return false }
      return enough <= token.machine.newSessionUntil ?? .zero
    }
    guard let found else { return nil }
    let token = ready.remove(at: found)
    return VendedToken(secret: token.secret, machine: token.machine)
  }

  mutating func dropStale(at now: EngineInstant) {
    ready.removeAll { token in
      guard !token.machine.canStart(at: now, margin: configuration.margins) else { return false }
      if !token.isTouched { counters.expiredUnused += 1 }
      return true
    }
  }

  mutating func discardReady(where isBad: (Ready) -> Bool) {
    let before = ready.count
    ready.removeAll(where: isBad)
    counters.discarded += before - ready.count
  }

  // MARK: Refusals

  private func reasonNotToWait(
    until deadline: EngineInstant, at now: EngineInstant
  ) -> TokenPoolError? {
    if case .refused(let error, _, let until) = mode, now < until { return error }
    if deadline <= now { return timedOut }
    guard sessions.count + clients.count < max(1, configuration.maximumWaiting) else {
      return TokenPoolError(.overloaded, message: "too many requests wait for a token")
    }
    return nil
  }

  private func reasonNotToVend(_ minimumWindow: Duration) -> TokenPoolError? {
    // A wider window that was never asked for yet may still be had.
    let longest =
      timesWereRefused
      ? TokenPoolConfiguration.serviceWindow
      : max(TokenPoolConfiguration.serviceWindow, configuration.newSessionWindow)
    // Some of the window is always over by the time a token arrives.
    guard minimumWindow.nanoseconds <= longest.nanoseconds / 5 * 4 else {
      return Self.windowUnavailable(minimumWindow)
    }
    guard leases.count + clients.count < max(1, configuration.maximumLeases) else {
      return TokenPoolError(.leasesExhausted, message: "all places for remote clients are taken")
    }
    return nil
  }

  /// A client whose wish even the token just minted does not meet waits in vain, unless the next
  /// one will be asked for with other times.
  mutating func refuseHopelessClients(
    newest: TokenMachine, namedTimes: Bool, at now: EngineInstant, into answers: inout [Answer]
  ) {
    guard namedTimes || !asksForTimes, let end = newest.newSessionUntil else { return }
    while let client = clients.first, end < now.advanced(by: client.need) {
      clients.remove(client.key)
      counters.refused += 1
      answers.append(.vend(client: client.key, .failure(Self.windowUnavailable(client.need))))
    }
  }

  mutating func refuseOverdueRequests(at now: EngineInstant, into answers: inout [Answer]) {
    while let place = sessions.removeExpired(at: now) {
      counters.refused += 1
      answers.append(.deliver(place.key, .failure(timedOut)))
    }
    while let place = clients.removeExpired(at: now) {
      counters.refused += 1
      answers.append(.vend(client: place.key, .failure(timedOut)))
    }
  }

  mutating func refuseAll(_ error: TokenPoolError, into answers: inout [Answer]) {
    counters.refused += sessions.count + clients.count
    while let place = sessions.removeFirst() {
      answers.append(.deliver(place.key, .failure(error)))
    }
    while let place = clients.removeFirst() {
      answers.append(.vend(client: place.key, .failure(error)))
    }
  }

  private var timedOut: TokenPoolError {
    TokenPoolError(.timedOut, message: "no token came in time", cause: lastMintError)
  }

  private static func windowUnavailable(_ wanted: Duration) -> TokenPoolError {
    TokenPoolError(
      .windowUnavailable, message: "no token has \(wanted) of its window left when it arrives")
  }
}
