// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// Mint requests: one HTTP exchange each, on a connection that is taken to be open.
extension NetworkFabric {
  mutating func mintSent(_ credential: Credential, _ body: [UInt8], at now: Int64) -> UInt64 {
    let id = makeID()
    mints[id] = MintCall(credential: credential, body: body, began: now)
    record("mint", id, at: now)
    let processing = max(configuration.mintProcessing.nanoseconds, 0)
    guard !chance(configuration.faults.mintUnreachable) else {
      mintHangs(id, at: now)
      return id
    }
    pushMint(.mintRequest, id, at: now &+ halfTrip &+ processing)
    if roundTrip &+ processing > configuration.mintTimeout.nanoseconds { mintHangs(id, at: now) }
    return id
  }

  mutating func mintCancelled(_ id: UInt64) { mints[id] = nil }

  mutating func mintAdvanced(_ flight: Flight, at now: Int64) -> NetworkEffect {
    guard let call = mints[flight.id] else { return .nothing }
    switch flight.kind {
    case .mintRequest:
      figures.mintsSeen &+= 1
      // The service lives by true time; the client's calendar may be wrong.
      let answer = service.mint(
        credential: call.credential, body: call.body, at: EngineInstant(nanoseconds: now),
        wallTime: SimulatedClock.trueWallTime(at: now))
      record("minted", flight.id, at: now) { $0.field("status", answer.status) }
      mints[flight.id]?.answer = answer
      pushMint(.mintAnswer, flight.id, at: now &+ halfTrip)
      carryOut(at: now)
      return .nothing
    case .mintAnswer:
      mints[flight.id] = nil
      guard let answer = call.answer else { return .nothing }
      return .mintAnswered(flight.id, answer)
    case .mintTimedOut:
      mints[flight.id] = nil
      record("mint-timed-out", flight.id, at: now)
      return .mintTimedOut(flight.id)
    default: return .nothing
    }
  }

  /// No answer will come; the client's own deadline ends the call.
  mutating func mintHangs(_ id: UInt64, at now: Int64) {
    guard let call = mints[id] else { return }
    let patience = max(configuration.mintTimeout.nanoseconds, 0)
    let (deadline, overflow) = call.began.addingReportingOverflow(patience)
    pushMint(.mintTimedOut, id, at: overflow ? .max : max(deadline, now))
  }

  private mutating func pushMint(_ kind: Flight.Kind, _ id: UInt64, at instant: Int64) {
    flights.push(kind, id: id, slot: 0, at: instant, isSteady: false)
  }
}
