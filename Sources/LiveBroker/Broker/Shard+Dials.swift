// SPDX-License-Identifier: Apache-2.0

/// How a shard dials: by a call if the transport can, else in a task. Either way the dial stands in
/// ``DialsUnderWay`` until it is answered.
extension Shard {
  /// Comes from a session that is not done with what it does. That was let by admission, hence in a
  /// turn; so a dial that is answered before this returns goes through the inbox.
  func startDial(_ request: DialRequest, address: SessionAddress, serial: UInt32) {
    assert(isInTurn)
    let ticket = Ticket(shard: index, slot: address.slot, serial: serial)
    let dial = ShardDial(address: address, ticket: ticket, generation: request.generation)
    guard let place = dialsUnderWay.begin(dial) else {
      // The run has ended; the next one begins with the session's restart.
      return services.admission.finish(ticket, .abandoned)
    }
    guard let transport = services.callbackTransport else {
      let task = DialInTask(request, dial, place: place)
      dialsUnderWay.note(task, at: place)
      return startInTask(task)
    }
    let underWay = transport.beginDial(request) { [self] outcome in
      answered(dial, outcome)
      dialsUnderWay.end(place)
    }
    dialsUnderWay.note(underWay, at: place)
  }

  /// What a task does for a dial.
  nonisolated func perform(_ task: DialInTask) async {
    Census.taskBegan()
    defer { Census.taskEnded() }
    answered(task.dial, await task.outcome(over: services.transport))
    dialsUnderWay.end(task.place)
  }

  /// Gives up the dial for a ticket; false if none is under way.
  func giveUpDial(_ ticket: Ticket, generation: UInt32? = nil) -> Bool {
    guard dialsUnderWay.giveUp(ticket, generation: generation) else { return false }
    counters.dialsGivenUp += 1
    return true
  }

  private nonisolated func answered(
    _ dial: ShardDial, _ outcome: Result<any LiveConnection, TransportError>
  ) {
    let result = DialResult(generation: dial.generation, outcome: outcome)
    if executor.isCurrent, Entry.dialAnswered(self, (dial.address, dial.ticket, result)) { return }
    guard !mailbox.post(.dialed(dial.address, dial.ticket, result)) else { return }
    // The broker has stopped meanwhile: nobody else will close this connection.
    if case .success(let connection) = outcome { executor.execute { connection.abort() } }
  }

  /// Takes an outcome without the way through the inbox; false if this is not the moment.
  func dialAnswered(_ address: SessionAddress, _ ticket: Ticket, _ result: DialResult) -> Bool {
    takeTurn { dialed(address, ticket, result) }
  }

  func dialed(_ address: SessionAddress, _ ticket: Ticket, _ result: DialResult) {
    services.admission.finish(ticket, DialOutcome(result.outcome))
    guard let session = session(address) else {
      (try? result.outcome.get())?.abort()
      return
    }
    Session.Entry.dialEnded(session, (ticket.serial, result))
  }
}
