// SPDX-License-Identifier: Apache-2.0

/// What sessions ask for, and what comes of it.
extension Shard {
  func requestToken(
    for slot: UInt32, _ purpose: CredentialPurpose, by deadline: EngineInstant
  ) -> UInt32 {
    let ticket = nextTicket(slot)
    services.pool?.request(ticket, purpose: purpose, by: deadline)
    return ticket.serial
  }

  func requestAdmission(
    for slot: UInt32, _ urgency: DialUrgency, by deadline: EngineInstant
  ) -> UInt32 {
    let ticket = nextTicket(slot)
    services.admission.request(ticket, urgency.dialClass, by: deadline)
    return ticket.serial
  }

  /// Takes back what was asked of pool, admission or transport, whoever has it now.
  func cancelRequests(of slot: UInt32, serial: UInt32) {
    let ticket = Ticket(shard: index, slot: slot, serial: serial)
    // A dial keeps its place among the broker's dials until it is answered, which is soon.
    guard !giveUpDial(ticket) else { return }
    services.pool?.cancel(ticket)
    services.admission.cancel(ticket)
  }

  func handleChanged(_ handle: Secret?, model: String, id: String) {
    guard services.store != nil else { return }
    let life = services.configuration.handleLife
    let record = handle.map { handle in
      StoredResumption(
        handle: handle, model: model, savedAt: clock.wallTime,
        expiresAt: clock.wallTime.advanced(by: life))
    }
    unwrittenHandles.note(record, id: id)
    workIsPending()
  }

  /// Returns when no handle waits to be stored, or the broker has stopped.
  func handlesAreStored() async {
    guard !mailbox.isClosed else { return }
    await withCheckedContinuation { unwrittenHandles.whenStored($0) }
  }

  private func nextTicket(_ slot: UInt32) -> Ticket {
    requestSerial = requestSerial == .max ? 1 : requestSerial + 1
    return Ticket(shard: index, slot: slot, serial: requestSerial)
  }

  // MARK: What comes of it

  func credential(_ ticket: Ticket, _ result: Result<VendedToken, TokenPoolError>) {
    guard let session = session(inSlot: ticket.slot) else { return }
    Session.Entry.credentialAnswered(session, (ticket.serial, result))
  }

  func admitted(_ ticket: Ticket) {
    guard let session = session(inSlot: ticket.slot) else {
      return services.admission.finish(ticket, .abandoned)
    }
    if let outcome = Session.Entry.admitted(session, ticket.serial) {
      services.admission.finish(ticket, outcome)
    }
  }

  private func session(inSlot slot: UInt32) -> Session? {
    slot < sessions.count ? sessions[Int(slot)] : nil
  }
}
