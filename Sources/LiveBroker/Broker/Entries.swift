// SPDX-License-Identifier: Apache-2.0

// The doors between the actors of one shard. What is rare goes through `assumeIsolated`.

extension Shard {
  /// Ways in for the executor's calls and for the shard's sessions.
  enum Entry {
    static let turn = Door { (shard: isolated Shard, _: Void) in shard.turn() }
    static let noteMail = Door { (shard: isolated Shard, _: Void) in shard.noteMail() }
    static let beginVisit = Door { (shard: isolated Shard, _: Void) in shard.beginVisit() }
    static let endVisit = Door { (shard: isolated Shard, _: Void) in shard.endVisit() }
    static let wake = Door { (shard: isolated Shard, _: Void) in shard.wake() }
    static let alarmRang = Door { (shard: isolated Shard, instant: EngineInstant) in
      shard.alarmRang(instant)
    }
    static let arm = Door { (shard: isolated Shard, entry: (slot: UInt32, at: EngineInstant)) in
      shard.arm(entry.slot, at: entry.at)
    }
    static let requestAdmission = Door {
      (shard: isolated Shard, wish: (slot: UInt32, urgency: DialUrgency, by: EngineInstant)) in
      shard.requestAdmission(for: wish.slot, wish.urgency, by: wish.by)
    }
    static let startDial = Door {
      (shard: isolated Shard, dial: (request: DialRequest, at: SessionAddress, serial: UInt32)) in
      shard.startDial(dial.request, address: dial.at, serial: dial.serial)
    }
    static let dialAnswered = Door {
      (shard: isolated Shard, news: (of: SessionAddress, by: Ticket, result: DialResult)) in
      shard.dialAnswered(news.of, news.by, news.result)
    }
    static let resumesCountAsUses = Door { (shard: isolated Shard, _: Void) in
      shard.resumesCountAsUses
    }
    static let noteReconnect = Door {
      (shard: isolated Shard, news: (report: ReconnectReport, id: SessionID, missed: Int)) in
      shard.noteReconnect(news.report, news.id, missedByObservers: news.missed)
    }
  }
}

extension Session {
  /// Ways in for the shard and for the session's connections.
  enum Entry {
    static let feed = Door {
      (
        session: isolated Session,
        input: @Sendable (inout SessionMachine, SessionMachine.Context) -> [SessionMachine.Action]
      ) in session.feed(input)
    }
    static let timerFired = Door { (session: isolated Session, _: Void) in session.timerFired() }
    static let accept = Door { (session: isolated Session, message: PreparedMessage) in
      session.accept(message)
    }
    static let received = Door {
      (session: isolated Session, frame: (bytes: UnsafeRawBufferPointer, generation: UInt32)) in
      session.received(frame.bytes, on: frame.generation)
    }
    static let signalled = Door {
      (session: isolated Session, event: (signal: ConnectionSignal, generation: UInt32)) in
      session.signalled(event.signal, on: event.generation)
    }
    static let credentialAnswered = Door {
      (
        session: isolated Session,
        answer: (serial: UInt32, result: Result<VendedToken, TokenPoolError>)
      ) in session.credentialAnswered(answer.serial, answer.result)
    }
    static let admitted = Door { (session: isolated Session, serial: UInt32) in
      session.admitted(serial)
    }
    static let dialEnded = Door {
      (session: isolated Session, answer: (serial: UInt32, result: DialResult)) in
      session.dialEnded(answer.serial, answer.result)
    }
  }
}

extension Resumption {
  /// Ways in for the session.
  enum Entry {
    static let handle = Door {
      (
        resumption: isolated Resumption,
        news: (input: ResumptionMachine.Input, now: EngineInstant)
      ) in resumption.handle(news.input, at: news.now)
    }
    static let handleForDial = Door { (resumption: isolated Resumption, now: EngineInstant) in
      resumption.handleForDial(at: now)
    }
    static let facts = Door { (resumption: isolated Resumption, dialed: EngineInstant) in
      resumption.facts(forDialAt: dialed)
    }
    static let handleIssuedAt = Door { (resumption: isolated Resumption, _: Void) in
      resumption.handleIssuedAt
    }
  }
}

extension Token {
  /// Ways in for the session.
  enum Entry {
    static let sessionStarted = Door { (token: isolated Token, now: EngineInstant) in
      _ = token.handle(.sessionStarted, at: now)
    }
    static let canResume = Door { (token: isolated Token, now: EngineInstant) in
      token.canResume(at: now, margin: TokenMargins())
    }
    static let credential = Door { (token: isolated Token, _: Void) in token.credential }
  }
}
