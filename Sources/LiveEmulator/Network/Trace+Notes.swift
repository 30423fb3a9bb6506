// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension Trace {
  /// Records what happened inside the service. A connection is labelled with its session's number.
  func note(_ note: ServiceNote, at instant: EngineInstant) {
    switch note {
    case .sessionStarted(let connection, let session):
      label(connection: connection, "s\(session)")
      record(at: instant, connection: connection, "session-started")
    case .sessionResumed(let connection, let session, let checkpoint):
      label(connection: connection, "s\(session)")
      record(at: instant, connection: connection, "session-resumed") {
        $0.field("checkpoint", checkpoint)
      }
    case .setupRefused(let connection, let code, _):
      record(at: instant, connection: connection, "setup-refused") { $0.field("code", code) }
    case .goAway(let connection, let timeLeft):
      record(at: instant, connection: connection, "go-away") { $0.field("left", timeLeft) }
    case .fault(let connection, let fault):
      record(at: instant, connection: connection, "fault") { $0.field("kind", fault.word) }
    case .promiseBroken(let promise):
      record(at: instant, connection: promise.connection, "promise-broken") {
        $0.field("kind", promise.kind.word)
      }
    case .minted, .mintRefused, .rolledBack, .checkpoint, .withheld, .turnStarted, .turnEnded,
      .toolCalled, .forgotten:
      noteOfSession(note, at: instant)
    case .upgradeRefused, .closed, .closedByClient, .dropped:
      // The network has a line of its own for each of these.
      break
    }
  }

  private func noteOfSession(_ note: ServiceNote, at instant: EngineInstant) {
    switch note {
    case .minted(let token): record(at: instant, "token-minted") { $0.field("token", token) }
    case .mintRefused(let status):
      record(at: instant, "mint-refused") { $0.field("status", status) }
    case .rolledBack(let session, let messages, let mediaBytes):
      record(at: instant, "rolled-back") {
        $0.field("session", session)
        $0.field("messages", messages)
        $0.field("bytes", mediaBytes)
      }
    case .checkpoint(let session, let checkpoint):
      record(at: instant, "checkpoint") {
        $0.field("session", session)
        $0.field("checkpoint", checkpoint)
      }
    case .withheld(let session): recordSession("withheld", session, at: instant)
    case .turnStarted(let session): recordSession("turn-started", session, at: instant)
    case .turnEnded(let session, let interrupted):
      recordSession(interrupted ? "turn-interrupted" : "turn-ended", session, at: instant)
    case .toolCalled(let session, _): recordSession("tool-called", session, at: instant)
    case .forgotten(let session): recordSession("forgotten", session, at: instant)
    default: break
    }
  }

  private func recordSession(_ what: StaticString, _ session: Int, at instant: EngineInstant) {
    record(at: instant, what) { $0.field("session", session) }
  }
}

extension ServiceFault {
  fileprivate var word: StaticString {
    switch self {
    case .goAway: "goAway"
    case .falseGoAway: "falseGoAway"
    case .silence: "silence"
    case .close: "close"
    case .drop: "drop"
    case .withholdHandles: "withholdHandles"
    case .refuseNextResume: "refuseNextResume"
    case .poisonNextResume: "poisonNextResume"
    case .forgetOnResume: "forgetOnResume"
    case .send: "send"
    case .callTool: "callTool"
    case .endInCall: "endInCall"
    }
  }
}

extension BrokenPromise.Kind {
  fileprivate var word: StaticString {
    switch self {
    case .startedAfterWindow: "startedAfterWindow"
    case .startedOnSpentToken: "startedOnSpentToken"
    case .messageAfterExpiry: "messageAfterExpiry"
    case .secondSocket: "secondSocket"
    case .toolResponseWithoutCall: "toolResponseWithoutCall"
    case .contentForbidden: "contentForbidden"
    case .setupOutOfOrder: "setupOutOfOrder"
    case .messageBeforeSetupComplete: "messageBeforeSetupComplete"
    case .malformedMessage: "malformedMessage"
    case .secretInContent: "secretInContent"
    }
  }
}
