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

  /// Serves those who wait in the order in which they came.
  mutating func serve(at now: EngineInstant, into answers: inout [Answer]) {
    while let session = sessions.first, let token = takeForSession(at: now) {
      sessions.remove(session.key)
      served(session.need)
      answers.append(.deliver(session.key, .success(token)))
    }
  }

  private mutating func served(_ purpose: Purpose) {
    counters.served += 1
    if purpose == .resume { counters.servedResumes += 1 }
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
    guard sessions.count < max(1, configuration.maximumWaiting) else {
      return TokenPoolError(.overloaded, message: "too many requests wait for a token")
    }
    return nil
  }

  mutating func refuseOverdueRequests(at now: EngineInstant, into answers: inout [Answer]) {
    while let place = sessions.removeExpired(at: now) {
      counters.refused += 1
      answers.append(.deliver(place.key, .failure(timedOut)))
    }
  }

  mutating func refuseAll(_ error: TokenPoolError, into answers: inout [Answer]) {
    counters.refused += sessions.count
    while let place = sessions.removeFirst() {
      answers.append(.deliver(place.key, .failure(error)))
    }
  }

  private var timedOut: TokenPoolError {
    TokenPoolError(.timedOut, message: "no token came in time", cause: lastMintError)
  }
}
